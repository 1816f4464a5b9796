from ._cluster_tracks import cluster_tracks as cluster_tracks
from ._constrained import Violations as Violations
from ._constrained import cluster_with_pairs as cluster_with_pairs
from ._constrained import count_violated as count_violated
from ._edits import apply_edits as apply_edits
from ._files import check_result_output as check_result_output
from ._files import read_result as read_result
from ._files import write_result as write_result
from ._known_again import rename_videos as rename_videos
from ._merge import merge_clusters as merge_clusters
from ._names import name_clusters as name_clusters
from ._names import read_names as read_names
from ._no_faces import with_tracks_aside as with_tracks_aside
from ._representatives import central_face as central_face
from ._representatives import representative_faces as representative_faces
from ._representatives import representative_tracks as representative_tracks
from ._representatives import tracks_of_rows as tracks_of_rows
from ._representatives_file import check_representatives_output as check_representatives_output
from ._representatives_file import write_representatives as write_representatives
from ._result import ClusteringResult as ClusteringResult
from ._result import describe_clusters as describe_clusters
from ._suggestions import Suggestion as Suggestion
from ._suggestions import suggest_merges as suggest_merges
from ._update import Growth as Growth
from ._update import growth as growth
from ._update import update_result as update_result

__all__ = [
    "ClusteringResult",
    "Growth",
    "Suggestion",
    "Violations",
    "apply_edits",
    "central_face",
    "check_representatives_output",
    "check_result_output",
    "cluster_tracks",
    "cluster_with_pairs",
    "count_violated",
    "describe_clusters",
    "growth",
    "merge_clusters",
    "name_clusters",
    "read_names",
    "read_result",
    "rename_videos",
    "representative_faces",
    "representative_tracks",
    "suggest_merges",
    "tracks_of_rows",
    "update_result",
    "with_tracks_aside",
    "write_representatives",
    "write_result",
]
