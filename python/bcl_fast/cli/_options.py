"""Options that commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Tracks = Annotated[
    list[Path],
    typer.Argument(
        metavar="TRACKS",
        help="Files (.parquet, .feather, .arrow, .csv, .npz, .npy), folders of them or with "
        "features/<video>/<track>.npy, or '-' (Parquet on stdin).",
        show_default=False,
    ),
]
Result = Annotated[
    Path, typer.Argument(metavar="RESULT", help="A result of cluster: .parquet or .csv.", show_default=False)
]
Force = Annotated[bool, typer.Option("--force", help="Replace outputs that exist.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same result.", min=0)]
Linkage = Annotated[
    Literal["complete", "average"] | None,
    typer.Option(
        help="What --threshold limits between two clusters: the largest distance of their tracks (complete, the "
        "default), or the mean of all. A model has its own.",
        show_default=False,
    ),
]
Device = Annotated[str, typer.Option(metavar="[cpu|cuda|cuda:N]", help="Where to compute; cuda is an NVIDIA GPU.")]
Engine = Annotated[
    Literal["local", "ray"],
    typer.Option(help="Who finds the pairs: this process, or the workers of a Ray cluster (complete linkage)."),
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT|auto|local",
        help="With --engine ray: a cluster, the one on this machine, or one that is started for the command. "
        "By default RAY_ADDRESS, or else local.",
        show_default=False,
    ),
]
SavedModel = Annotated[
    Path,
    typer.Option("--model", "-m", help="A trained model: .safetensors or .pth.tar.", show_default=False),
]

Constraints = Annotated[
    list[str] | None,
    typer.Option(
        "--constraints",
        metavar="[auto|FILE|none]",
        help="Which tracks are two people, or one: auto (the default) by frames, for tracks on screen together; a CSV "
        "file of track_a,track_b,must or cannot (columns video_a,video_b if needed); a .json file of edits made in the "
        "page; none. Repeat it for auto and files together.",
        show_default=False,
    ),
]
MinOverlap = Annotated[int, typer.Option(min=1, help="Frames that two tracks must share to be on screen together.")]
DuplicateIoU = Annotated[
    float,
    typer.Option(
        "--duplicate-iou",
        min=0,
        max=1,
        help="Tracks whose boxes overlap by more than this (intersection over union) are one face found twice.",
    ),
]
MinClusters = Annotated[
    int | None,
    typer.Option(min=1, help="At least so many clusters: merging stops early where it must.", show_default=False),
]
MaxClusters = Annotated[
    int | None,
    typer.Option(min=1, help="At most so many: merging goes on beyond the threshold if it must.", show_default=False),
]
MinClusterSize = Annotated[
    int,
    typer.Option(min=1, help="Tracks of clusters of fewer tracks get the cluster number -1, and no cluster counts."),
]
ThresholdScale = Annotated[
    float | None,
    typer.Option(
        help="Cut at this multiple of the model's threshold; below 1 splits rather than merges. By default the model's "
        "own, which is 1 until bcl-fast calibrate stores another.",
        show_default=False,
    ),
]
