from ._finetune import FinetuningRecord as FinetuningRecord
from ._finetune import FinetuningResult as FinetuningResult
from ._finetune import finetune as finetune
from ._recipe import FinetuningRecipe as FinetuningRecipe

__all__ = [
    "FinetuningRecipe",
    "FinetuningRecord",
    "FinetuningResult",
    "finetune",
]
