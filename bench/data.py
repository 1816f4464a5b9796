"""Identity-structured vectors like the embeddings of a trained head: the input of the clustering benchmarks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

# Squared distances at which the linkages stop: 4 b of the authors' published head, and 3 b.
DISTANCE_THRESHOLD = 0.82
MEAN_DISTANCE_THRESHOLD = 0.615

# Exponent of the sizes of identities, size ~ 1 / rank**exponent, that gives the pair counts of real episodes.
LONG_TAIL = {2_000: 1.3, 9_740: 1.1, 20_000: 1.0, 100_000: 0.9, 300_000: 0.8, 1_000_000: 0.7, 10_000_000: 0.64}
N_IDENTITIES = {300_000: 3_000, 1_000_000: 10_000, 10_000_000: 100_000}  # else about n / 22
ROWS_AT_ONCE = 1 << 20  # are made: float64 temporaries of ten million would take more memory than their clustering


def identity_vectors(n: int, *, n_features: int = 64, seed: int = 0) -> npt.NDArray[np.float32]:
    """Return (n, n_features) unit vectors of long-tailed identities.

    About 90 % of the pairs of one identity lie within the threshold.
    """
    rng = np.random.default_rng(seed)
    n_identities = N_IDENTITIES.get(n, max(1, n // 22))
    share = np.arange(1, n_identities + 1) ** -LONG_TAIL[n]
    identity = rng.choice(n_identities, size=n, p=share / share.sum())
    # Faces do not fill all directions alike: a decaying spectrum brings some identities close to each other.
    spectrum = 1 / (1 + np.arange(n_features) / 12)
    centers = _unit(rng.standard_normal((n_identities, n_features), dtype=np.float32) * spectrum)
    vectors = np.empty((n, n_features), np.float32)
    for first in range(0, n, ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        noise = rng.standard_normal(vectors[rows].shape, dtype=np.float32) * np.float32(0.72 / np.sqrt(n_features))
        vectors[rows] = _unit(centers[identity[rows]] + noise)
    return vectors


def unstructured_vectors(n: int, *, n_features: int = 64, seed: int = 0) -> npt.NDArray[np.float32]:
    """Return (n, n_features) unit vectors spread evenly over the sphere."""
    return _unit(np.random.default_rng(seed).standard_normal((n, n_features), dtype=np.float32))


def _unit(vectors: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
