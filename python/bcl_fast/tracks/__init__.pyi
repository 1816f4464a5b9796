from ._concatenate import concatenate as concatenate
from ._defaults import DUPLICATE_IOU as DUPLICATE_IOU
from ._defaults import RECOGNIZER_KEY as RECOGNIZER_KEY
from ._edit_files import check_edits_output as check_edits_output
from ._edit_files import read_edits as read_edits
from ._edit_files import write_edits as write_edits
from ._edits import Edits as Edits
from ._edits import MovedThreshold as MovedThreshold
from ._edits import Person as Person
from ._edits import combine_edits as combine_edits
from ._fingerprint import describe_data as describe_data
from ._io import Reading as Reading
from ._io import read_tracks as read_tracks
from ._io import read_with_paths as read_with_paths
from ._io import write_tracks as write_tracks
from ._pair_files import collect_pairs as collect_pairs
from ._pair_files import read_pairs as read_pairs
from ._pairs import TrackPairs as TrackPairs
from ._pairs import automatic_pairs as automatic_pairs
from ._recognizers import same_recognizer as same_recognizer
from ._series import groups_of_videos as groups_of_videos
from ._splits import Splits as Splits
from ._track_set import TrackSet as TrackSet
from ._video_names import names_of_paths as names_of_paths

__all__ = [
    "DUPLICATE_IOU",
    "RECOGNIZER_KEY",
    "Edits",
    "MovedThreshold",
    "Person",
    "Reading",
    "Splits",
    "TrackPairs",
    "TrackSet",
    "automatic_pairs",
    "check_edits_output",
    "collect_pairs",
    "combine_edits",
    "concatenate",
    "describe_data",
    "groups_of_videos",
    "names_of_paths",
    "read_edits",
    "read_pairs",
    "read_tracks",
    "read_with_paths",
    "same_recognizer",
    "write_edits",
    "write_tracks",
]
