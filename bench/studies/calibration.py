"""Does ``calibrate`` keep its promise on people it was not asked about?

``python -m bench.studies.calibration`` writes bench/studies/CALIBRATION.md: the default training on half of the
classes, calibrated on a tenth, clusters of the rest; means over five splits of four sets. ``--sets leaves100`` makes
the lines of one set anew.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from bcl_fast._utils.types import Labels
from bcl_fast.evaluation import calibrate
from bcl_fast.models import EmbeddingModel
from bcl_fast.results import cluster_tracks
from bcl_fast.tracks import Splits, TrackSet
from bcl_fast.training import train
from bench.studies.carry_over import DATA, row_of
from bench.studies.unseen_data import SETS, splits_of

ASKED = (0.95, 0.99)


def pairs_of(labels: Labels) -> int:
    sizes = np.unique(labels, return_counts=True)[1]
    return int((sizes * (sizes - 1) // 2).sum())


def precision_and_recall(tracks: TrackSet, labels: Labels) -> tuple[float, float]:
    """Of the pairs in one cluster the share of one person, and of the pairs of one person that in one cluster."""
    codes = tracks.label_codes()[0]
    both = pairs_of(codes * (int(labels.max()) + 1) + labels)
    return both / max(1, pairs_of(labels)), both / pairs_of(codes)


def clusters(model: EmbeddingModel, tracks: TrackSet, scale: float) -> Labels:
    threshold = scale * model.unscaled_threshold
    return cluster_tracks(tracks, model.embed_tracks(tracks), threshold, **model.clustering_options).cluster_ids


def rows_of(splits: Splits) -> list[list[float]]:
    """Scale, precision asked about and found, recall, and scores of the people to test on: as it is, then for each."""
    model, rows = train(splits.train).model, []
    for scale, promised in [(1.0, np.nan), *((found.scale, found.precision) for found in _calibrations(model, splits))]:
        labels = clusters(model, splits.test, scale)
        rows.append([scale, promised, *precision_and_recall(splits.test, labels), *row_of(splits.test, labels)])
    return rows


def _calibrations(model: EmbeddingModel, splits: Splits) -> list:
    return [calibrate(model, splits.val, precision) for precision in ASKED]


def lines_of(data: str) -> list[str]:
    rows = np.mean([rows_of(splits) for splits in splits_of(DATA, data)], axis=0)
    lines = []
    for asked, (scale, promised, precision, recall, nmi, f_score, ratio) in zip(("-", *ASKED), rows, strict=True):
        on_val = "-" if np.isnan(promised) else f"{promised:.3f}"
        scores = f"{nmi:.3f} / {f_score:.3f} ({ratio:.2f})"
        lines.append(f"| {data} | {asked} | {scale:.2f} | {on_val} | {precision:.3f} | {recall:.3f} | {scores} |")
        print(lines[-1], flush=True)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="*", choices=SETS, default=list(SETS))
    chosen = parser.parse_args().sets
    path = Path(__file__).with_name("CALIBRATION.md")
    before = path.read_text().splitlines() if path.exists() else []
    head = [
        "# Calibration",
        "",
        "`python -m bench.studies.calibration`: means over five splits by classes: half to train on (the default), a",
        "tenth to calibrate with, the rest to cluster.",
        "",
        "| | precision asked | scale | where calibrated | of others | recall | NMI / B-cubed F (clusters per class) |",
        "|---" * 7 + "|",
    ]
    lines = []
    for data in SETS:
        lines += lines_of(data) if data in chosen else [line for line in before if line.startswith(f"| {data} |")]
    path.write_text("\n".join(head + lines) + "\n")


if __name__ == "__main__":
    main()
