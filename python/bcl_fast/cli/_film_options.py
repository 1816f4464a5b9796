"""Options of the commands that look at films: those of an extraction come as one argument."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from bcl_fast.cli._grouped_options import grouped, parameters_of
from bcl_fast.errors import InputError
from bcl_fast.video import ExtractionOptions

DEFAULTS = ExtractionOptions()

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


def film_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of an extraction; it receives them as one argument ``options``."""
    return grouped("options", parameters_of(_options), _options)(command)


def _options(
    start: From = "0",
    stop: To = "",
    stride: Stride = DEFAULTS.stride,
    max_width: MaxWidth = DEFAULTS.max_width,
    min_face: MinFace = DEFAULTS.min_face,
    min_frames: MinFrames = DEFAULTS.min_frames,
    detector: DetectorFile = DEFAULTS.detector,
    recognizer: RecognizerName = DEFAULTS.recognizer,
    sequence: Sequence = DEFAULTS.sequence,
) -> ExtractionOptions:
    return ExtractionOptions(
        start_seconds=_seconds(start),
        stop_seconds=_seconds(stop) if stop else float("inf"),
        stride=stride,
        max_width=max_width,
        min_face=min_face,
        min_frames=min_frames,
        detector=detector,
        recognizer=recognizer,
        sequence=sequence,
    )


def _seconds(time: str) -> float:
    """Return the seconds that a user wrote as seconds or as ``[hours:]minutes:seconds``."""
    seconds = 0.0
    try:
        parts = [float(part) for part in time.split(":")]
    except ValueError:
        parts = []
    if not 1 <= len(parts) <= 3 or not all(0 <= part < 1e9 for part in parts):
        raise InputError(f"a time is seconds or [hours:]minutes:seconds, got {time!r}")
    for part in parts:
        seconds = 60 * seconds + part
    return seconds
