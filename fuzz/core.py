"""The compiled core with arguments that nobody should give it: it returns or refuses, and never reads beyond them.

Run under AddressSanitizer and UndefinedBehaviorSanitizer (`make fuzz`), which end the program at the first fault, as
does a call that takes a minute. The last line before is the case: its seed replays it alone (`--only NAME --calls 1`).
"""

from __future__ import annotations

import argparse
import faulthandler
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from bcl_fast import _core

SECONDS_PER_CALL = 60
Random = np.random.Generator
EXTREMES = (0.0, -0.0, 1e-45, -1e-45, 1e-300, 3.4e38, 1.8e19, 1e150, 1e300, np.inf, -np.inf, np.nan)
THRESHOLDS = (*[0.0, 1e-300, 1e-3, 0.5, 1.0, 2.0, 10.0, 1e30, np.inf] * 3, np.nan, -1.0)


def numbers(rng: Random, shape: tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
    """Draw ordinary numbers, ties, or any size, with extremes among them."""
    kind = rng.integers(4)
    if kind == 0:
        values = rng.normal(size=shape)
    elif kind == 1:
        values = rng.integers(0, 3, shape).astype(np.float64)
    elif kind == 2:
        values = rng.normal(size=shape) * 10.0 ** rng.uniform(-30, 30, shape)
    else:
        values = np.full(shape, rng.choice(EXTREMES[:8]))
    if rng.random() < 0.2 and values.size:
        values.flat[rng.integers(values.size, size=1 + values.size // 10)] = rng.choice(EXTREMES)
    with np.errstate(over="ignore"):
        return values.astype(dtype)


def laid_out(rng: Random, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the array, now and then with other strides, byte order or dimensions, or read-only."""
    kind = rng.integers(60)
    if kind == 0:
        return np.asfortranarray(array)
    if kind == 1:
        return array[::-1]
    if kind == 2:
        return np.repeat(array, 2, axis=0)[::2]
    if kind == 3:
        return array.astype(array.dtype.newbyteorder())
    if kind == 4:
        return array[None]
    if kind == 5:
        array.flags.writeable = False
    if kind == 6:
        return np.frombuffer(b"\0" + array.tobytes(), np.uint8)[1:].view(array.dtype).reshape(array.shape)
    return array


def points(rng: Random) -> npt.NDArray[Any]:
    """Draw points, few or some thousands, of none to many features."""
    n = int(rng.choice([0, 1, 2, 3, 17, 48, 49, 65, 257, 300, 2100], p=[0.05] + [0.1] * 9 + [0.05]))
    d = int(rng.choice([0, 1, 2, 3, 7, 8, 16, 31, 33, 64, 130]))
    array = numbers(rng, (n, d), rng.choice([np.float32, np.float64]))
    if n > 2 and rng.random() < 0.3:
        array = array[rng.integers(0, 1 + n // 3, n)]  # identical points
    return laid_out(rng, array)


def execution(rng: Random) -> _core.Execution:
    """Draw a number of threads and a progress that may be none."""
    progress = None if rng.random() < 0.7 else lambda *_: None
    return _core.Execution(int(rng.choice([0, 1, 2, 3, 2000, -5])), progress)


def groups(rng: Random, n: int) -> npt.NDArray[np.int32] | None:
    """Draw numbers by first appearance, or nearly; or none."""
    kind = rng.integers(8)
    if kind < 3:
        return None
    codes = rng.integers(0, 1 + n // 2, n)
    if kind < 7:
        _, first, codes = np.unique(codes, return_index=True, return_inverse=True)
        codes = np.argsort(np.argsort(first))[codes]
    return laid_out(rng, codes.astype(np.int32))


def pairs(rng: Random, n: int) -> npt.NDArray[np.int32]:
    """Draw pairs of indices, a few of them out of range."""
    low, high = (0, max(1, n)) if rng.random() < 0.95 else (-2, n + 3)
    count = int(rng.choice([0, 1, 5, 40]))
    return laid_out(rng, rng.integers(low, high, (count if n else 0, 2)).astype(np.int32))


def call_radius_graph(rng: Random) -> None:
    """Call `_core.radius_graph`."""
    X = points(rng)
    _core.radius_graph(X, float(rng.choice(THRESHOLDS)), execution(rng), int(rng.choice([-1, 0, 8, 16, 1000])))


def call_linkage(rng: Random) -> None:
    """Call `_core.complete_linkage` or `_core.average_linkage`."""
    X = points(rng)
    n = X.shape[0]
    merge = _core.complete_linkage if rng.random() < 0.5 else _core.average_linkage
    max_pairs = int(rng.choice([0, 1, 5, 100, 10**5], p=[0.04] + [0.24] * 4))
    n_apart = int(rng.choice([0, 1, 5, -1, 10**6], p=[0.8] + [0.05] * 4))
    if n > 300:
        max_pairs = max(max_pairs, n)  # a rung for every few merges would take minutes
    arguments = X, float(rng.choice(THRESHOLDS)), max_pairs, groups(rng, n), pairs(rng, n), execution(rng)
    merge(*arguments, bool(rng.integers(2)), n_apart, int(rng.choice([0, 100, 10**7])))


def call_assign(rng: Random) -> None:
    """Call `_core.assign`."""
    X = points(rng)
    n_new = int(rng.integers(X.shape[0] + 1)) if rng.random() < 0.9 else int(rng.integers(-2, X.shape[0] + 3))
    clusters = groups(rng, max(0, X.shape[0] - n_new))
    linkage = str(rng.choice(["complete", "average", "single"], p=[0.48, 0.48, 0.04]))
    _core.assign(X, n_new, clusters, float(rng.choice(THRESHOLDS)), execution(rng), linkage)  # type: ignore[arg-type]


def call_graph_linkage(rng: Random) -> None:
    """Call `_core.graph_linkage`."""
    n = int(rng.integers(0, 40))
    there = rng.random((n, n)) < rng.random()
    np.fill_diagonal(there, rng.random() < 0.1)
    if rng.random() < 0.6:
        there |= there.T
    offsets = np.append(0, np.cumsum(there.sum(axis=1)))
    neighbors = np.nonzero(there)[1].astype(np.int32)
    distances = numbers(rng, (len(neighbors),), np.float64)
    if len(neighbors) and rng.random() < 0.2:
        neighbors[rng.integers(len(neighbors))] = rng.integers(-2, n + 2)
    if rng.random() < 0.1:
        offsets[rng.integers(len(offsets))] += rng.integers(-3, 4)
    _core.graph_linkage(laid_out(rng, offsets), laid_out(rng, neighbors), laid_out(rng, distances), execution(rng))


def call_dense_linkage(rng: Random) -> None:
    """Call `_core.dense_linkage`."""
    n = int(rng.integers(0, 60))
    distances = laid_out(rng, np.abs(numbers(rng, (n * (n - 1) // 2,), rng.choice([np.float32, np.float64]))))
    linkage = str(rng.choice(["complete", "average", "ward"], p=[0.48, 0.48, 0.04]))
    wrong = int(rng.choice([0, 1, -1], p=[0.9, 0.05, 0.05]))
    threshold = float(rng.choice(THRESHOLDS))
    _core.dense_linkage(distances, n + wrong, linkage, threshold, groups(rng, n), pairs(rng, n), execution(rng))


def call_condense(rng: Random) -> None:
    """Call `_core.condense`."""
    n = int(rng.integers(0, 80))
    square = laid_out(rng, numbers(rng, (n, n + int(rng.random() < 0.1)), rng.choice([np.float32, np.float64])))
    _core.condense(square, float(rng.choice(THRESHOLDS)), float(rng.choice(EXTREMES)), execution(rng))


CALLS: dict[str, Callable[[Random], None]] = {
    name.removeprefix("call_"): value for name, value in list(globals().items()) if name.startswith("call_")
}


def outcome(call: Callable[[Random], None], seed: int) -> str:
    """Make one call: "returned", or "refused" with a sentence."""
    faulthandler.dump_traceback_later(SECONDS_PER_CALL, exit=True)
    try:
        call(np.random.default_rng(seed))
    except (ValueError, TypeError, OverflowError):
        return "refused"
    finally:
        faulthandler.cancel_dump_traceback_later()
    return "returned"


def main() -> None:
    """Make the calls and print how many returned and how many were refused."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000, help="of each function (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the first call (default: %(default)s)")
    parser.add_argument("--only", choices=CALLS, help="this function alone")
    options = parser.parse_args()
    print(f"{'core':16} {'returned':>9} {'refused':>9}")
    for name in [options.only] if options.only else CALLS:
        counts: Counter[str] = Counter()
        for seed in range(options.seed, options.seed + options.calls):
            print(f"{name} --seed {seed}", end="\r", file=sys.stderr, flush=True)
            counts[outcome(CALLS[name], seed)] += 1
        print(f"{name:16} {counts['returned']:9,} {counts['refused']:9,}", flush=True)


if __name__ == "__main__":
    faulthandler.enable()
    main()
