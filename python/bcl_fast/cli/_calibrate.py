"""The command ``calibrate``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bcl_fast._utils.safetensors import check_safetensors_output
from bcl_fast._utils.separate import check_separate
from bcl_fast._utils.text import counted
from bcl_fast.cli._console import say
from bcl_fast.cli._inputs import files_of_pairs, pairs_of
from bcl_fast.cli._options import Constraints, DuplicateIoU, Force, MinOverlap
from bcl_fast.tracks import DUPLICATE_IOU

Model = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A trained model: .safetensors or .pth.tar.", show_default=False)
]


def calibrate(
    model: Model,
    val: Annotated[
        list[Path],
        typer.Option(
            help="Labelled tracks of people who were not trained on. Repeat it for more files.", show_default=False
        ),
    ],
    precision: Annotated[
        float, typer.Option(help="Of the pairs of tracks in one cluster, the share that is to be of one person.")
    ] = 0.99,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Where the model goes, .safetensors; by default back to MODEL.", show_default=False
        ),
    ] = None,
    constraints: Constraints = None,
    min_overlap: MinOverlap = 1,
    duplicate_iou: DuplicateIoU = DUPLICATE_IOU,
    force: Force = False,
) -> None:
    """Choose where clusters are cut, for a given precision, and store that in the model.

    A wrong merge costs more than a split, where people look at the clusters. The largest multiple of 4 b that gives the
    precision on the validation tracks is stored as the model's threshold scale, for cluster and evaluate.
    """
    target = model if output is None else output
    check_separate([target], [*val, *files_of_pairs(constraints), None if output is None else model])
    check_safetensors_output(target, "model", force=force or output is None)
    from bcl_fast.evaluation import calibrate as choose
    from bcl_fast.models import load_model
    from bcl_fast.tracks import read_tracks

    loaded, people = load_model(model), read_tracks(val)
    pairs = pairs_of(people, constraints, min_overlap, duplicate_iou)
    found = choose(loaded, people, precision, pairs=pairs)
    calibrated = replace(loaded, threshold_scale=found.scale)
    calibrated.save(target, force=True)
    say(
        f"threshold scale {found.scale:.4f}: pairwise precision {found.precision:.4f}, recall {found.recall:.4f}, "
        f"{counted(found.n_clusters, 'cluster')}; clusters are cut at {calibrated.distance_threshold:.4f} -> {target}"
    )
