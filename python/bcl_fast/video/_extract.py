"""Films and pictures to tracks of faces: several at once, bounded in memory, taken up again after a kill."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from bcl_fast._utils.extras import require
from bcl_fast._utils.files import check_output
from bcl_fast._utils.locks import only_writer
from bcl_fast._utils.processes import in_processes
from bcl_fast._utils.separate import check_separate
from bcl_fast._utils.threads import available_cores, n_threads
from bcl_fast._utils.types import PathLike
from bcl_fast.errors import InputError
from bcl_fast.tracks import names_of_paths
from bcl_fast.video._frames import open_source
from bcl_fast.video._look import ExtractionProgress, OnProgress, watch
from bcl_fast.video._options import ExtractionOptions
from bcl_fast.video._recognizer import Recognizer, open_recognizer
from bcl_fast.video._tracks_of_parts import gather
from bcl_fast.video._work_folder import FilmFolder, check_no_stranger, work_folder
from bcl_fast.video._write import FilmParts, write_films


class Extraction(NamedTuple):
    """What was found in films.

    Attributes
    ----------
    output : Path
        The tracks, which `bcl_fast.read_tracks` reads.
    n_tracks : int
        Of all films.
    n_short : int
        Tracks that were left out because they are too short.
    n_frames : int
        Frames that were decoded, in this run or an earlier one.
    n_damaged : int
        Packets of films, and pictures, that could not be decoded: they are left out.
    distance_threshold : float or None
        Squared distance at which average linkage of the tracks stops, as measured for the recogniser.
    """

    output: Path
    n_tracks: int
    n_short: int
    n_frames: int
    n_damaged: int
    distance_threshold: float | None


def extract(
    films: PathLike | Sequence[PathLike],
    output: PathLike,
    *,
    options: ExtractionOptions | None = None,
    device: str = "cpu",
    n_jobs: int | None = None,
    force: bool = False,
    progress: OnProgress | None = None,
) -> Extraction:
    """Find the faces in films and pictures, follow them, and write their tracks as Parquet.

    What is done is kept in a folder beside the output, ``<output>.partial``, until all of it is: a run that was killed
    is gone on with by calling this again, and the result has the same bits.

    Parameters
    ----------
    films : path-like or sequence of them
        Films, pictures, and folders of pictures.
    output : path-like
        A ``.parquet`` file, a row per face: what `bcl_fast.read_tracks` reads, and ``seconds``, ``score`` (null
        between two looks) and ``quality``. The best face of each stretch of a track has a picture in ``image``, a
        JPEG as a data URI, and its embedding stands for the stretch.
    options : ExtractionOptions, optional
    device : str, default "cpu"
        ``"cpu"``, ``"cuda"``, ``"cuda:<number>"`` or ``"coreml"``: where networks in ONNX files run.
    n_jobs : int, optional
        Films that are looked at at once, each in a process; by default as many as there are cores. One film takes about
        two cores.
    force : bool, default False
        Replace a file that is there.
    progress : callable, optional
        Is told of each frame of a film; of several in processes, of the end of each.

    Returns
    -------
    extraction : Extraction
        Without any face, the file has no rows.

    Raises
    ------
    InputError
        If an option, a film or a file of a network cannot be used, or the output not be written. Damage inside a film
        is no error: what can be decoded of it is looked at.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from PIL import Image
    >>> from bcl_fast.video import extract
    >>> with TemporaryDirectory() as folder:
    ...     Image.new("RGB", (160, 120)).save(Path(folder) / "nobody.png")
    ...     found = extract(Path(folder) / "nobody.png", Path(folder) / "tracks.parquet", n_jobs=1)
    >>> found.n_frames, found.n_tracks
    (1, 0)
    """
    options = options or ExtractionOptions()
    options.check()
    paths = [Path(films)] if isinstance(films, str | os.PathLike) else [Path(film) for film in films]
    target = _checked(paths, Path(output), force)
    require("a film", "av", "pyarrow", "torch")  # the extra of av brings all
    with only_writer(target):
        recognizer = open_recognizer(options.recognizer, device)
        folders = _folders(paths, target, options, recognizer)
        n_frames, n_damaged = _watch_all(paths, folders, options, device, n_jobs, progress)
        extraction = _written(paths, folders, target, options, recognizer, force)
        shutil.rmtree(work_folder(target))
    return extraction._replace(n_frames=n_frames, n_damaged=n_damaged)


def _checked(paths: list[Path], output: Path, force: bool) -> Path:
    if not paths:
        raise InputError("at least one film or folder of pictures is wanted, got none")
    if output.suffix.lower() != ".parquet":
        raise InputError(f"tracks of films are written to a path that ends in .parquet, got {str(output)!r}")
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: there is no such film or folder")
    check_separate([output], [path for path in paths if not path.is_dir()])
    check_output(output, force=force)
    check_no_stranger(work_folder(output))
    return output


def _folders(paths: list[Path], output: Path, options: ExtractionOptions, recognizer: Recognizer) -> list[FilmFolder]:
    fingerprints = [recognizer.fingerprint, options.detector]
    places = [work_folder(output) / f"{number:04}" for number in range(len(paths))]
    return [FilmFolder(place, path, options, fingerprints) for place, path in zip(places, paths, strict=True)]


def _watch_all(
    paths: list[Path],
    folders: list[FilmFolder],
    options: ExtractionOptions,
    device: str,
    n_jobs: int | None,
    progress: OnProgress | None,
) -> tuple[int, int]:
    cores = n_threads(n_jobs) or available_cores()
    for path in paths:
        open_source(path, sequence=options.sequence)  # what cannot be looked at is told before the work
    jobs = [
        (str(path), _watch_film, (path, folder, options, device, progress))
        for path, folder in zip(paths, folders, strict=True)
    ]
    if len(jobs) > 1 and cores > 1:
        jobs = [(name, function, (*arguments[:-1], None)) for name, function, arguments in jobs]
    started = monotonic()
    for name in in_processes(jobs, cores):
        if progress is not None and len(jobs) > 1:
            _tell_end(progress, name, folders[[str(path) for path in paths].index(name)], monotonic() - started)
    states = [state for folder in folders if (state := folder.last_state()) is not None]
    return sum(int(state["n_frames"]) for state in states), sum(int(state["n_damaged"]) for state in states)


def _tell_end(progress: OnProgress, name: str, folder: FilmFolder, seconds: float) -> None:
    """Say that one of several films is done."""
    state = folder.last_state()
    n_frames = 0 if state is None else int(state["n_frames"])
    progress(ExtractionProgress(name, n_frames, n_frames, n_frames / max(seconds, 1e-6)))


def _watch_film(
    path: Path,
    folder: FilmFolder,
    options: ExtractionOptions,
    device: str,
    progress: OnProgress | None,
) -> None:
    source = open_source(path, sequence=options.sequence)
    n_frames = watch(source, options, folder, device, progress)
    if n_frames == 0 and options.start_seconds == 0:
        folder.remove()
        raise InputError(f"{path}: no frame of it can be decoded: it is empty, damaged or encrypted")


def _written(
    paths: list[Path],
    folders: list[FilmFolder],
    output: Path,
    options: ExtractionOptions,
    recognizer: Recognizer,
    force: bool,
) -> Extraction:
    films = []
    for path, video, folder in zip(paths, names_of_paths(paths), folders, strict=True):
        min_frames = options.min_frames if open_source(path, sequence=options.sequence).is_film else 1
        scratch = folder.folder / "embeddings.npy"
        found = gather(folder.parts(), recognizer.n_features, min_frames, recognizer.distance_threshold, scratch)
        films.append(FilmParts(video, folder.parts(), found))
    write_films(
        films,
        output,
        recognizer=recognizer.fingerprint,
        n_features=recognizer.n_features,
        options=options.as_dict() | {"recognizer": recognizer.name},
        force=force,
    )
    n_tracks, n_short = sum(film.tracks.n_tracks for film in films), sum(film.tracks.n_left_out for film in films)
    return Extraction(output, n_tracks, n_short, 0, 0, recognizer.distance_threshold)
