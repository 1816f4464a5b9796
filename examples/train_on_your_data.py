"""Train on your own labelled tracks, then cluster tracks of people that were never seen.

    python examples/train_on_your_data.py train.parquet val.parquet new.parquet --output clusters.csv

Any format that bcl_fast reads will do: Parquet with a row per face, .npz, .npy, or the folder layout of the paper's
authors. Only the first two need labels.
"""

from __future__ import annotations

import argparse

from bcl_fast import complete_linkage, read_tracks
from bcl_fast.results import describe_clusters, write_result
from bcl_fast.training import Recipe, train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train")
    parser.add_argument("val")
    parser.add_argument("new")
    parser.add_argument("--output", default="clusters.csv")
    parser.add_argument("--model", default="model.safetensors")
    parser.add_argument("--epochs", type=int, default=30)
    options = parser.parse_args()

    # For a few hundred people; the defaults are the paper's recipe, for a thousand and more.
    recipe = Recipe(
        head="residual",
        epochs=options.epochs,
        batch_size=256,
        learning_rate=0.1,
        radius_learning_rate_factor=0.01,
    )
    result = train(
        read_tracks(options.train),
        read_tracks(options.val),
        recipe=recipe,
        on_epoch=lambda record: print(record.epoch, f"loss {record.loss:.3f}", f"validation NMI {record.val_nmi:.3f}"),
    )
    result.model.save(options.model, force=True)

    new = read_tracks(options.new)
    embeddings = result.model.embed_tracks(new)
    clusters = complete_linkage(embeddings, result.model.distance_threshold)
    write_result(describe_clusters(new, embeddings, clusters.labels), options.output, force=True)
    print(f"{new.n_tracks} tracks, {clusters.n_clusters} clusters -> {options.output}")


if __name__ == "__main__":
    main()
