"""A linkage stopped at a threshold, as people do it with each tool: float32 vectors in, labels out.

Run as a script, it does one job in this fresh process and prints its peak memory:
``python -m bench.cluster.peers scipy 9740 average 512``; complete linkage of 64 features where nothing else is said.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from bench.data import DISTANCE_THRESHOLD, MEAN_DISTANCE_THRESHOLD, identity_vectors

Labels = npt.NDArray[np.int64]
LinkageName = Literal["complete", "average"]

THRESHOLDS: dict[LinkageName, float] = {"complete": DISTANCE_THRESHOLD, "average": MEAN_DISTANCE_THRESHOLD}


def bcl_fast(points: npt.NDArray[np.float32], linkage: LinkageName, threshold: float) -> Labels:
    from bcl_fast import average_linkage, complete_linkage

    merge = {"complete": complete_linkage, "average": average_linkage}[linkage]
    return merge(points, threshold).labels


def scipy(points: npt.NDArray[np.float32], linkage: LinkageName, threshold: float) -> Labels:
    from scipy.cluster import hierarchy
    from scipy.spatial.distance import pdist

    return hierarchy.fcluster(hierarchy.linkage(pdist(points, "sqeuclidean"), linkage), threshold, "distance")


def fastcluster(points: npt.NDArray[np.float32], linkage: LinkageName, threshold: float) -> Labels:
    import fastcluster
    from scipy.cluster.hierarchy import fcluster
    from scipy.spatial.distance import pdist

    merges = fastcluster.linkage(pdist(points, "sqeuclidean"), linkage, preserve_input=False)
    return fcluster(merges, threshold, "distance")


def scikit_learn(points: npt.NDArray[np.float32], linkage: LinkageName, threshold: float) -> Labels:
    from sklearn.cluster import AgglomerativeClustering

    # It merges below the threshold where the others merge up to it.
    beyond = np.nextafter(threshold, np.inf)
    return AgglomerativeClustering(
        n_clusters=None, distance_threshold=beyond, metric="sqeuclidean", linkage=linkage
    ).fit_predict(points)


def biopython(points: npt.NDArray[np.float32], linkage: LinkageName, threshold: float) -> Labels:
    from Bio.Cluster import treecluster
    from scipy.spatial.distance import pdist, squareform

    distances = squareform(pdist(points, "sqeuclidean"))
    tree = treecluster(data=None, distancematrix=distances, method={"complete": "m", "average": "a"}[linkage])
    n_merges = sum(node.distance <= threshold for node in tree[:])
    return tree.cut(len(points) - n_merges)


PEERS: dict[str, Callable[[npt.NDArray[np.float32], LinkageName, float], Labels]] = {
    "bcl_fast": bcl_fast,
    "scipy": scipy,
    "fastcluster": fastcluster,
    "scikit-learn": scikit_learn,
    "Biopython": biopython,
}


def peak_bytes() -> int:
    """Peak resident memory of this process; ``ru_maxrss`` would count that of the process it was forked from."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def main() -> None:
    name, n, *more = sys.argv[1:]
    linkage: LinkageName = "average" if more[:1] == ["average"] else "complete"
    points = identity_vectors(int(n), n_features=int(more[1]) if more[1:] else 64)
    start_seconds = time.perf_counter()
    labels = PEERS[name](points, linkage, THRESHOLDS[linkage])
    seconds = time.perf_counter() - start_seconds
    n_clusters = int(labels.max() - labels.min() + 1)
    print(json.dumps({"seconds": seconds, "peak_bytes": peak_bytes(), "n_clusters": n_clusters}))


if __name__ == "__main__":
    main()
