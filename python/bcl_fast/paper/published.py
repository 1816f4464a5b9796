"""Numbers that the paper's authors published, as rows that stand beside ours.

Those of the paper (arXiv:1908.03381) are in ``data/*.csv``, with their reference; the radius is that of the checkpoint
in the authors' repository (github.com/makarandtapaswi/BallClustering_ICCV2019).
"""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib import resources

from bcl_fast.cluster import radius_threshold
from bcl_fast.paper.output import Record
from bcl_fast.paper.source import Data
from bcl_fast.paper.variants import NAMES

SQUARED_RADIUS = 0.2051  # of the authors' checkpoint, epoch 127: softplus(criterion_state["ctrd.h_bias"])
THE_PAPER = "the paper"
ON_VALIDATION, ON_TEST = f"{THE_PAPER}, its validation videos", f"{THE_PAPER}, its test videos"
VALIDATION_PEOPLE = 66
FACTS = {  # rows 1 to 6 of Table 5
    "people": "#Ch",
    "named_people": "#named",
    "unknown_people": "#unknown",
    "tracks": "#T",
    "named_tracks": "#T named",
    "unknown_tracks": "#T unknown",
}
_SCORES = {"clusters": "#Cl", "nmi": "NMI", "wcp": "WCP"}
_CLUSTERINGS = {"k-means": "K-means", "hac": "complete linkage"}


def note_on_scores(data: Data) -> str:
    """Say what data a table of scores is of, and what the paper's rows are."""
    paper = "Rows of *the paper* are as printed in arXiv:1908.03381"
    if data == "simulated films":
        return (
            "**Simulated.** These films and people are invented: the numbers say how the methods compare here, not "
            f"what the paper measured. {paper}, of its own videos, and do not compare with ours."
        )
    if data == "the paper's test videos":
        return (
            f"The test videos are the paper's. {paper}; where they are of the test videos, their features "
            f"and training tracks may differ. The authors' checkpoint has b = {SQUARED_RADIUS}, a threshold of "
            f"{radius_threshold(SQUARED_RADIUS):.4f}."
        )
    return f"Measured on the tracks given, which are not the paper's. {paper}, of its own videos: they do not compare."


@lru_cache
def _rows(name: str) -> tuple[dict[str, str], ...]:
    path = resources.files("bcl_fast.paper") / "data" / f"{name}.csv"
    return tuple(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def _fraction(percent: str) -> float | None:
    return round(float(percent) / 100, 6) if percent else None


def _together(row: dict[str, str], people: int, **keys: object) -> Record:
    """All videos of a split together, as the paper scores its validation videos."""
    scores: Record = {"all #Ch": people, "all NMI": _fraction(row["nmi"]), "all WCP": _fraction(row["wcp"])}
    if row.get("clusters"):
        scores["all #Cl"] = int(row["clusters"])
    return {**keys, **scores}


def _of_validation(row: dict[str, str], **keys: object) -> Record:
    return _together(row, VALIDATION_PEOPLE, source=ON_VALIDATION, **keys)


def table1() -> list[Record]:
    """Trivial clusterings, base features and BCL."""
    names = ("one cluster", "n clusters", "base features, K known", "BCL, 4 b")
    return [_of_validation(row, method=name) for name, row in zip(names, _rows("table1"), strict=True)]


def table2() -> list[Record]:
    """Two networks for the base features."""
    return [
        _of_validation(row, **{"base features": f"{row['dim']}-D ({row['base_cnn']})", "method": "BCL"})
        for row in _rows("table2")
    ]


def table3() -> list[Record]:
    """Dimensions of the embedding."""
    return [
        _of_validation(row, dimension=int(row["embedding_dim"]), parameters=1000 * int(row["parameters"].rstrip("K")))
        for row in _rows("table3")
    ]


def table4() -> list[Record]:
    """Sizes of the batch."""
    names = {"clusters_in_batch": "people per batch", "clusters_over_5_samples": "of over 5 tracks"}
    return [
        _of_validation(row, batch=int(row["batch_size"]), **{name: int(row[key]) for key, name in names.items()})
        for row in _rows("table4")
    ]


def ablations() -> list[Record]:
    """Normalisation, and faces of a track in training."""
    names = ("BCL", "BCL without l2 normalisation", "BCL, mean of a random half of a track")
    rows = zip(names, _rows("ablations"), strict=True)
    return [_of_validation(row, method=name, clusters="own threshold") for name, row in rows]


def table5() -> list[Record]:
    """All losses, per video and over combined videos, which have the names that our tables give the authors' files."""
    found: dict[tuple[str, str], Record] = {}
    for row in _rows("table5"):
        video, measure = _name_of_videos(row["videos"]), row["measure"]
        if measure in _SCORES:
            keys = {"video": video, "method": _method(row["method"]), "source": ON_TEST}
            record = found.setdefault((row["method"], video), {**keys, **facts_of_table5()[video]})
            record[_SCORES[measure]] = int(row["value"]) if measure == "clusters" else _fraction(row["value"])
    order = [*NAMES.values(), _method("ball, fine-tuned")]
    return sorted(found.values(), key=lambda record: order.index(record["method"]))


def facts_of_table5() -> dict[str, Record]:
    """Rows 1 to 6 of Table 5: people and tracks of each video and of combined videos."""
    facts: dict[str, Record] = {}
    for row in _rows("table5"):
        if row["measure"] in FACTS:
            facts.setdefault(_name_of_videos(row["videos"]), {})[FACTS[row["measure"]]] = int(row["value"])
    return facts


def _method(name: str) -> str:
    loss, _, rest = name.partition(", ")
    return ", ".join([NAMES[loss.replace("-", "")], *([rest] if rest else [])])


def _name_of_videos(name: str) -> str:
    """Translate ``BBT-S1E1``, ``BBT-6ep``, ``BOTH-12ep`` into the names of the authors' files and of our groups."""
    series, _, episode = name.partition("-")
    if series == "BOTH":
        return "all"
    if episode == "6ep":
        return f"{series.lower()} (6 videos)"
    season, number = episode.removeprefix("S").split("E")
    return f"{series.lower()}_s{int(season):02}e{int(number):02}"


def table6() -> list[Record]:
    """Scores with the number of people known: all videos together, and each series."""
    records = []
    for row in _rows("table6"):
        videos = _name_of_videos(row["videos"])
        people = facts_of_table5()[videos]["#Ch"]
        keys = {"method": NAMES[row["loss"]], "clustering": _CLUSTERINGS[row["clustering"]], "source": ON_TEST}
        if videos == "all":
            records.append(_together(row, people, **keys, **{"all #Cl": people}))
        else:
            scores = {"NMI": _fraction(row["nmi"]), "WCP": _fraction(row["wcp"])}
            records.append({**keys, "videos": videos, "#Ch": people, **scores})
    return records


def splits() -> list[Record]:
    """Tracks and people of each split."""
    test = facts_of_table5()["all"]
    sizes = [(row["split"], int(row["tracks"]), int(row["people"])) for row in _rows("splits")]
    return [
        {"split": {"validation": "val"}.get(split, split), "source": THE_PAPER, "tracks": tracks, "people": people}
        for split, tracks, people in [*sizes, ("test", test["#T"], test["#Ch"])]
    ]


def seconds_per_epoch() -> dict[str, float]:
    """Seconds that each loss took the authors: section 5.2, 61,774 tracks in batches of 2,000, on their machine."""
    return {row["loss"]: float(row["seconds_per_epoch"]) for row in _rows("losses_time")}
