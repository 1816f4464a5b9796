"""Train on your own labelled tracks, then cluster tracks of people that were never seen.

    python examples/train_on_your_data.py train.parquet val.parquet new.parquet --output clusters.csv

Any format that bcl_fast reads will do: Parquet with a row per face, .npz, .npy, or the folder layout of the paper's
authors. Only the first two need labels.
"""

from __future__ import annotations

import argparse

from bcl_fast import cluster_tracks, read_tracks
from bcl_fast.results import write_result
from bcl_fast.training import Recipe, train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train")
    parser.add_argument("val")
    parser.add_argument("new")
    parser.add_argument("--output", default="clusters.csv")
    parser.add_argument("--model", default="model.safetensors")
    parser.add_argument("--steps", type=int, default=300)
    options = parser.parse_args()

    # People of both files are split into folds, which choose head, epoch, linkage and threshold.
    result = train(read_tracks(options.train), read_tracks(options.val), recipe=Recipe(steps=options.steps))
    assert result.comparison is not None
    print(result.comparison.describe())
    result.model.save(options.model, force=True)

    new = read_tracks(options.new)
    model = result.model
    clusters = cluster_tracks(new, model.embed_tracks(new), model.distance_threshold, **model.clustering_options)
    write_result(clusters, options.output, force=True)
    print(f"{new.n_tracks} tracks, {clusters.n_clusters} clusters -> {options.output}")


if __name__ == "__main__":
    main()
