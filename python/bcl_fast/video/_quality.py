"""How well a face can be recognised in a picture of it: size, sharpness, pose and the detector's score."""

from __future__ import annotations

import numpy as np

from bcl_fast.video._faces import Faces
from bcl_fast.video._frames import Image
from bcl_fast.video._packages import package

_SIDE = 64  # pixels of the picture in which sharpness is measured
_GOOD_SIZE = 80.0  # pixels of the shorter side of a box, beyond which more tell no more
_GOOD_SHARPNESS = 150.0  # variance of the Laplacian of such a picture


def quality(faces: Faces, picture: Image, scale: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Rate the faces of a picture from 0 to 1.

    Parameters
    ----------
    faces : Faces
        In pixels of the film.
    picture : ndarray of shape (height, width, 3), uint8
        The frame as it was looked at.
    scale : float
        Pixels of the picture per pixel of the film.

    Returns
    -------
    quality : ndarray of shape (n_faces,), float32
        The product of the pose, the square roots of size and sharpness, and the third power of the score (which falls
        where a face is half hidden, or one shot fades into another), each from 0 to 1.
    """
    size = np.clip(faces.boxes[:, 2:].min(axis=1) / _GOOD_SIZE, 0, 1)
    sharpness = np.array([_sharpness(picture, box) for box in faces.boxes * scale])
    sharp = np.clip(sharpness / _GOOD_SHARPNESS, 0.01, 1)
    return (faces.scores**3 * frontality(faces) * np.sqrt(size * sharp)).astype(np.float32)


def frontality(faces: Faces) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Rate how much faces look into the camera, from 0.05 (in profile, or overhead) to 1: by where the nose is.

    Seen from in front, the nose lies midway between the eyes, and about midway between eyes and mouth.
    """
    eyes, mouth = faces.landmarks[:, :2], faces.landmarks[:, 3:]
    nose = faces.landmarks[:, 2]
    across, down = eyes[:, 1] - eyes[:, 0], mouth.mean(axis=1) - eyes.mean(axis=1)
    turned = np.abs(_share(nose - eyes[:, 0], across) - 0.5)
    tilted = np.abs(_share(nose - eyes.mean(axis=1), down) - 0.55)
    return np.clip(1 - 1.5 * turned - tilted, 0.05, 1).astype(np.float32)


def _share(vectors: np.ndarray, along: np.ndarray) -> np.ndarray:
    """How far each vector reaches along another, as a share of that one's length."""
    return (vectors * along).sum(axis=1) / np.maximum((along * along).sum(axis=1), 1e-6)


def _sharpness(picture: Image, box: np.ndarray) -> float:
    """Variance of the Laplacian of a face in 64 x 64 pixels, so that size does not count twice."""
    cv2 = package("cv2")
    left, top = np.maximum(np.floor(box[:2]).astype(int), 0)
    right, bottom = np.ceil(box[:2] + box[2:]).astype(int)
    face = picture[top:bottom, left:right]
    if face.size == 0:
        return 0.0
    grey = cv2.cvtColor(cv2.resize(face, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_32F).var())
