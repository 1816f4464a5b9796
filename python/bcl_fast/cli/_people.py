"""The command ``people``: a film in, people out."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bcl_fast._utils.extras import is_installed
from bcl_fast._utils.text import counted
from bcl_fast.cli._bars import clustering_progress
from bcl_fast.cli._console import say
from bcl_fast.cli._extract import extract_films
from bcl_fast.cli._film_options import FilmDevice, Films, Jobs, film_options
from bcl_fast.cli._inputs import embed, pairs_of
from bcl_fast.cli._options import Force
from bcl_fast.errors import InputError
from bcl_fast.tracks import DUPLICATE_IOU
from bcl_fast.video import ExtractionOptions

if TYPE_CHECKING:
    from bcl_fast.results import ClusteringResult
    from bcl_fast.tracks import TrackPairs, TrackSet

TRACKS, CLUSTERS, SHEET, PAGE = "tracks.parquet", "clusters.parquet", "people.jpg", "people.html"


@film_options
def people(
    films: Films,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="A folder for the tracks, the clusters and a picture.", show_default=False),
    ],
    model: Annotated[
        Path | None,
        typer.Option("--model", "-m", help="A head trained on tracks of the same recognizer.", show_default=False),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Without a model: squared distance of unit-norm features at which average linkage stops. By default "
            "what was measured for the recognizer.",
            show_default=False,
        ),
    ] = None,
    *,
    options: ExtractionOptions,
    device: FilmDevice = "cpu",
    jobs: Jobs = None,
    force: Force = False,
) -> None:
    """Find out who is in a film: extract the tracks of faces, cluster them, and draw everybody.

    Two faces on screen together are two people. Writes tracks.parquet, clusters.parquet and people.jpg, a row of faces
    for each person. All films given are taken together, so that a person has one number in all of them.
    """
    from bcl_fast._utils.files import check_folder
    from bcl_fast.cluster._cut import check_threshold
    from bcl_fast.video._recognizer import open_recognizer

    if model is not None and threshold is not None:
        raise typer.BadParameter("give either --model or --threshold")
    if threshold is not None:
        check_threshold(threshold)
    for film in films:
        if film.is_dir() and Path(os.path.realpath(output)).is_relative_to(os.path.realpath(film)):
            raise InputError(
                f"the output {output} would lie in {film}, and its picture be read as one of that folder's"
            )
    check_folder(output, (TRACKS, CLUSTERS, SHEET, PAGE), force=force)
    known = open_recognizer(options.recognizer, device)
    if model is not None:
        from bcl_fast.models import load_model
        from bcl_fast.tracks import same_recognizer

        same_recognizer([load_model(model).recognizer, known.fingerprint], ["the model", "the films"])
    elif threshold is None:
        threshold = known.distance_threshold
        if threshold is None:
            raise InputError(
                f"nobody has measured where the people of {options.recognizer} part: give --threshold, a --model, or "
                "distance_threshold in its .json file"
            )
    made = not output.exists()
    output.mkdir(exist_ok=True)
    try:
        found = extract_films(films, output / TRACKS, options, device=device, jobs=jobs, force=force)
    except InputError:
        if made and not any(output.iterdir()):
            output.rmdir()
        raise
    result, tracks, pairs = _clustered(output / TRACKS, model, threshold) if found.n_tracks else _nobody()
    _write(result, tracks, pairs, output, _rate_of(films, options.sequence), force)


def _clustered(
    path: Path, model: Path | None, threshold: float | None
) -> tuple[ClusteringResult, TrackSet, TrackPairs | None]:
    """Cluster tracks by average linkage or as a head was made to, but for those on screen together."""
    from bcl_fast.results import cluster_tracks
    from bcl_fast.tracks import read_tracks

    tracks = read_tracks(path)
    given = embed(tracks, model, threshold, None, None if threshold is None else "average")
    pairs = pairs_of(tracks, None, 1, DUPLICATE_IOU)
    with clustering_progress() as progress:
        result = cluster_tracks(
            tracks, given.embeddings, given.distance_threshold, **given.options, pairs=pairs, progress=progress
        )
    return replace(result, embedded_by=given.embedded_by), tracks, pairs


def _nobody() -> tuple[ClusteringResult, TrackSet, None]:
    """Return a result without tracks."""
    import numpy as np

    from bcl_fast.results import ClusteringResult
    from bcl_fast.tracks import TrackSet

    names, numbers, values = np.empty(0, object), np.empty(0, np.int64), np.empty(0, np.float32)
    result = ClusteringResult(names, names, numbers, values, numbers, embeddings=np.empty((0, 1), np.float32))
    return result, TrackSet(np.empty((0, 1), np.float32), np.zeros(1, np.int64), names, names), None


def _write(
    result: ClusteringResult, tracks: TrackSet, pairs: TrackPairs | None, output: Path, rate: float | None, force: bool
) -> None:
    from bcl_fast.results import write_result
    from bcl_fast.video import write_contact_sheet

    write_result(result, output / CLUSTERS, force=force)
    write_contact_sheet(result, tracks, output / SHEET, force=force)
    if result.n_tracks == 0:
        return
    say(f"{counted(result.n_clusters, 'cluster')} -> {output / CLUSTERS}, a row of faces for each -> {output / SHEET}")
    if is_installed("jinja2"):
        from bcl_fast.report import Report, write_report

        shown = Report(result, tracks, pairs, frames_per_second=rate, title=output.name)
        write_report(shown, output / PAGE, force=force)
        say(f"a page to look at and to put right -> {output / PAGE}")
        say(f"next: bcl-fast review {output / CLUSTERS} --tracks {output / TRACKS}")
    else:
        say(f"next: bcl-fast suggest {output / CLUSTERS} --tracks {output / TRACKS}")


def _rate_of(films: list[Path], sequence: bool) -> float | None:
    """Return the frames a second of films that have the same; None for pictures, and films of two rates."""
    from bcl_fast.video._frames import open_source

    rates = {open_source(film, sequence=sequence).rate for film in films}
    rate = rates.pop()
    return rate if rate > 0 and not rates else None
