"""Options of the commands that look at films."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Films = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILM|FOLDER",
        help="Films, pictures, or folders of pictures; several are one set.",
        show_default=False,
    ),
]
From = Annotated[str, typer.Option("--from", metavar="TIME", help="Begin there: seconds, or [hours:]minutes:seconds.")]
To = Annotated[str, typer.Option("--to", metavar="TIME", help="End there; by default at the end.", show_default=False)]
Stride = Annotated[
    int, typer.Option(min=1, help="Look for faces in every so many frames of a shot; between them they are tracked.")
]
MaxWidth = Annotated[int, typer.Option(min=64, help="Look for faces in frames of at most this width, in pixels.")]
MinFace = Annotated[float, typer.Option(min=0, help="Leave out faces whose shorter side is smaller, in pixels.")]
MinFrames = Annotated[int, typer.Option(min=1, help="Leave out tracks of fewer frames, but for those of pictures.")]
DetectorFile = Annotated[
    str, typer.Option("--detector", metavar="[yunet|FILE.onnx]", help="What finds faces: YuNet, or one of its family.")
]
RecognizerName = Annotated[
    str,
    typer.Option(
        "--recognizer",
        metavar="[dlib|FILE.onnx|vggface2:FILE]",
        help="What tells people apart: dlib's network; an ONNX file for aligned faces of 112 x 112 (InsightFace, "
        "AuraFace, EdgeFace), with FILE.json beside it for another preparation; the paper's base networks.",
    ),
]
Sequence = Annotated[
    bool, typer.Option("--sequence", help="The pictures of a folder are the frames of a film, not one by one.")
]
FilmDevice = Annotated[
    str, typer.Option("--device", metavar="[cpu|cuda|cuda:N|coreml]", help="Where networks in ONNX files compute.")
]
Jobs = Annotated[
    int | None, typer.Option("--jobs", "-j", help="Processes; by default one per core.", show_default=False)
]
