"""What people seen once, and the one seen most, do to batches, the loss, scores and the threshold.

``python -m bench.studies.long_tail`` writes bench/studies/LONG_TAIL.md: means over five splits of four sets, of which
``friends_dlib`` has a long tail of its own. ``--train`` adds trainings on ``friends_dlib`` with the tail cut off.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch

from bcl_fast import BallLoss
from bcl_fast._utils.types import Integers, Points
from bcl_fast.cluster import average_linkage
from bcl_fast.evaluation import scores_of_merges
from bcl_fast.models import raw_embeddings
from bcl_fast.tracks import Splits, TrackSet
from bcl_fast.training import Recipe
from bcl_fast.training._data import permuted_batches
from bench.studies.carry_over import DATA, known, row_of, score, trained
from bench.studies.unseen_data import SETS, splits_of

BATCH = Recipe().batch_size
MOST = 30  # tracks of a person that are left where the largest are thinned
Row = dict[str, str]


def percent(share: float) -> str:
    return f"{share:.0%}"


def scored(nmi: float, f_score: float, ratio: float | None = None) -> str:
    return f"{nmi:.3f} / {f_score:.3f}" + ("" if ratio is None else f" ({ratio:.2f})")


def facts(splits: Splits) -> dict[str, float]:
    """Who is in the tracks whose labels are known, and in batches of them."""
    codes = known(splits)[1]
    sizes = np.bincount(codes)
    found = {"people seen once": float(np.mean(sizes == 1)), "tracks of the largest": sizes.max() / len(codes)}
    batches = [np.bincount(codes[rows]) for rows in permuted_batches(len(codes), BATCH, np.random.default_rng(0))]
    alone = [np.mean(batch[batch > 0] == 1) for batch in batches]
    return {
        **found,
        "of a batch's people alone in it": float(np.mean(alone)),
        "of a batch's tracks those people's": float(np.mean([np.sum(batch == 1) / batch.sum() for batch in batches])),
    }


def gradients(splits: Splits) -> dict[str, float]:
    """How hard the loss pulls at a track that is alone in its batch, and at one of the largest person, by the mean."""
    points, codes = known(splits)
    pulls: dict[str, list[float]] = {"alone": [], "largest": []}
    loss = BallLoss(init_raw=Recipe().init_raw)
    for rows in permuted_batches(len(codes), BATCH, np.random.default_rng(0)):
        batch = torch.tensor(points[rows], dtype=torch.float32, requires_grad=True)
        loss(batch, torch.from_numpy(codes[rows])).backward()
        assert batch.grad is not None
        pull, sizes = batch.grad.norm(dim=1).numpy(), np.bincount(codes[rows])[codes[rows]]
        for name, chosen in (("alone", sizes == 1), ("largest", sizes == sizes.max())):
            pulls[name].append(float(pull[chosen].mean() / pull.mean()) if chosen.any() else np.nan)
    return {
        "pull at a track alone in its batch": float(np.nanmean(pulls["alone"])),
        "pull at a track of the largest": float(np.nanmean(pulls["largest"])),
    }


def wrong_clusters(splits: Splits) -> dict[str, tuple[float, float]]:
    """Scores of clusters that are wrong in one way, of the people to test on."""
    codes = splits.test.label_codes()[0]
    sizes = np.bincount(codes)
    largest, second = np.argsort(-sizes)[:2]
    halves, joined, swallowed = codes.copy(), codes.copy(), codes.copy()
    halves[np.flatnonzero(codes == largest)[::2]] = len(sizes)
    joined[codes == second] = largest
    swallowed[(sizes == 1)[codes]] = largest
    ways = {
        "every track a cluster": np.arange(len(codes)),
        "one cluster": np.zeros(len(codes), np.int64),
        "the largest person in two halves": halves,
        "the two largest in one": joined,
        "all who are seen once in the largest": swallowed,
    }
    return {name: score(codes, labels) for name, labels in ways.items()}


def best_threshold(points: Points, codes: Integers, weight_of_nmi: float) -> float:
    """Return the threshold of average linkage that is best for a mean of NMI and B-cubed F."""
    merges = average_linkage(points).merges
    nmi, f_score = scores_of_merges(merges, np.unique(codes, return_inverse=True)[1])
    n_merges = int((weight_of_nmi * nmi + (1 - weight_of_nmi) * f_score).argmax())
    heights = np.append(np.append(0, merges[:, 2]), 2 * merges[-1, 2])
    return float(heights[n_merges : n_merges + 2].mean())


def thresholds(splits: Splits) -> dict[str, tuple[float, float, float, float]]:
    """The threshold of features as they are by some of the people that are known, and its scores on others."""
    points, codes = known(splits)
    sizes, everybody = np.bincount(codes), np.ones(len(codes), np.bool_)
    ways = {
        "mean of both": (everybody, 0.5),
        "NMI alone": (everybody, 1.0),
        "B-cubed alone": (everybody, 0.0),
        "both, nobody seen once": ((sizes > 1)[codes], 0.5),
        "both, without the largest": (codes != sizes.argmax(), 0.5),
    }
    found = {}
    for name, (rows, weight) in ways.items():
        threshold = best_threshold(points[rows], codes[rows], weight)
        labels = average_linkage(raw_embeddings(splits.test), threshold).labels
        found[name] = (threshold, *row_of(splits.test, labels))
    return found


def without_once(tracks: TrackSet) -> TrackSet:
    codes = tracks.label_codes()[0]
    return tracks.select((np.bincount(codes) > 1)[codes])


def thinned(tracks: TrackSet) -> TrackSet:
    codes = tracks.label_codes()[0]
    order = np.argsort(codes, kind="stable")
    place = np.empty(len(codes), np.int64)
    place[order] = np.arange(len(codes)) - np.searchsorted(codes[order], codes[order])
    return tracks.select(place < MOST)


def trainings() -> list[str]:
    """Train on ``friends_dlib`` with and without its tail."""
    ways: dict[str, Callable[[TrackSet], TrackSet]] = {
        "everybody": lambda tracks: tracks,
        "nobody seen once": without_once,
        f"at most {MOST} tracks of a person": thinned,
    }
    lines = ["", "| `bcl-fast train` on friends_dlib | NMI / B-cubed F (clusters per class) |", "|---|---|"]
    for name, change in ways.items():
        rows = []
        for splits in splits_of(DATA, SETS[0]):
            people = splits._replace(train=change(splits.train), val=change(splits.val))
            rows.append(row_of(splits.test, trained(Recipe())(people)))
        lines.append(f"| {name} | {scored(*np.mean(rows, axis=0))} |")
        print(lines[-1], flush=True)
    return lines


def means(measure: Callable[[Splits], dict], show: Callable[..., str]) -> Iterable[tuple[str, Row]]:
    """Means over the splits of what a measure finds: a line for each thing, with a cell for each set."""
    lines: dict[str, Row] = {}
    for data in SETS:
        found = [measure(splits) for splits in splits_of(DATA, data)]
        for name in found[0]:
            mean = np.mean([one[name] for one in found], axis=0)
            lines.setdefault(name, {})[data] = show(*np.atleast_1d(mean))
    return lines.items()


def table(title: str, lines: Iterable[tuple[str, Row]]) -> list[str]:
    head = ["", f"| {title} | " + " | ".join(SETS) + " |", "|---" * (len(SETS) + 1) + "|"]
    return head + [f"| {name} | " + " | ".join(row[data] for data in SETS) + " |" for name, row in lines]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", action="store_true")
    options = parser.parse_args()
    parts = ["# Long tails", "", "`python -m bench.studies.long_tail --train`: means over five splits."]
    parts += table("people and batches", means(facts, percent))
    parts += table("gradient, by the mean of all tracks", means(gradients, "{:.2f}".format))
    parts += table("NMI / B-cubed F of clusters that are wrong", means(wrong_clusters, scored))
    cut = means(thresholds, lambda threshold, *rest: f"{threshold:.3f}: {scored(*rest)}")
    parts += table("threshold by: NMI / B-cubed F (clusters per class) on others", cut)
    parts += trainings() if options.train else []
    Path(__file__).with_name("LONG_TAIL.md").write_text("\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
