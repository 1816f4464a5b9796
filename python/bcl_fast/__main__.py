"""``python -m bcl_fast`` and the console script: the command line."""

import sys

from bcl_fast._utils.extras import require
from bcl_fast.errors import MissingExtraError


def main() -> None:
    """Run the command line, or say what to install for it."""
    try:
        require("the command line", "typer", "rich")
    except MissingExtraError as error:
        sys.exit(f"error: {error}")
    from bcl_fast.cli import main as run

    run()


if __name__ == "__main__":
    main()
