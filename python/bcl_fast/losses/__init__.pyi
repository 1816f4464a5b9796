from ._ball_loss import BallLoss as BallLoss
from ._ball_loss import cannot_link_lists as cannot_link_lists
from ._base import BaselineLoss as BaselineLoss
from ._base import LossTerms as LossTerms
from ._fit_radius import fit_squared_radius as fit_squared_radius
from ._pairwise import ContrastiveLoss as ContrastiveLoss
from ._pairwise import LDMLLoss as LDMLLoss
from ._pairwise import TripletLoss as TripletLoss
from ._softmax import CrossEntropyLoss as CrossEntropyLoss
from ._softmax import NormFaceLoss as NormFaceLoss
from ._softmax import PrototypicalLoss as PrototypicalLoss

__all__ = [
    "BallLoss",
    "BaselineLoss",
    "ContrastiveLoss",
    "CrossEntropyLoss",
    "LDMLLoss",
    "LossTerms",
    "NormFaceLoss",
    "PrototypicalLoss",
    "TripletLoss",
    "cannot_link_lists",
    "fit_squared_radius",
]
