"""The command ``cluster``, and what other commands share with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bcl_fast._utils.separate import check_separate
from bcl_fast._utils.text import counted
from bcl_fast.cli._bars import clustering_progress
from bcl_fast.cli._console import describe_tracks, say
from bcl_fast.cli._engines import check_engine, check_kind, connected_to
from bcl_fast.cli._inputs import ToCluster, edits_of, embed, files_of_pairs, pairs_of
from bcl_fast.cli._largest import print_largest, print_outcome, say_next
from bcl_fast.cli._options import (
    Constraints,
    Device,
    DuplicateIoU,
    Engine,
    Force,
    Linkage,
    MaxClusters,
    MinClusters,
    MinClusterSize,
    MinOverlap,
    RayAddress,
    ThresholdScale,
    Tracks,
)
from bcl_fast.errors import InputError
from bcl_fast.tracks import DUPLICATE_IOU
from bcl_fast.tracks._edits import track_index

if TYPE_CHECKING:
    from bcl_fast.results import ClusteringResult, Violations
    from bcl_fast.tracks import Edits, TrackPairs, TrackSet


def cluster(
    tracks: Tracks,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help=".parquet or .csv; '-' is CSV on standard output.", show_default=False),
    ],
    model: Annotated[
        Path | None,
        typer.Option("--model", "-m", help="A trained model; clusters are cut at its threshold.", show_default=False),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Without a model: cluster the features, scaled to unit norm, up to this squared distance.",
            show_default=False,
        ),
    ] = None,
    threshold_scale: ThresholdScale = None,
    linkage: Linkage = None,
    per_video: Annotated[
        bool,
        typer.Option(
            "--per-video/--combined",
            help="Cluster each video on its own, with cluster numbers that no other video has, or all tracks together.",
        ),
    ] = False,
    min_clusters: MinClusters = None,
    max_clusters: MaxClusters = None,
    min_cluster_size: MinClusterSize = 1,
    constraints: Constraints = None,
    min_overlap: MinOverlap = 1,
    duplicate_iou: DuplicateIoU = DUPLICATE_IOU,
    update: Annotated[
        Path | None,
        typer.Option(
            metavar="RESULT",
            help="Add the tracks to this result: its clusters keep numbers and names, new people get new numbers. "
            "A .parquet result is enough; beside a .csv one give its tracks too.",
            show_default=False,
        ),
    ] = None,
    names: Annotated[
        Path | None,
        typer.Option(help="With --update: CSV of cluster_id,name to keep in the result.", show_default=False),
    ] = None,
    representatives: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV",
            help="Write the most central tracks of each cluster, and the face of each that shows it best.",
            show_default=False,
        ),
    ] = None,
    per_cluster: Annotated[int, typer.Option(min=1, help="With --representatives: tracks of a cluster.")] = 3,
    report: Annotated[
        Path | None,
        typer.Option(metavar="HTML", help="Write the page of bcl-fast report too.", show_default=False),
    ] = None,
    device: Device = "cpu",
    engine: Engine = "local",
    ray_address: RayAddress = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but warnings and errors.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what came out as JSON on standard output instead.")
    ] = False,
    force: Force = False,
) -> None:
    """Find out who is who: give each track the number of its cluster.

    The number of clusters comes from the model's radius or its stored threshold, or from --threshold. Labels in the
    tracks are not looked at. All tracks given are clustered together, so that a person has one number in all videos
    (see --per-video). Two tracks on screen at the same moment are never put together (see --constraints).
    """
    if (model is None) == (threshold is None):
        raise typer.BadParameter("give either --model or --threshold")
    if threshold is not None and threshold_scale is not None:
        raise typer.BadParameter("--threshold-scale scales the threshold of a --model")
    if update is None and names is not None:
        raise typer.BadParameter("--names wants --update RESULT, whose clusters it names")
    if update is not None and per_video:
        raise typer.BadParameter("--update adds to all clusters, --per-video keeps videos apart")
    if update is not None and (min_clusters, max_clusters) != (None, None):
        raise typer.BadParameter("--update keeps the clusters that there are: no --min-clusters, no --max-clusters")
    if update is not None and device != "cpu":
        raise typer.BadParameter("--update adds tracks on the CPU, without --device")
    if update is not None and engine != "local":
        raise typer.BadParameter("--update adds tracks in this process, without --engine")
    if ray_address is not None and engine != "ray":
        raise typer.BadParameter("--ray-address wants --engine ray")
    if as_json and str(output) == "-":
        raise typer.BadParameter("--json prints on standard output, where -o - writes the result")
    if report is not None and str(tracks[0]) == "-":
        raise typer.BadParameter("--report shows tracks of files, not of standard input")
    check_separate([output, representatives, report], [*tracks, model, *files_of_pairs(constraints), update, names])
    from bcl_fast._utils.devices import check_device
    from bcl_fast.cluster._cut import check_threshold
    from bcl_fast.results import (
        check_representatives_output,
        check_result_output,
        cluster_tracks,
        read_result,
        write_representatives,
        write_result,
    )

    check_device(device)
    workers = check_engine(engine, ray_address)
    check_result_output(output, force=force)
    if representatives is not None:
        check_representatives_output(representatives, force=force)
    if report is not None:
        from bcl_fast.report import check_report_output

        check_report_output(report, force=force)
    if threshold is not None:
        check_threshold(threshold)
    from bcl_fast.tracks import read_with_paths

    old = None if update is None else read_result(update)
    people, paths = read_with_paths(tracks)
    if old is not None and model is None:
        linkage = linkage or old.linkage
    given = embed(people, model, threshold, threshold_scale, linkage)
    renamed: dict[str, str] = {}
    if old is not None:
        from bcl_fast.results import rename_videos

        people, renamed = rename_videos(old, people, given.embeddings, paths)
    edits, pairs = edits_of(constraints), pairs_of(people, constraints, min_overlap, duplicate_iou)
    if edits is not None:
        _say_missing(edits, people, old)
    if old is None:
        check_kind(given, workers, device)
        with clustering_progress(is_shown=not (quiet or as_json)) as on_progress, connected_to(workers):
            result = cluster_tracks(
                people,
                given.embeddings,
                given.distance_threshold,
                **given.options,
                per_video=per_video,
                min_clusters=min_clusters,
                max_clusters=max_clusters,
                min_cluster_size=min_cluster_size,
                pairs=pairs,
                edits=edits,
                progress=on_progress,
                device=device,
                engine=engine,
            )
    else:
        result = _add(people, given, old, names, pairs, edits, min_cluster_size)
    write_result(replace(result, embedded_by=given.embedded_by), output, force=force)
    if representatives is not None:
        write_representatives(result, people, representatives, per_cluster=per_cluster, force=force)
    if report is not None:
        from bcl_fast.cli._report import pictures_folder, say_what_is_absent
        from bcl_fast.report import Report, write_report

        say_what_is_absent(result, people)
        shown = Report(result, people, pairs, pictures_folder(None, tracks), title=output.name)
        write_report(shown, report, force=force)
    if as_json:
        print_outcome(result, people, [output, representatives, report])
    if quiet or as_json:
        return
    say(f"{describe_tracks(people)}: {counted(result.n_clusters, 'cluster')} -> {output}")
    n_small = int(((result.cluster_ids < 0) & ~(False if result.not_a_face is None else result.not_a_face)).sum())
    if n_small:
        say(f"{counted(n_small, 'track')} in no cluster of {min_cluster_size} or more")
    if result.violations is not None:
        say(describe_violations(result.violations))
    for video, name in renamed.items():
        source = "standard input" if str(paths[video]) == "-" else paths[video]
        say(f"the video of {source} is {name!r} in the result")
    if old is not None:
        from bcl_fast.cli._tables import print_growth
        from bcl_fast.results import growth

        print_growth(growth(old, result))
    else:
        print_largest(result, people)
    say_next(output, tracks, report)


def _add(
    tracks: TrackSet,
    given: ToCluster,
    old: ClusteringResult,
    names: Path | None,
    pairs: TrackPairs | None,
    edits: Edits | None,
    min_cluster_size: int,
) -> ClusteringResult:
    """Add tracks to a result, and names to its clusters."""
    from bcl_fast.results import name_clusters, read_names, update_result

    if old.embeddings is not None and old.embedded_by not in (None, given.embedded_by):
        raise InputError("the result to add to was made with another model: give that one, or cluster all tracks anew")
    if names is not None:
        old = name_clusters(old, read_names(names))
    return update_result(
        old,
        tracks,
        given.embeddings,
        given.distance_threshold,
        **given.options,
        min_cluster_size=min_cluster_size,
        pairs=pairs,
        edits=edits,
    )


def _say_missing(edits: Edits, tracks: TrackSet, old: ClusteringResult | None) -> None:
    """Say of how many tracks edits speak that are nowhere here: decisions about them hold where they are."""
    known = edits.spoken_of() - {name for one in (tracks, old) if one is not None for name in track_index(one)}
    if known:
        what = counted(len(known), "track")
        say(f"{what} of the edits are not among these: what they say of them is for other videos")


def describe_violations(violations: Violations) -> str:
    """How many pairs of two people share a cluster, with constraints and without."""
    pairs = counted(violations.n_cannot_link, "pair")
    if violations.n_cannot_link == 0:
        return f"{pairs} of tracks known to be two people"
    share = violations.without / violations.n_cannot_link
    found = f"{violations.without:,} ({share:.1%}) would share a cluster without constraints"
    return f"{pairs} of tracks known to be two people: {found}, {violations.constrained:,} do"
