"""Cluster any embeddings with a threshold: faces, speakers, products, sentences.

    python examples/cluster_embeddings.py embeddings.npy --threshold 0.8 --output labels.npy

The threshold is a squared Euclidean distance: no two members of a cluster are farther apart. For unit vectors it is
2 - 2 cos; --metric cosine takes 1 - cos instead.
"""

from __future__ import annotations

import argparse

import numpy as np

from bcl_fast import BallClustering


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("embeddings", help="a .npy matrix, a row per item")
    parser.add_argument("--threshold", type=float, required=True)
    parser.add_argument("--metric", default="sqeuclidean", choices=["sqeuclidean", "euclidean", "cosine"])
    parser.add_argument("--output", default="labels.npy")
    options = parser.parse_args()

    embeddings = np.load(options.embeddings)
    clustering = BallClustering(distance_threshold=options.threshold, metric=options.metric).fit(embeddings)
    np.save(options.output, clustering.labels_)
    sizes = np.sort(np.bincount(clustering.labels_))[::-1]
    print(f"{len(embeddings)} items, {clustering.n_clusters_} clusters, the largest {sizes[:5].tolist()}")


if __name__ == "__main__":
    main()
