"""Damaged files through every reader: each must give tracks or one sentence, in bounded memory.

Every case is a file that is good, mutated by a seed and its number: cut, bits flipped, runs overwritten, repeated or
swapped, numbers made huge, columns of other types. It goes through the reader of its kind, and every few through a
command. What comes out must be a result, or one `InputError` on one line. A worker runs the cases under a limit on its
address space; where it dies, its case is a failure and another worker goes on.

``python -m fuzz.readers`` runs it alone; ``--seed 3 --case 1234`` repeats one case and shows its traceback.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import shutil
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bcl_fast.errors import InputError

CASES = 4000
_COMMAND_EVERY = 8
_ADDRESS_SPACE = 1 << 31  # bytes beyond what the worker has when it begins
_RESIDENT = 1 << 29  # bytes that all cases together may add to its largest resident size


class Outcome(NamedTuple):
    """What a case came to: ``read``, ``refused``, or what is wrong."""

    kind: str
    what: str
    detail: str = ""


# Good files


def _write_seeds(folder: Path) -> None:
    """Write a small file of every kind that something reads."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.feather
    import pyarrow.parquet as pq

    from bcl_fast.results import cluster_tracks, write_result
    from bcl_fast.tracks import TrackSet, write_tracks

    rng = np.random.default_rng(0)
    tracks = TrackSet.from_arrays(
        rng.standard_normal((40, 6)).astype(np.float32), np.arange(0, 41, 2), video_ids=["v"] * 10 + ["w"] * 10,
        labels=["Ann", "Bob", "", "Cy"] * 5, frames=np.arange(40), boxes=rng.random((40, 4)), images=["x.jpg"] * 40,
        track_ids=[*range(10), *range(10)],
    )  # fmt: skip
    write_tracks(tracks, folder / "tracks.parquet")
    write_tracks(tracks, folder / "tracks.npz")
    rows = pq.read_table(folder / "tracks.parquet")
    pq.write_table(rows, folder / "zstd.parquet", compression="zstd", row_group_size=7, data_page_size=64)
    pq.write_table(rows, folder / "delta.parquet", use_dictionary=False, data_page_version="2.0", compression="gzip")
    for name, compression in (("plain.arrow", "uncompressed"), ("lz4.feather", "lz4"), ("zstd.ipc", "zstd")):
        pyarrow.feather.write_feather(rows, folder / name, compression=compression, chunksize=16)
    numbers = {f"f{place}": pa.array(tracks.features[:, place]) for place in range(6)}
    wide = pa.table({**{name: rows[name] for name in rows.column_names if name != "embedding"}, **numbers})
    pyarrow.csv.write_csv(wide, folder / "wide.csv")
    text = rows.set_column(
        len(rows.column_names) - 1, "embedding", pa.array(map(json.dumps, rows["embedding"].to_pylist()))
    )
    pyarrow.csv.write_csv(text, folder / "text.tsv", pyarrow.csv.WriteOptions(delimiter="\t"))
    np.save(folder / "rows.npy", tracks.features)
    np.savez_compressed(
        folder / "rows.npz", features=tracks.features, track_id=np.arange(40) // 2, label=["a", "a", "b", "b"] * 10
    )
    points = tracks.mean_features()
    result = cluster_tracks(tracks, points / np.linalg.norm(points, axis=1, keepdims=True), 1.0)
    for suffix in ("parquet", "csv"):
        write_result(result, folder / f"result.{suffix}")
    lines = ["track_a,video_a,track_b,video_b,link", *(f"{i},v,{i + 1},v,cannot" for i in range(5)), "1,v,3,w,must"]
    (folder / "pairs.csv").write_text("\n".join(lines))
    (folder / "names.csv").write_text("cluster_id,name\n0,Ann\n1,Bob\n")
    named = zip(tracks.video_ids, tracks.track_ids, range(20), strict=True)
    (folder / "labels.json").write_text(json.dumps([{"video": v, "track": t, "cluster": c} for v, t, c in named]))
    (folder / "labels.txt").write_text("\n".join(map(str, range(20))))
    (folder / "ids.ids").write_text("\n".join(["CVHCI_TRACKLABELS_V1", *(f"{number} Ann" for number in range(3))]))


def _check_seeds(seeds: Path) -> None:
    """Read every good file: a reader that refuses them would pass all cases."""
    for path in sorted(seeds.iterdir()):
        with tempfile.TemporaryDirectory(prefix="bcl-fuzz-") as folder:
            _read(Path(shutil.copy(path, folder)), seeds)
            if path.name != "ids.ids":
                outcome = _command(_arguments(Path(folder) / path.name, seeds))
                if outcome.kind != "read":
                    raise RuntimeError(f"the good file {path.name} is not read: {outcome}")


# Mutations of bytes


def _cut(rng: np.random.Generator, data: bytearray) -> bytearray:
    return data[: rng.integers(len(data) + 1)]


def _flip(rng: np.random.Generator, data: bytearray) -> bytearray:
    for _ in range(int(rng.choice([1, 1, 2, 8, 64]))):
        data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
    return data


def _run(rng: np.random.Generator, data: bytearray) -> tuple[int, int]:
    start = int(rng.integers(len(data)))
    return start, min(len(data), start + int(rng.integers(1, 64)))


def _overwrite(rng: np.random.Generator, data: bytearray) -> bytearray:
    start, stop = _run(rng, data)
    fill = rng.choice([0, 255, 127, 128])
    data[start:stop] = rng.bytes(stop - start) if rng.random() < 0.5 else bytes([fill]) * (stop - start)
    return data


def _repeat(rng: np.random.Generator, data: bytearray) -> bytearray:
    start, stop = _run(rng, data)
    return data[:stop] + data[start:stop] * int(rng.integers(1, 20)) + data[stop:]


def _drop(rng: np.random.Generator, data: bytearray) -> bytearray:
    start, stop = _run(rng, data)
    return data[:start] + data[stop:]


def _swap(rng: np.random.Generator, data: bytearray) -> bytearray:
    (a, b), (c, d) = sorted((_run(rng, data), _run(rng, data)))
    return data if b > c else data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


_HUGE = (
    b"9" * 5000,
    b"-1",
    b"1e400",
    b"NaN",
    b"Infinity",
    b"18446744073709551615",
    b"\0",
    b"\xff",
    b"",
    b'"',
    b"[" * 3000,
)


def _huge(rng: np.random.Generator, data: bytearray) -> bytearray:
    """Put something huge or strange in the place of a number; in binary files that is a place like any other."""
    digits = [place for place, byte in enumerate(data) if 48 <= byte < 58] or [0]
    place = int(rng.choice(digits))
    return data[:place] + _HUGE[rng.integers(len(_HUGE))] + data[place + 1 :]


def _widest(rng: np.random.Generator, data: bytearray) -> bytearray:
    """Make an aligned word of a header or a footer as large as it can be."""
    place = int(rng.integers(0, max(1, len(data) - 8))) & ~3
    data[place : place + 4] = (b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", b"\0\0\0\x10")[rng.integers(3)]
    return data


_MUTATIONS: list[Callable[[np.random.Generator, bytearray], bytearray]] = [
    *(_cut, _flip, _overwrite, _repeat, _drop, _swap, _huge, _widest),
]


# Tables with columns of other types


def _strange_columns(rng: np.random.Generator, n_rows: int) -> list[Any]:
    import pyarrow as pa

    lengths = rng.integers(1, 4, n_rows).tolist()
    return [
        *(pa.nulls(n_rows), pa.array([None, *range(n_rows - 1)]), pa.array([2**64 - 1] * n_rows, pa.uint64())),
        *(pa.array([value] * n_rows) for value in (-(2**63), float("inf"), 0.5, True, b"\xff", "", "a\0", "x" * 5000)),
        *(pa.array([value] * n_rows) for value in ([[1.0]], {"a": 1}, "[1, 2]", "9" * 5000, 3e38)),
        pa.array([b"\xff"] * n_rows).view(pa.string()),
        pa.array([[]] * n_rows, pa.list_(pa.float32())),
        pa.array([[None]] * n_rows, pa.list_(pa.float64())),
        pa.array([[1.0] * length for length in lengths]),
        pa.array([bytes(16)] * n_rows, pa.binary(16)),
        pa.array([1] * n_rows, pa.timestamp("ns")),
        pa.array(["a"] * n_rows).dictionary_encode(),
        pa.array([1] * n_rows, pa.decimal128(38, 2)),
    ]


def _strange_table(rng: np.random.Generator, source: Path, target: Path) -> None:
    """Swap columns of a Parquet file, put strange ones in, leave some out, name one twice."""
    import pyarrow.parquet as pq

    table = pq.read_table(source)
    names, columns = table.column_names, list(table.columns)
    for _ in range(int(rng.integers(1, 4))):
        place, strange = int(rng.integers(len(names))), _strange_columns(rng, len(table))
        what = rng.integers(5)
        if what == 0:
            other = int(rng.integers(len(names)))
            columns[place], columns[other] = columns[other], columns[place]
        elif what == 1 and len(names) > 1:
            names, columns = names[:place] + names[place + 1 :], columns[:place] + columns[place + 1 :]
        elif what == 2:
            names, columns = [*names, names[place]], [*columns, columns[place]]
        else:
            columns[place] = strange[rng.integers(len(strange))]
    pq.write_table(type(table).from_arrays(columns, names=names), target)


# One case


def _mutated(rng: np.random.Generator, seeds: Path, folder: Path) -> tuple[str, Path]:
    """Write the file of a case; return what was done to which, and where it is."""
    source = sorted(seeds.iterdir())[rng.integers(len(list(seeds.iterdir())))]
    target = folder / source.name
    if source.suffix == ".parquet" and rng.random() < 0.4:
        _strange_table(rng, source, target)
        return f"{source.name} with strange columns", target
    data, done = bytearray(source.read_bytes()), []
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        mutation = _MUTATIONS[rng.integers(len(_MUTATIONS))]
        data = mutation(rng, data) if data else data
        done.append(mutation.__name__.strip("_"))
    target.write_bytes(data)
    return f"{source.name}: {', '.join(done)}", target


def _read(path: Path, seeds: Path) -> None:
    """Read a file as what its name says that it is."""
    from bcl_fast.evaluation import read_labels
    from bcl_fast.results import read_names, read_result
    from bcl_fast.tracks import read_pairs, read_tracks

    name = path.name
    if name.startswith("result"):
        read_result(path)
    elif name == "names.csv":
        read_names(path)
    elif name == "ids.ids":
        (path.parent / "ids").mkdir()
        path.rename(path.parent / "ids" / "v.ids")
        (path.parent / "features" / "v").mkdir(parents=True)
        for track in range(3):
            np.save(path.parent / "features" / "v" / f"{track}.npy", np.ones((1, 2)))
        read_tracks(path.parent)
    elif name == "pairs.csv":
        read_pairs(path, read_tracks(seeds / "tracks.parquet"))
    elif name.startswith("labels"):
        read_labels(path, read_tracks(seeds / "tracks.parquet"))
    else:
        read_tracks(path)


def _arguments(path: Path, seeds: Path) -> list[str]:
    """Return the command that a file of this name is for."""
    good, output = str(seeds / "tracks.parquet"), str(path.parent / "output.csv")
    clustered = ["--threshold", "1", "-o", output, "--force"]
    if path.name.startswith("result"):
        return ["cluster", good, "--update", str(path), *clustered]
    if path.name == "names.csv":
        return ["merge", str(seeds / "result.csv"), "--names", str(path), "-o", output, "--force"]
    if path.name == "pairs.csv":
        return ["cluster", good, "--constraints", str(path), *clustered]
    if path.name.startswith("labels"):
        return ["evaluate", good, "--clusters", str(path)]
    return ["cluster", str(path), *clustered]


def _command(arguments: list[str]) -> Outcome:
    from typer.testing import CliRunner

    from bcl_fast.cli import app

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done = CliRunner().invoke(app, arguments)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        return Outcome("traceback", "command", "".join(traceback.format_exception(done.exception)))
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    if done.exit_code not in (0, 1) or len(errors) != done.exit_code:
        return Outcome("no sentence", "command", f"exit code {done.exit_code}: {done.stderr}")
    return Outcome("read" if done.exit_code == 0 else "refused", "command")


def _case(seed: int, number: int, seeds: Path) -> Outcome:
    rng = np.random.default_rng([seed, number])
    with tempfile.TemporaryDirectory(prefix="bcl-fuzz-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        what, path = _mutated(rng, seeds, Path(folder))
        try:
            if number % _COMMAND_EVERY == 0 and path.name != "ids.ids":
                return _command(_arguments(path, seeds))._replace(what=what)
            _read(path, seeds)
        except InputError as error:
            message = str(error)
            is_sentence = "\n" not in message and len(message) < 1000
            return Outcome("refused", what) if is_sentence else Outcome("no sentence", what, message[:2000])
        except BaseException:
            return Outcome("traceback", what, traceback.format_exc())
    return Outcome("read", what)


# Workers


def _worker(seed: int, first: int, last: int, seeds: Path, outcomes: Any) -> None:
    """Run cases under a limit, and report each before the next begins."""
    _command(["cluster", str(seeds / "tracks.parquet"), "--threshold", "1", "-o", "-"])  # imports what is needed
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + _ADDRESS_SPACE, used + _ADDRESS_SPACE))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(first, last):
        outcomes.put((number, _case(seed, number, seeds)))
        grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
        if grown > _RESIDENT:
            outcomes.put((number, Outcome("memory", "", f"the worker grew by {grown / 1e9:.1f} GB")))
            return
    outcomes.put((last, None))


def run(seed: int = 0, cases: int = CASES) -> dict[str, int]:
    """Run cases and print their counts; failures go to standard error.

    Returns
    -------
    counts : dict of str to int
        ``read`` and ``refused`` are as it should be; anything else is a failure.
    """
    counts: Counter[str] = Counter()
    context, first = multiprocessing.get_context("spawn"), 0
    seeds = Path(tempfile.mkdtemp(prefix="bcl-fuzz-seeds-"))
    try:
        _write_seeds(seeds)
        _check_seeds(seeds)
        while first < cases:
            outcomes = context.SimpleQueue()
            worker = context.Process(target=_worker, args=(seed, first, cases, seeds, outcomes))
            worker.start()
            first = _collect(worker, outcomes, seed, first, counts)
    finally:
        shutil.rmtree(seeds)
    found = ", ".join(f"{number:,} {kind}" for kind, number in counts.most_common())
    print(f"readers: {cases:,} damaged files, seed {seed}: {found}")
    return dict(counts)


def _collect(worker: Any, outcomes: Any, seed: int, first: int, counts: Counter[str]) -> int:
    """Count what a worker reports until it ends; return the case to go on with."""
    number = first
    while True:
        while outcomes.empty() and worker.is_alive():
            worker.join(0.01)
        if outcomes.empty():  # it died within a case
            _report(seed, number, Outcome(f"died with exit code {worker.exitcode}", ""), counts)
            return number + 1
        place, outcome = outcomes.get()
        if outcome is None:
            worker.join()
            return int(place)
        _report(seed, place, outcome, counts)
        number = place + 1
        if outcome.kind == "memory":
            worker.join()
            return int(number)


def _report(seed: int, number: int, outcome: Outcome, counts: Counter[str]) -> None:
    counts[outcome.kind] += 1
    if outcome.kind not in ("read", "refused"):
        print(f"--seed {seed} --case {number}: {outcome.kind} ({outcome.what})\n{outcome.detail}", file=sys.stderr)


def main() -> None:
    """Run as a command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--case", type=int, help="repeat this case alone")
    options = parser.parse_args()
    if options.case is None:
        counts = run(options.seed, options.cases)
        sys.exit(0 if set(counts) <= {"read", "refused"} else 1)
    with tempfile.TemporaryDirectory() as folder:
        _write_seeds(Path(folder))
        outcome = _case(options.seed, options.case, Path(folder))
        print(*outcome, sep="\n")


if __name__ == "__main__":
    main()
