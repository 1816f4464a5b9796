"""Any network in an ONNX file that takes aligned faces of 112 x 112 pixels: of InsightFace, AuraFace, EdgeFace.

How pictures are prepared is read from ``NAME.json`` beside ``NAME.onnx``, all of it optional::

    {"name": "AuraFace v1", "color": "RGB", "mean": 127.5, "std": 127.5, "distance_threshold": 1.1}

``mean`` and ``std`` are of pixels from 0 to 255, one number or one per channel in the order of ``color``.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from bcl_fast._utils.text import one_line
from bcl_fast._utils.types import Floats
from bcl_fast.errors import InputError
from bcl_fast.video._aligned import ARCFACE_SIDE, five_point_aligned
from bcl_fast.video._cutout import Cutout
from bcl_fast.video._onnx_session import open_session

_WHERE = (
    "recognisers are not part of this package: InsightFace (github.com/deepinsight/insightface), AuraFace (fal on "
    "Hugging Face) and EdgeFace (Idiap) publish some"
)
_MOST_BYTES = 1 << 16  # of a file of settings


class OnnxRecognizer:
    """A recogniser in an ONNX file.

    Parameters
    ----------
    file : Path
    device : str

    Raises
    ------
    InputError
        If a file is missing or damaged, or the network takes and gives something else.
    """

    def __init__(self, file: Path, device: str) -> None:
        if not file.is_file():
            raise InputError(f"the recognizer {file} does not exist or is not a file: {_WHERE}")
        settings = _settings(file.with_suffix(".json"))
        self.name = str(settings.pop("name", file.stem))
        threshold = settings.pop("distance_threshold", None)
        self.distance_threshold = None if threshold is None else float(threshold)
        self._color = settings.get("color", "RGB")
        self._mean, self._std = (np.float32(settings.get(key, 127.5)) for key in ("mean", "std"))
        made_of = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
        made_of.update(file.read_bytes())
        self.fingerprint = made_of.hexdigest()[:16]
        self._session = open_session(file, "recognizer", device)
        self._input = self._check_input(file)
        self.n_features = self._run(np.zeros((1, 3, ARCFACE_SIDE, ARCFACE_SIDE), np.float32), file).shape[1]

    def _check_input(self, file: Path) -> Any:
        inputs = self._session.get_inputs()
        shape = inputs[0].shape if inputs else []
        wanted = (3, ARCFACE_SIDE, ARCFACE_SIDE)
        fits = len(shape) == 4 and all(
            isinstance(n, str) or n in (None, w) for n, w in zip(shape[1:], wanted, strict=True)
        )
        if len(inputs) != 1 or not fits:
            raise InputError(
                f"the recognizer {file} must take pictures (n, 3, 112, 112), got an input of shape {shape}"
            )
        return inputs[0]

    def _run(self, batch: Floats, file: Path) -> Floats:
        try:
            found = self._session.run(None, {self._input.name: batch})[0]
        except Exception as error:  # the library's own kinds of errors have no common base
            raise InputError(f"the recognizer {file} does not run on pictures of faces: {one_line(error)}") from None
        if found.ndim != 2 or len(found) != len(batch):
            raise InputError(f"the recognizer {file} must give one vector per face, got the shape {found.shape}")
        return np.asarray(found, dtype=np.float32)

    def embed(self, faces: list[Cutout]) -> Floats:
        """Return the embeddings of faces: (n_faces, n_features) float32."""
        if not faces:
            return np.empty((0, self.n_features), np.float32)
        images = np.stack([five_point_aligned(face) for face in faces]).astype(np.float32)
        images = images if self._color == "RGB" else images[..., ::-1]
        batch = np.ascontiguousarray(((images - self._mean) / self._std).transpose(0, 3, 1, 2))
        size = 1 if self._input.shape[0] == 1 else len(batch)
        parts = [self._run(batch[start : start + size], Path(self.name)) for start in range(0, len(batch), size)]
        return np.concatenate(parts)


def _settings(file: Path) -> dict[str, Any]:
    """Read how pictures are prepared; without a file, as InsightFace does."""
    if not file.is_file():
        return {}
    try:
        settings = json.loads(file.read_bytes()[:_MOST_BYTES])
    except ValueError as error:
        raise InputError(f"{file} must be JSON, got an error ({one_line(error)})") from None
    checks = {
        "name": _is_name,
        "color": _is_color,
        "mean": _is_mean,
        "std": _is_std,
        "distance_threshold": _is_positive,
    }
    if not isinstance(settings, dict) or not settings.keys() <= checks.keys():
        raise InputError(f"{file} must be an object with some of {', '.join(checks)}, got {one_line(settings)}")
    for key, value in settings.items():
        if not checks[key](value):
            raise InputError(f"{file}: {key} is not one: {one_line(repr(value))}")
    return settings


def _is_name(value: Any) -> bool:
    return isinstance(value, str)


def _is_color(value: Any) -> bool:
    return value in ("RGB", "BGR")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_positive(value: Any) -> bool:
    return _is_number(value) and value > 0


def _is_mean(value: Any) -> bool:
    return _is_number(value) or (isinstance(value, list) and len(value) == 3 and all(map(_is_number, value)))


def _is_std(value: Any) -> bool:
    return _is_positive(value) or (isinstance(value, list) and len(value) == 3 and all(map(_is_positive, value)))
