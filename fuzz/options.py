"""The options of the campaigns whose cases have numbers."""

from __future__ import annotations

import argparse


def parse_options(description: str | None, n_cases: int) -> argparse.Namespace:
    """Return ``seed``, ``cases`` and ``case``, the number of the one to repeat, or None."""
    parser = argparse.ArgumentParser(description=description.split("\n")[0] if description else None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", type=int, default=n_cases)
    parser.add_argument("--case", type=int, help="repeat this case alone")
    return parser.parse_args()
