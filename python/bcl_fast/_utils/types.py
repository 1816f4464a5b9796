"""Array types that many modules name."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Names = npt.NDArray[np.str_]


Integers = npt.NDArray[np.int64]


Floats = npt.NDArray[np.float32]
