from ._auto_recipe import choose_recipe as choose_recipe
from ._history import EpochRecord as EpochRecord
from ._loss import make_loss as make_loss
from ._recipe import Recipe as Recipe
from ._train import TrainingResult as TrainingResult
from ._train import train as train

__all__ = [
    "EpochRecord",
    "Recipe",
    "TrainingResult",
    "choose_recipe",
    "make_loss",
    "train",
]
