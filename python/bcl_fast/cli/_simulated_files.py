"""The files that ``simulate`` writes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bcl_fast._utils.files import atomic_outputs, check_folder, check_output
from bcl_fast.cli._console import describe_tracks, say
from bcl_fast.errors import InputError

if TYPE_CHECKING:
    from bcl_fast.tracks import Splits


SPLITS = ("train", "val", "test")


def simulate_to(
    output: Path, *, scale: float, seed: int, split: str = "test", test_shift: float = 0.0, force: bool = False
) -> None:
    """Write simulated tracks: all three splits into a folder, one of them to a file or standard output.

    Parameters
    ----------
    output : Path
        ``-`` or a name with a suffix is one file, anything else a folder, made if it is not there.
    scale, seed, test_shift
        As for `bcl_fast.simulate.simulate_splits`.
    split : {"train", "val", "test"}
        What goes to one file.
    force : bool, default False
        Replace existing files.

    Raises
    ------
    InputError
        If ``split``, ``scale`` or ``test_shift`` is not valid, or an output exists or cannot be written.
    """
    if split not in SPLITS:
        raise InputError(f"split must be train, val or test, got {split!r}")
    single = str(output) == "-" or (output.suffix != "" and not output.is_dir())
    if single:
        _check_single(output, force)
    else:
        check_folder(output, [f"{name}.parquet" for name in SPLITS], force=force)
    from bcl_fast.simulate import simulate_splits
    from bcl_fast.tracks import write_tracks

    splits = simulate_splits(scale, seed, test_shift=test_shift)
    if single:
        write_tracks(getattr(splits, split), output, force=force)
        say(f"{describe_tracks(getattr(splits, split))} -> {output}")
    else:
        _write_splits(splits, output, force)


def _check_single(output: Path, force: bool) -> None:
    if str(output) == "-":
        return
    if output.suffix.lower() not in (".parquet", ".npz"):
        raise InputError(f"simulated tracks go to a folder, a .parquet or .npz file, or '-', got {str(output)!r}")
    check_output(output, force=force)


def _write_splits(splits: Splits, folder: Path, force: bool) -> None:
    """Write all three files or none of them."""
    from bcl_fast.tracks import write_tracks

    with atomic_outputs(folder, [f"{name}.parquet" for name in SPLITS], force=force) as temporaries:
        for temporary, tracks in zip(temporaries, splits, strict=True):
            write_tracks(tracks, temporary, force=True)
    for name, tracks in zip(SPLITS, splits, strict=True):
        say(f"{describe_tracks(tracks)} -> {folder / name}.parquet")
