"""How a simulated face becomes the feature vector of a CNN."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bcl_fast._utils.checks import check_at_least, check_share, store_plain_numbers
from bcl_fast._utils.types import Floats


@dataclass(frozen=True)
class World:
    """The feature model that videos share: how a face becomes the feature vector of a CNN.

    A face of person ``p`` in track ``t`` of scene ``s`` has the features::

        mean + (person_p + look_t) @ identity_basis + (scene_s + track_t + face) @ nuisance_basis + noise

    where all terms but the mean are Gaussian and the noise is isotropic. Each ``*_norm`` is the root mean square length
    of its part of the feature vector, in the units of the features; the nuisance fades over its directions. Equal
    ``world_seed`` and dimensions mean equal subspaces, whatever the people and videos.

    Parameters
    ----------
    world_seed : int
        Seed of the mean and of both subspaces.
    n_features : int
        Dimensions of a feature vector.
    identity_dimensions, nuisance_dimensions : int
        Dimensions of the subspace in which people differ, and of pose and light.
    mean_norm, identity_norm : float
        Length of what all faces have in common, and of what is a person's own.
    look_norm : float
        Length of what changes in a person from track to track (hair, make-up). It lies in the identity subspace: no
        projection removes it.
    scene_norm, track_norm, face_norm : float
        Length of the nuisance common to a scene's tracks, to a track's faces, and of a face's own.
    noise_norm : float
        Length of the isotropic noise of a face.
    nuisance_shift : float
        A domain shift: the share of the nuisance's variance, 0 to 1, that lies along directions of its own, which no
        head trained on a world without the shift has learned to ignore. People differ as before.
    """

    world_seed: int = 0
    n_features: int = 256
    identity_dimensions: int = 24
    nuisance_dimensions: int = 16
    mean_norm: float = 6.0
    identity_norm: float = 7.0
    look_norm: float = 3.5
    scene_norm: float = 5.5
    track_norm: float = 5.5
    face_norm: float = 5.0
    noise_norm: float = 7.0
    nuisance_shift: float = 0.0

    def __post_init__(self) -> None:
        store_plain_numbers(self)
        for name in ("n_features", "identity_dimensions", "nuisance_dimensions"):
            check_at_least(name, getattr(self, name), 1)
        for name in ("mean", "identity", "look", "scene", "track", "face", "noise"):
            check_at_least(f"{name}_norm", getattr(self, f"{name}_norm"), 0)
        check_at_least("world_seed", self.world_seed, 0)
        check_share("nuisance_shift", self.nuisance_shift)

    @cached_property
    def _axes(self) -> Floats:
        """Unit rows: the mean's direction, then the identity's, then the nuisance's; ``(1 + i + n, n_features)``."""
        rng = np.random.default_rng(self.world_seed)
        axes = rng.standard_normal((1 + self.identity_dimensions + self.nuisance_dimensions, self.n_features))
        return (axes / np.linalg.norm(axes, axis=1, keepdims=True)).astype(np.float32)

    @property
    def mean(self) -> Floats:
        """What all faces have in common, ``(n_features,)``."""
        return self._axes[0] * np.float32(self.mean_norm)

    @property
    def identity_basis(self) -> Floats:
        """The subspace in which people differ, ``(identity_dimensions, n_features)``.

        Scaled so that a standard normal draw times the basis has a root mean square length of 1.
        """
        return self._axes[1 : 1 + self.identity_dimensions] / np.float32(self.identity_dimensions**0.5)

    @property
    def nuisance_basis(self) -> Floats:
        """The subspace of pose and light, scaled as the identity's, ``(nuisance_dimensions, n_features)``."""
        fading = 0.9 ** np.arange(self.nuisance_dimensions)
        weights = fading / np.linalg.norm(fading)
        return self._nuisance_axes * weights[:, None].astype(np.float32)

    @property
    def _nuisance_axes(self) -> Floats:
        """Unit rows, ``(nuisance_dimensions, n_features)``, turned towards new ones by the shift."""
        axes = self._axes[1 + self.identity_dimensions :]
        if self.nuisance_shift == 0:
            return axes
        new = np.random.default_rng([self.world_seed, 1]).standard_normal(axes.shape)
        new -= (new * axes).sum(axis=1, keepdims=True) * axes
        new /= np.linalg.norm(new, axis=1, keepdims=True)
        share = self.nuisance_shift
        return ((1 - share) ** 0.5 * axes + share**0.5 * new).astype(np.float32)
