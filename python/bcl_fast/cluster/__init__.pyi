from ._average_linkage import average_linkage as average_linkage
from ._complete_linkage import complete_linkage as complete_linkage
from ._cut import cut_merges as cut_merges
from ._estimator import BallClustering as BallClustering
from ._linkage import linkage as linkage
from ._neighbors import average_neighbors as average_neighbors
from ._progress import Progress as Progress
from ._radius_graph import radius_graph as radius_graph
from ._result import AverageLinkage as AverageLinkage
from ._result import CompleteLinkage as CompleteLinkage
from ._thresholds import radius_threshold as radius_threshold
from ._thresholds import threshold_for_count as threshold_for_count

__all__ = [
    "AverageLinkage",
    "BallClustering",
    "CompleteLinkage",
    "Progress",
    "average_linkage",
    "average_neighbors",
    "complete_linkage",
    "cut_merges",
    "linkage",
    "radius_graph",
    "radius_threshold",
    "threshold_for_count",
]
