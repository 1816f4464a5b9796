"""The default recogniser: dlib's residual network (D. King, 2017) with dlib's own alignment."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bcl_fast._utils.types import Floats
from bcl_fast.video._cutout import Cutout, enlarged
from bcl_fast.video._packages import data_of_package, package

if TYPE_CHECKING:
    from bcl_fast.video._dlib_network import DlibNetwork

_MODELS = "face_recognition_models", "models"
_NETWORK = "dlib_face_recognition_resnet_model_v1.dat"
_LANDMARKS = "shape_predictor_5_face_landmarks.dat"
_SIDE = 150  # pixels of an aligned face


class DlibRecognizer:
    """128 features of a face; its author takes a Euclidean distance of 0.6 as the limit of one person."""

    name = "dlib_face_recognition_resnet_model_v1"
    n_features = 128
    distance_threshold: float | None = 0.13

    def __init__(self) -> None:
        package("dlib")
        self._files = [data_of_package(*_MODELS, name) for name in (_NETWORK, _LANDMARKS)]
        digest = hashlib.sha256(b"150 pixels, 0.25 around")
        for file in self._files:
            digest.update(file.read_bytes())
        self.fingerprint = digest.hexdigest()[:16]

    @cached_property
    def _network(self) -> DlibNetwork:
        from bcl_fast.video._dlib_network import DlibNetwork

        return DlibNetwork(self._files[0])

    @cached_property
    def _landmarks(self) -> Any:
        return package("dlib").shape_predictor(str(self._files[1]))

    def embed(self, faces: list[Cutout]) -> Floats:
        """Return the embeddings of faces: (n_faces, 128) float32, not of unit norm."""
        if not faces:
            return np.empty((0, self.n_features), np.float32)
        return self._network([self._aligned(face) for face in faces])

    def _aligned(self, face: Cutout) -> Any:
        face = enlarged(face, _SIDE)
        shape = self._landmarks(face.image, _framed(face))
        return package("dlib").get_face_chip(face.image, shape, size=_SIDE)


def _framed(face: Cutout) -> Any:
    """Return a square around the face, as dlib's own detector frames faces: its landmarks were learned in those."""
    side, (x, y) = float(face.box[2:].mean()), (face.box[:2] + face.box[2:] / 2).tolist()
    return package("dlib").rectangle(*(round(v) for v in (x - side / 2, y - side / 2, x + side / 2, y + side / 2)))
