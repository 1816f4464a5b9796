"""Where boxes will be: a Kalman filter of constant velocity for each coordinate of each box, all at once.

The uncertainties are those of SORT and ByteTrack: shares of the height of the box.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]

_POSITION, _VELOCITY = 1 / 20, 1 / 160  # standard deviations as shares of the height; of velocities per frame


class Motion(NamedTuple):
    """Positions and velocities of boxes.

    Attributes
    ----------
    mean : ndarray of shape (n, 4, 2), float64
        Of the centre's x and y, the width and the height: value and change per frame.
    covariance : ndarray of shape (n, 4, 2, 2), float64
    """

    mean: Doubles
    covariance: Doubles

    @classmethod
    def at(cls, boxes: npt.NDArray[np.float32]) -> Motion:
        """Begin at boxes (n, 4) of x, y, width, height, whose motion is not known."""
        mean = np.zeros((len(boxes), 4, 2))
        mean[..., 0] = _centred(boxes)
        height = mean[:, 3, 0, None]
        covariance = np.zeros((len(boxes), 4, 2, 2))
        covariance[..., 0, 0] = (2 * _POSITION * height) ** 2
        covariance[..., 1, 1] = (10 * _VELOCITY * height) ** 2
        return cls(mean, covariance)

    def take(self, rows: npt.NDArray[np.int64]) -> Motion:
        """Keep some boxes."""
        return Motion(self.mean[rows], self.covariance[rows])

    def after(self, n_frames: int) -> Motion:
        """Predict the motion some frames later."""
        step = np.array([[1.0, n_frames], [0.0, 1.0]])
        height = self.mean[:, 3, 0, None]
        covariance = step @ self.covariance @ step.T
        covariance[..., 0, 0] += n_frames * (_POSITION * height) ** 2
        covariance[..., 1, 1] += n_frames * (_VELOCITY * height) ** 2
        return Motion(self.mean @ step.T, covariance)

    def seen_at(self, boxes: npt.NDArray[np.float32]) -> Motion:
        """Correct the motion by boxes (n, 4) that were found."""
        height = self.mean[:, 3, 0, None]
        variance = self.covariance[..., 0, 0] + (_POSITION * height) ** 2
        gain = self.covariance[..., :, 0] / variance[..., None]
        mean = self.mean + gain * (_centred(boxes) - self.mean[..., 0])[..., None]
        return Motion(mean, self.covariance - gain[..., None] * self.covariance[..., :1, :])

    @property
    def boxes(self) -> Doubles:
        """Boxes (n, 4) of x, y, width, height."""
        centres, sizes = self.mean[:, :2, 0], np.maximum(self.mean[:, 2:, 0], 1.0)
        return np.concatenate([centres - sizes / 2, sizes], axis=1)


def _centred(boxes: npt.NDArray[np.float32]) -> Doubles:
    x, y, width, height = boxes.astype(np.float64).T
    return np.stack([x + width / 2, y + height / 2, width, height], axis=1)
