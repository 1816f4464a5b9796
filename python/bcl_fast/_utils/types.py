"""Types that many modules name."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt

PathLike = str | os.PathLike[str]

Names = npt.NDArray[np.object_]  # of str: fixed-width text would give every name the length of the longest
Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Points = npt.NDArray[Any]  # (n_samples, n_features)
Labels = npt.NDArray[np.int64]  # (n_samples,)
