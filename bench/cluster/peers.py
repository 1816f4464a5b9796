"""Complete linkage stopped at a threshold, as people do it with each tool: float32 vectors in, labels out.

Run as a script, it does one job in this fresh process and prints its peak memory:
``python -m bench.cluster.peers scipy 9740``.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.data import DISTANCE_THRESHOLD, identity_vectors

Labels = npt.NDArray[np.int64]


def bcl_fast(points: npt.NDArray[np.float32]) -> Labels:
    from bcl_fast import complete_linkage

    return complete_linkage(points, DISTANCE_THRESHOLD).labels


def scipy(points: npt.NDArray[np.float32]) -> Labels:
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import pdist

    return fcluster(linkage(pdist(points, "sqeuclidean"), "complete"), DISTANCE_THRESHOLD, "distance")


def fastcluster(points: npt.NDArray[np.float32]) -> Labels:
    import fastcluster
    from scipy.cluster.hierarchy import fcluster
    from scipy.spatial.distance import pdist

    merges = fastcluster.linkage(pdist(points, "sqeuclidean"), "complete", preserve_input=False)
    return fcluster(merges, DISTANCE_THRESHOLD, "distance")


def scikit_learn(points: npt.NDArray[np.float32]) -> Labels:
    from sklearn.cluster import AgglomerativeClustering

    # Its metric is the Euclidean distance, and it merges below the threshold where the others merge up to it.
    threshold = np.nextafter(np.sqrt(DISTANCE_THRESHOLD), np.inf)
    return AgglomerativeClustering(n_clusters=None, distance_threshold=threshold, linkage="complete").fit_predict(
        points
    )


PEERS: dict[str, Callable[[npt.NDArray[np.float32]], Labels]] = {
    "bcl_fast": bcl_fast,
    "scipy": scipy,
    "fastcluster": fastcluster,
    "scikit-learn": scikit_learn,
}


def peak_bytes() -> int:
    """Peak resident memory of this process; ``ru_maxrss`` would count that of the process it was forked from."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def main() -> None:
    name, n = sys.argv[1], int(sys.argv[2])
    points = identity_vectors(n)
    start_seconds = time.perf_counter()
    labels = PEERS[name](points)
    seconds = time.perf_counter() - start_seconds
    n_clusters = int(labels.max() - labels.min() + 1)
    print(json.dumps({"seconds": seconds, "peak_bytes": peak_bytes(), "n_clusters": n_clusters}))


if __name__ == "__main__":
    main()
