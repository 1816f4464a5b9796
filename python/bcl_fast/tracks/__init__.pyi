from ._concatenate import concatenate as concatenate
from ._defaults import DUPLICATE_IOU as DUPLICATE_IOU
from ._fingerprint import describe_data as describe_data
from ._io import Reading as Reading
from ._io import read_tracks as read_tracks
from ._io import read_with_paths as read_with_paths
from ._io import write_tracks as write_tracks
from ._pair_files import collect_pairs as collect_pairs
from ._pair_files import read_pairs as read_pairs
from ._pairs import TrackPairs as TrackPairs
from ._pairs import automatic_pairs as automatic_pairs
from ._series import groups_of_videos as groups_of_videos
from ._splits import Splits as Splits
from ._track_set import TrackSet as TrackSet

__all__ = [
    "DUPLICATE_IOU",
    "Reading",
    "Splits",
    "TrackPairs",
    "TrackSet",
    "automatic_pairs",
    "collect_pairs",
    "concatenate",
    "describe_data",
    "groups_of_videos",
    "read_pairs",
    "read_tracks",
    "read_with_paths",
    "write_tracks",
]
