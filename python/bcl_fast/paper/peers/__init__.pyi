from ._growing_kmeans import gmeans as gmeans
from ._growing_kmeans import xmeans as xmeans
from ._wrapped import dbscan as dbscan
from ._wrapped import finch as finch
from ._wrapped import hdbscan as hdbscan
from ._wrapped import kmeans as kmeans

__all__ = [
    "dbscan",
    "finch",
    "gmeans",
    "hdbscan",
    "kmeans",
    "xmeans",
]
