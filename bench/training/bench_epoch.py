"""One training epoch at the paper's scale: 61,774 tracks of eight faces, 256-D, batches of 2,000."""

from __future__ import annotations

import numpy as np
import pytest

from bcl_fast import TrackSet
from bcl_fast.training import Recipe, train

N_TRACKS, FACES_PER_TRACK, N_FEATURES, N_IDENTITIES = 61_774, 8, 256, 1_280


def paper_scale_tracks() -> TrackSet:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, N_IDENTITIES, N_TRACKS)
    centers = rng.standard_normal((N_IDENTITIES, N_FEATURES), dtype=np.float32)
    features = np.repeat(centers[labels], FACES_PER_TRACK, axis=0)
    features += rng.standard_normal(features.shape, dtype=np.float32)
    return TrackSet.from_arrays(
        features,
        offsets=np.arange(0, len(features) + 1, FACES_PER_TRACK),
        labels=labels.astype(str),
    )


@pytest.mark.benchmark(group="training epoch")
def bench_training_epoch(benchmark) -> None:
    tracks = paper_scale_tracks()
    recipe = Recipe.paper(epochs=1, batch_size=2_000)
    result = benchmark.pedantic(lambda: train(tracks, recipe=recipe), rounds=3, warmup_rounds=1)
    (epoch,) = result.history
    share = epoch.data_seconds / (epoch.data_seconds + epoch.step_seconds)
    benchmark.extra_info.update(
        n_tracks=N_TRACKS, epoch_seconds=epoch.data_seconds + epoch.step_seconds, data_share=share
    )
    assert np.isfinite(epoch.loss)
