"""Faces in the position that networks were trained on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bcl_fast.video._cutout import Cutout
from bcl_fast.video._frames import Image
from bcl_fast.video._packages import package

ARCFACE_SIDE = 112  # pixels
# Eyes, tip of the nose, corners of the mouth in a picture of 112 x 112 pixels, as ArcFace and its successors have them.
_ARCFACE_POINTS = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)


def five_point_aligned(face: Cutout) -> Image:
    """Turn, scale and move a face so that its landmarks lie where ArcFace wants them: (112, 112, 3), uint8, RGB."""
    matrix = similarity(face.landmarks.astype(np.float64), _ARCFACE_POINTS)
    return _warped(face.image, matrix, ARCFACE_SIDE)


def square_crop(face: Cutout, extended: float, side: int) -> Image:
    """Cut a square out around the middle of a box: ``1 + extended`` times its shorter side, in ``side`` pixels."""
    length = float(face.box[2:].min()) * (1 + extended)
    corner = face.box[:2] + (face.box[2:] - length) / 2
    scale = side / length
    return _warped(face.image, np.array([[scale, 0, -corner[0] * scale], [0, scale, -corner[1] * scale]]), side)


def similarity(source: npt.NDArray[np.float64], target: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the rotation, scaling and shift (2, 3) that brings points nearest to others, by least squares.

    S. Umeyama: Least-squares estimation of transformation parameters between two point patterns. PAMI 1991.
    """
    one, other = source - source.mean(axis=0), target - target.mean(axis=0)
    left, singular, right = np.linalg.svd(other.T @ one)
    mirror = np.array([1.0, np.sign(np.linalg.det(left @ right)) or 1.0])
    scale = (singular * mirror).sum() / max(float(np.square(one).sum()), 1e-12)
    turn = scale * (left * mirror) @ right
    return np.concatenate([turn, (target.mean(axis=0) - turn @ source.mean(axis=0))[:, None]], axis=1)


def _warped(image: Image, matrix: npt.NDArray[np.float64], side: int) -> Image:
    cv2 = package("cv2")
    shrunk = abs(np.linalg.det(matrix[:, :2])) < 0.25  # every other pixel would be passed over
    if shrunk:
        factor = 2 * float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
        height, width = (max(1, round(length * factor)) for length in image.shape[:2])
        matrix = matrix.copy()
        matrix[:, :2] /= [width / image.shape[1], height / image.shape[0]]
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    warped = cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped)
