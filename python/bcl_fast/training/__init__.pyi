from ._comparison import Candidate as Candidate
from ._comparison import Comparison as Comparison
from ._data import permuted_batches as permuted_batches
from ._history import EpochRecord as EpochRecord
from ._loss import make_loss as make_loss
from ._recipe import LOSSES as LOSSES
from ._recipe import LossName as LossName
from ._recipe import Recipe as Recipe
from ._train import TrainingResult as TrainingResult
from ._train import train as train

__all__ = [
    "LOSSES",
    "Candidate",
    "Comparison",
    "EpochRecord",
    "LossName",
    "Recipe",
    "TrainingResult",
    "make_loss",
    "permuted_batches",
    "train",
]
