"""What makes an embedding of a face: dlib's network, any ArcFace-style ONNX file, or the paper's base networks."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from bcl_fast._utils.types import Floats
from bcl_fast.errors import InputError
from bcl_fast.video._cutout import Cutout


class Recognizer(Protocol):
    """A network that tells people apart by their faces.

    Attributes
    ----------
    name : str
        What people call it.
    fingerprint : str
        Short name of the map from faces to embeddings, the same for the same weights and preparation.
    n_features : int
        Length of an embedding.
    distance_threshold : float or None
        Squared distance between unit-norm means of tracks at which average linkage stops well; None where nobody has
        measured one.
    """

    name: str
    fingerprint: str
    n_features: int
    distance_threshold: float | None

    def embed(self, faces: list[Cutout]) -> Floats:
        """Return the embeddings of faces: (n_faces, n_features) float32."""


def open_recognizer(spec: str, device: str = "cpu") -> Recognizer:
    """Open a recogniser by what a user calls it.

    Parameters
    ----------
    spec : str
        ``"dlib"``, ``NAME.onnx``, or ``vggface2:FILE``.
    device : str, default "cpu"
        Where an ONNX file or the paper's networks compute; dlib's computes on the CPU.

    Raises
    ------
    InputError
        If it is not known, or a file or a package is missing; the message says where people get it.
    """
    kind, _, file = spec.partition(":")
    if spec == "dlib":
        from bcl_fast.video._dlib import DlibRecognizer

        return DlibRecognizer()
    if kind == "vggface2" and file:
        from bcl_fast.video._vggface2 import VGGFace2Recognizer

        return VGGFace2Recognizer(Path(file), device)
    if spec.lower().endswith(".onnx"):
        from bcl_fast.video._arcface import OnnxRecognizer

        return OnnxRecognizer(Path(spec), device)
    raise InputError(f"a recognizer is 'dlib', a file NAME.onnx or vggface2:FILE, got {spec!r}")
