from ._core import cuda_version as cuda_version
from .cluster import BallClustering as BallClustering
from .cluster import complete_linkage as complete_linkage
from .cluster import linkage as linkage
from .cluster import radius_graph as radius_graph
from .losses import BallLoss as BallLoss
from .models import load_model as load_model
from .tracks import TrackSet as TrackSet
from .tracks import read_tracks as read_tracks
from .training import train as train

__version__: str

__all__ = [
    "BallClustering",
    "BallLoss",
    "TrackSet",
    "complete_linkage",
    "cuda_version",
    "linkage",
    "load_model",
    "radius_graph",
    "read_tracks",
    "train",
]
