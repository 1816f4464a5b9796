"""What learns best from a hundred people: heads, weight decay, noise, dropout, batches of few people.

``python -m bench.studies.few_identities`` trains each variant on three splits of the 224 real people of
``../shared/data``, keeps the epoch that the 23 validation people like best, and prints their scores and those of 89
test people: as tracks of one to four images, validated by tracks, and as single images, validated by those. Variants
are to be compared by the validation people.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from bcl_fast import BallLoss
from bcl_fast.evaluation import EvaluationRow, evaluate
from bcl_fast.models import EmbeddingModel
from bcl_fast.models._heads import make_head
from bcl_fast.tracks import TrackSet
from bcl_fast.training._data import TrainingData
from bench.studies.faces224_data import SEEDS, Split, as_single_images, split_people

EPOCHS, FREEZE_EPOCHS, DECAY_EPOCHS = 60, 5, 10


class Variant(NamedTuple):
    """One training; ``noise`` and ``dropout`` act on features of unit norm, ``people`` is how many a batch shows."""

    head: str = "linear"
    weight_decay: float = 0.01
    radius_factor: float = 0.003
    learning_rate: float = 0.1
    batch_size: int = 256
    noise: float = 0.0
    dropout: float = 0.0
    people: int | None = None


VARIANTS = {
    "chosen": Variant(),
    "residual": Variant(head="residual"),
    "mlp": Variant(head="mlp"),
    "no weight decay": Variant(weight_decay=0.0),
    "weight decay 0.03": Variant(weight_decay=0.03),
    "faster radius, 0.01": Variant(radius_factor=0.01),
    "faster radius, 0.03": Variant(radius_factor=0.03),
    "learning rate 0.03": Variant(learning_rate=0.03),
    "batches of 128": Variant(batch_size=128),
    "batches of 512": Variant(batch_size=512),
    "noise 0.3": Variant(noise=0.3),
    "noise 0.6": Variant(noise=0.6),
    "dropout 0.1": Variant(dropout=0.1),
    "dropout 0.3": Variant(dropout=0.3),
    "16 people a batch": Variant(people=16),
    "32 people a batch": Variant(people=32),
    "mlp, dropout 0.1": Variant(head="mlp", dropout=0.1),
    "mlp, noise 0.3": Variant(head="mlp", noise=0.3),
}


def batches(data: TrainingData, variant: Variant, rng: np.random.Generator) -> list[np.ndarray]:
    whole = data.batches(rng, variant.batch_size)
    if variant.people is None:
        return whole
    tracks_of = [np.flatnonzero(data.codes == person) for person in range(data.n_identities)]
    each = max(2, variant.batch_size // variant.people)
    drawn = [rng.permutation(data.n_identities)[: variant.people] for _ in whole]
    return [np.concatenate([rng.permutation(tracks_of[person])[:each] for person in people]) for people in drawn]


def faces_of(data: TrainingData, batch: np.ndarray, variant: Variant, rng: np.random.Generator) -> torch.Tensor:
    faces = torch.from_numpy(data.tracks.sample_faces(rng, batch) * np.float32(data.input_scale))
    if variant.noise:
        noise = rng.standard_normal(faces.shape, dtype=np.float32)
        faces += torch.from_numpy(noise * np.float32(variant.noise / faces.shape[1] ** 0.5))
    if variant.dropout:
        kept = torch.from_numpy(rng.random(faces.shape) >= variant.dropout)
        faces = faces * kept / (1 - variant.dropout)
    return faces


def score(tracks: TrackSet, model: EmbeddingModel) -> EvaluationRow:
    return evaluate(tracks, model.embed_tracks(tracks), distance_threshold=model.distance_threshold)[0]


def fit(split: Split, variant: Variant) -> dict[str, tuple[EvaluationRow, EvaluationRow]]:
    """Train; for tracks and for images the validation and test scores of the epoch with the best validation NMI."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    data = TrainingData(split.train)
    head = make_head(variant.head, split.train.n_features)
    loss = BallLoss(num_classes=data.n_identities)
    parameters: list[dict[str, Any]] = [
        {"params": list(head.parameters()), "weight_decay": variant.weight_decay},
        {"params": [loss.raw_radius]},
    ]
    optimizer = torch.optim.SGD(parameters, lr=variant.learning_rate, momentum=0.9)
    units = {"tracks": lambda tracks: tracks, "images": as_single_images}
    best: dict[str, tuple[EvaluationRow, EvaluationRow]] = {}
    for epoch in range(EPOCHS):
        rate = variant.learning_rate * 0.9 ** (epoch // DECAY_EPOCHS)
        for group, factor in zip(optimizer.param_groups, (1.0, variant.radius_factor), strict=True):
            group["lr"] = rate * factor
        loss.raw_radius.requires_grad_(epoch >= FREEZE_EPOCHS)
        head.train()
        for batch in batches(data, variant, rng):
            optimizer.zero_grad()
            loss(head(faces_of(data, batch, variant, rng)), torch.from_numpy(data.codes[batch])).backward()
            optimizer.step()
        model = EmbeddingModel(head, variant.head, data.input_scale, float(loss.squared_radius.detach()))
        for unit, of in units.items():
            val = score(of(split.val), model)
            if unit not in best or val.nmi > best[unit][0].nmi:
                best[unit] = val, score(of(split.test), model)
    return best


def main() -> None:
    folder = Path(__file__).parents[2] / ".." / "shared" / "data"
    splits = [split_people(folder, seed) for seed in SEEDS]
    print(f"{'':<22}" + "".join(f"{unit}: {part:<20}" for unit in ("tracks", "images") for part in ("val", "test")))
    for name, variant in VARIANTS.items():
        found = [fit(split, variant) for split in splits]
        line = f"{name:<22}"
        for unit in ("tracks", "images"):
            for part in (0, 1):
                rows = [one[unit][part] for one in found]
                line += f"{np.mean([row.nmi for row in rows]):.4f} {[row.n_clusters for row in rows]!s:<21}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
