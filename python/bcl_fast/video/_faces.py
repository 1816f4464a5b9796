"""Faces in pictures, by YuNet: boxes, five landmarks and scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bcl_fast._utils.types import Floats
from bcl_fast.errors import InputError
from bcl_fast.video._frames import Image
from bcl_fast.video._onnx_session import open_session

_STRIDES = (8, 16, 32)
_MOST_FACES = 200  # of a frame, those of the best scores
_DUPLICATE_IOU = 0.3  # intersection over union from which two boxes are one face, as in YuNet's own demonstration
YUNET = Path(__file__).with_name("data") / "yunet.onnx"


class Faces(NamedTuple):
    """The faces of a picture.

    Attributes
    ----------
    boxes : ndarray of shape (n_faces, 4), float32
        x, y, width, height in pixels of the film.
    landmarks : ndarray of shape (n_faces, 5, 2), float32
        The eyes, the tip of the nose and the corners of the mouth, those on the left of the picture first.
    scores : ndarray of shape (n_faces,), float32
        From 0 to 1.
    """

    boxes: Floats
    landmarks: Floats
    scores: Floats

    def take(self, rows: Any) -> Faces:
        """Keep some faces, by mask or numbers."""
        return Faces(*(values[rows] for values in self))

    def scaled(self, factor: float) -> Faces:
        """Return the faces in a picture that is ``factor`` times as wide."""
        return Faces(self.boxes * np.float32(factor), self.landmarks * np.float32(factor), self.scores)


class FaceDetector:
    """YuNet, or another network of its family, on a CPU or a GPU.

    Parameters
    ----------
    model : str
        ``"yunet"`` or a file.
    min_score : float
        Least score of a face.
    device : str
        As in `open_session`.

    Raises
    ------
    InputError
        If the file is missing or no such network.
    """

    def __init__(self, model: str, min_score: float, device: str = "cpu") -> None:
        file = YUNET if model == "yunet" else Path(model)
        self._session = open_session(file, "face detector", device)
        self._min_score = min_score
        self._batched = device != "cpu"  # a CPU does pictures faster one by one
        self._outputs = [f"{kind}_{stride}" for stride in _STRIDES for kind in ("cls", "obj", "bbox", "kps")]
        if {output.name for output in self._session.get_outputs()} != set(self._outputs):
            raise InputError(f"the face detector {file} must be of YuNet's family, with outputs cls_8 to kps_32")

    def detect(self, images: list[Image]) -> list[Faces]:
        """Find the faces of pictures of one size, the highest scores first.

        Parameters
        ----------
        images : list of ndarray of shape (height, width, 3), uint8
            RGB.
        """
        if not self._batched and len(images) > 1:
            return [faces for image in images for faces in self.detect([image])]
        outputs = dict(zip(self._outputs, self._session.run(self._outputs, {"input": _padded(images)}), strict=True))
        columns = -(-images[0].shape[1] // 32) * 32
        return [self._faces(outputs, place, columns) for place in range(len(images))]

    def _faces(self, outputs: dict[str, Any], place: int, columns: int) -> Faces:
        parts = [_decode(outputs, place, stride, columns // stride, self._min_score) for stride in _STRIDES]
        boxes, landmarks, scores = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        order = np.argsort(-scores, kind="stable")
        kept = _without_duplicates(boxes[order])[:_MOST_FACES]
        return Faces(boxes, landmarks, scores).take(order[kept])


def _padded(images: list[Image]) -> Floats:
    """Put pictures in a batch, blue first, with black below and to the right up to multiples of 32 pixels."""
    height, width = images[0].shape[:2]
    batch = np.zeros((len(images), 3, -(-height // 32) * 32, -(-width // 32) * 32), np.float32)
    for place, image in enumerate(images):
        batch[place, :, :height, :width] = image[:, :, ::-1].transpose(2, 0, 1)
    return batch


def _decode(outputs: dict[str, Any], place: int, stride: int, columns: int, min_score: float) -> Faces:
    """Turn the cells of a grid into faces: offsets from a cell and sizes are in units of the stride."""
    kinds = (outputs[f"{kind}_{stride}"][place] for kind in ("cls", "obj", "bbox", "kps"))
    classes, objects, offsets, points = kinds
    scores = np.sqrt(np.clip(classes[:, 0], 0, 1) * np.clip(objects[:, 0], 0, 1))
    cells = np.flatnonzero(scores >= min_score)
    corners = np.stack([cells % columns, cells // columns], axis=1).astype(np.float32)
    centres = (corners + offsets[cells, :2]) * stride
    sizes = np.exp(np.clip(offsets[cells, 2:], -10, 10)) * stride
    landmarks = (points[cells].reshape(-1, 5, 2) + corners[:, None]) * stride
    return Faces(np.concatenate([centres - sizes / 2, sizes], axis=1), landmarks, scores[cells])


def _without_duplicates(boxes: Floats) -> npt.NDArray[np.int64]:
    """Rows of boxes, best first, that no better one covers."""
    kept: list[int] = []
    overlaps = intersection_over_union(boxes, boxes)
    for row in range(len(boxes)):
        if not kept or overlaps[row, kept].max() <= _DUPLICATE_IOU:
            kept.append(row)
    return np.array(kept, np.int64)


def intersection_over_union(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return the overlap of each box of one set with each of another: (n_one, n_other)."""
    left, right = one[:, None].astype(np.float64), other[None].astype(np.float64)
    corner = np.maximum(left[..., :2], right[..., :2])
    opposite = np.minimum(left[..., :2] + left[..., 2:], right[..., :2] + right[..., 2:])
    shared = np.clip(opposite - corner, 0, None).prod(axis=2)
    union = left[..., 2:].prod(axis=2) + right[..., 2:].prod(axis=2) - shared
    return np.divide(shared, union, out=np.zeros(shared.shape), where=union > 0)
