from . import cluster as cluster
from . import errors as errors
from . import evaluation as evaluation
from . import finetuning as finetuning
from . import losses as losses
from . import models as models
from . import report as report
from . import results as results
from . import simulate as simulate
from . import tracks as tracks
from . import training as training
from . import video as video
from ._core import cuda_version as cuda_version
from .cluster import AverageLinkage as AverageLinkage
from .cluster import BallClustering as BallClustering
from .cluster import CompleteLinkage as CompleteLinkage
from .cluster import Progress as Progress
from .cluster import average_linkage as average_linkage
from .cluster import complete_linkage as complete_linkage
from .cluster import cut_merges as cut_merges
from .cluster import linkage as linkage
from .cluster import radius_graph as radius_graph
from .errors import InputError as InputError
from .evaluation import b_cubed as b_cubed
from .evaluation import calibrate as calibrate
from .evaluation import evaluate as evaluate
from .evaluation import normalized_mutual_information as normalized_mutual_information
from .evaluation import weighted_clustering_purity as weighted_clustering_purity
from .finetuning import FinetuningRecipe as FinetuningRecipe
from .finetuning import finetune as finetune
from .losses import BallLoss as BallLoss
from .losses import ContrastiveLoss as ContrastiveLoss
from .losses import CrossEntropyLoss as CrossEntropyLoss
from .losses import LDMLLoss as LDMLLoss
from .losses import NormFaceLoss as NormFaceLoss
from .losses import PrototypicalLoss as PrototypicalLoss
from .losses import TripletLoss as TripletLoss
from .losses import cannot_link_lists as cannot_link_lists
from .models import EmbeddingModel as EmbeddingModel
from .models import load_model as load_model
from .models import raw_embeddings as raw_embeddings
from .results import ClusteringResult as ClusteringResult
from .results import cluster_tracks as cluster_tracks
from .results import read_result as read_result
from .results import update_result as update_result
from .results import write_result as write_result
from .simulate import simulate_episodes as simulate_episodes
from .simulate import simulate_movies as simulate_movies
from .simulate import simulate_splits as simulate_splits
from .tracks import Splits as Splits
from .tracks import TrackPairs as TrackPairs
from .tracks import TrackSet as TrackSet
from .tracks import automatic_pairs as automatic_pairs
from .tracks import concatenate as concatenate
from .tracks import read_pairs as read_pairs
from .tracks import read_tracks as read_tracks
from .tracks import write_tracks as write_tracks
from .training import EpochRecord as EpochRecord
from .training import Recipe as Recipe
from .training import TrainingResult as TrainingResult
from .training import train as train

__version__: str

__all__ = [
    "AverageLinkage",
    "BallClustering",
    "BallLoss",
    "ClusteringResult",
    "CompleteLinkage",
    "ContrastiveLoss",
    "CrossEntropyLoss",
    "EmbeddingModel",
    "EpochRecord",
    "FinetuningRecipe",
    "InputError",
    "LDMLLoss",
    "NormFaceLoss",
    "Progress",
    "PrototypicalLoss",
    "Recipe",
    "Splits",
    "TrackPairs",
    "TrackSet",
    "TrainingResult",
    "TripletLoss",
    "automatic_pairs",
    "average_linkage",
    "b_cubed",
    "calibrate",
    "cannot_link_lists",
    "cluster",
    "cluster_tracks",
    "complete_linkage",
    "concatenate",
    "cuda_version",
    "cut_merges",
    "errors",
    "evaluate",
    "evaluation",
    "finetune",
    "finetuning",
    "linkage",
    "load_model",
    "losses",
    "models",
    "normalized_mutual_information",
    "radius_graph",
    "raw_embeddings",
    "read_pairs",
    "read_result",
    "read_tracks",
    "report",
    "results",
    "simulate",
    "simulate_episodes",
    "simulate_movies",
    "simulate_splits",
    "tracks",
    "train",
    "training",
    "update_result",
    "video",
    "weighted_clustering_purity",
    "write_result",
    "write_tracks",
]
