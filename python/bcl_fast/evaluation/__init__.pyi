from ._calibration import Calibration as Calibration
from ._calibration import calibrate as calibrate
from ._evaluate import Clusterer as Clusterer
from ._evaluate import EvaluationRow as EvaluationRow
from ._evaluate import evaluate as evaluate
from ._evaluate import evaluate_labels as evaluate_labels
from ._evaluate import score_clusterer as score_clusterer
from ._label_files import read_labels as read_labels
from ._merge_scores import MergeScores as MergeScores
from ._merge_scores import scores_of_merges as scores_of_merges
from ._metrics import BCubed as BCubed
from ._metrics import b_cubed as b_cubed
from ._metrics import normalized_mutual_information as normalized_mutual_information
from ._metrics import weighted_clustering_purity as weighted_clustering_purity

__all__ = [
    "BCubed",
    "Calibration",
    "Clusterer",
    "EvaluationRow",
    "MergeScores",
    "b_cubed",
    "calibrate",
    "evaluate",
    "evaluate_labels",
    "normalized_mutual_information",
    "read_labels",
    "score_clusterer",
    "scores_of_merges",
    "weighted_clustering_purity",
]
