"""A face cut out of its frame, with what is around it that an alignment may need."""

from __future__ import annotations

import base64
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bcl_fast.video._faces import Faces
from bcl_fast.video._frames import Image
from bcl_fast.video._packages import package

_AROUND = 0.6  # of the longer side of the box, on each side of it
_LONGEST = 320  # pixels of a side; larger faces are made smaller, which no network sees
THUMBNAIL = 112  # pixels of a side
_THUMBNAIL_AROUND = 0.2
_JPEG_QUALITY = 85
JPEG_URI = "data:image/jpeg;base64,"


class Cutout(NamedTuple):
    """Part of a frame around a face.

    Attributes
    ----------
    image : ndarray of shape (height, width, 3), uint8
        RGB.
    box : ndarray of shape (4,), float32
        x, y, width, height of the face in the image.
    landmarks : ndarray of shape (5, 2), float32
        As in `Faces`, in the image.
    """

    image: Image
    box: npt.NDArray[np.float32]
    landmarks: npt.NDArray[np.float32]


def cut_out(picture: Image, faces: Faces, row: int) -> Cutout:
    """Cut a face out of its frame, which need not hold all of it."""
    box, landmarks = faces.boxes[row], faces.landmarks[row]
    around = _AROUND * box[2:].max()
    height, width = picture.shape[:2]
    left, top = np.clip(np.floor(box[:2] - around), 0, [width - 1, height - 1]).astype(int)
    right, bottom = np.clip(np.ceil(box[:2] + box[2:] + around), [left + 1, top + 1], [width, height]).astype(int)
    part = picture[top:bottom, left:right]
    factor = min(1.0, _LONGEST / max(part.shape[:2]))
    if factor < 1:
        size = max(1, round(part.shape[1] * factor)), max(1, round(part.shape[0] * factor))
        part = package("cv2").resize(part, size, interpolation=package("cv2").INTER_AREA)
    corner = np.array([left, top], np.float32)
    moved = np.concatenate([box[:2] - corner, box[2:]]) * np.float32(factor)
    return Cutout(np.ascontiguousarray(part), moved, (landmarks - corner) * np.float32(factor))


def thumbnail(cutout: Cutout) -> str:
    """Return a square picture of a face as text that a page shows: a data URI of a JPEG of 112 x 112 pixels."""
    cv2 = package("cv2")
    side = float(cutout.box[2:].max()) * (1 + 2 * _THUMBNAIL_AROUND)
    corner = cutout.box[:2] + (cutout.box[2:] - side) / 2
    factor = THUMBNAIL / side
    matrix = np.array([[factor, 0, -corner[0] * factor], [0, factor, -corner[1] * factor]])
    size = (THUMBNAIL, THUMBNAIL)
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    face = cv2.warpAffine(cutout.image, matrix, size, flags=method, borderMode=cv2.BORDER_REPLICATE)
    _, encoded = cv2.imencode(".jpg", face[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return JPEG_URI + base64.b64encode(encoded.tobytes()).decode("ascii")


def enlarged(cutout: Cutout, side: float) -> Cutout:
    """Scale a cutout so that the mean side of its face is ``side`` pixels: landmarks in whole pixels are exact then."""
    cv2 = package("cv2")
    factor = side / float(cutout.box[2:].mean())
    height, width = (max(1, round(length * factor)) for length in cutout.image.shape[:2])
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    image = cv2.resize(cutout.image, (width, height), interpolation=method)
    scale = np.array([width / cutout.image.shape[1], height / cutout.image.shape[0]], np.float32)
    return Cutout(image, cutout.box * np.tile(scale, 2), cutout.landmarks * scale)
