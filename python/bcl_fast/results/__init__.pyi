from ._cluster_tracks import cluster_tracks as cluster_tracks
from ._constrained import Violations as Violations
from ._constrained import cluster_with_pairs as cluster_with_pairs
from ._constrained import count_violated as count_violated
from ._files import check_result_output as check_result_output
from ._files import read_result as read_result
from ._files import write_result as write_result
from ._names import name_clusters as name_clusters
from ._names import read_names as read_names
from ._result import ClusteringResult as ClusteringResult
from ._result import describe_clusters as describe_clusters
from ._update import Growth as Growth
from ._update import growth as growth
from ._update import update_result as update_result

__all__ = [
    "ClusteringResult",
    "Growth",
    "Violations",
    "check_result_output",
    "cluster_tracks",
    "cluster_with_pairs",
    "count_violated",
    "describe_clusters",
    "growth",
    "name_clusters",
    "read_names",
    "read_result",
    "update_result",
    "write_result",
]
