from ._auto_recipe import choose_recipe as choose_recipe
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
    "EpochRecord",
    "LossName",
    "Recipe",
    "TrainingResult",
    "choose_recipe",
    "make_loss",
    "permuted_batches",
    "train",
]
