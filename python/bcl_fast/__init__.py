"""Ball Cluster Learning, fast: cluster embeddings when nobody knows how many people there are.

The public names load on first use: ``import bcl_fast`` costs milliseconds and imports neither torch nor scikit-learn.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from bcl_fast._core import cuda_version
    from bcl_fast.cluster._estimator import BallClustering
    from bcl_fast.cluster._linkage import complete_linkage, linkage, radius_graph
    from bcl_fast.losses._ball import BallLoss
    from bcl_fast.models._model import load_model
    from bcl_fast.tracks._io import TrackSet, read_tracks
    from bcl_fast.training._train import train

_HOMES = {
    "BallClustering": "cluster._estimator",
    "BallLoss": "losses._ball",
    "TrackSet": "tracks._track_set",
    "complete_linkage": "cluster._linkage",
    "cuda_version": "_core",
    "linkage": "cluster._linkage",
    "load_model": "models._model",
    "radius_graph": "cluster._linkage",
    "read_tracks": "tracks._io",
    "train": "training._train",
}

__all__ = [
    "BallClustering",
    "BallLoss",
    "TrackSet",
    "__version__",
    "complete_linkage",
    "cuda_version",
    "linkage",
    "load_model",
    "radius_graph",
    "read_tracks",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import the module of a public name when it is first asked for."""
    if name == "__version__":
        value = import_module("importlib.metadata").version("bcl-fast")
    elif name in _HOMES:
        value = getattr(import_module(f"bcl_fast.{_HOMES[name]}"), name)
    else:
        raise AttributeError(f"module 'bcl_fast' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
