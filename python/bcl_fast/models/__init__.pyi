from ._embedding import Embedding as Embedding
from ._files import load_model as load_model
from ._heads import default_dimensions as default_dimensions
from ._model import EmbeddingModel as EmbeddingModel
from ._raw import raw_embeddings as raw_embeddings

__all__ = [
    "Embedding",
    "EmbeddingModel",
    "default_dimensions",
    "load_model",
    "raw_embeddings",
]
