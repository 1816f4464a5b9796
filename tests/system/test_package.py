"""The package as a whole: its public names, and what importing it costs."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import bcl_fast

PACKAGES = {
    "cluster",
    "errors",
    "evaluation",
    "finetuning",
    "losses",
    "models",
    "report",
    "results",
    "simulate",
    "tracks",
    "training",
    "video",
}
PUBLIC_NAMES = {
    "AverageLinkage",
    "BallClustering",
    "BallLoss",
    "ClusteringResult",
    "CompleteLinkage",
    "ContrastiveLoss",
    "CrossEntropyLoss",
    "EmbeddingModel",
    "EpochRecord",
    "FinetuningRecipe",
    "InputError",
    "LDMLLoss",
    "NormFaceLoss",
    "Progress",
    "PrototypicalLoss",
    "Recipe",
    "Splits",
    "TrackPairs",
    "TrackSet",
    "TrainingResult",
    "TripletLoss",
    "automatic_pairs",
    "average_linkage",
    "b_cubed",
    "calibrate",
    "cannot_link_lists",
    "cluster_tracks",
    "complete_linkage",
    "concatenate",
    "cuda_version",
    "cut_merges",
    "evaluate",
    "finetune",
    "linkage",
    "load_model",
    "normalized_mutual_information",
    "radius_graph",
    "raw_embeddings",
    "read_pairs",
    "read_result",
    "read_tracks",
    "simulate_episodes",
    "simulate_movies",
    "simulate_splits",
    "train",
    "update_result",
    "weighted_clustering_purity",
    "write_result",
    "write_tracks",
}

HEAVY = ("PIL", "av", "cv2", "dlib", "matplotlib", "onnxruntime", "pyarrow", "scenedetect", "scipy", "sklearn", "torch")


def heavy_modules_after(code: str) -> list[str]:
    """The heavy packages that a new interpreter has imported after running ``code``."""
    report = f"import sys\nprint('heavy:', *[name for name in {HEAVY} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True)
    return run.stdout.splitlines()[-1].split()[1:]


def test_heavy_modules_are_seen() -> None:
    assert "torch" in heavy_modules_after("import bcl_fast; bcl_fast.BallLoss")


def test_import_is_light() -> None:
    assert heavy_modules_after("import bcl_fast; bcl_fast.__version__; dir(bcl_fast)") == []


def test_version_and_cuda_version_are_light() -> None:
    assert heavy_modules_after("import bcl_fast; bcl_fast.cuda_version()") == []


@pytest.mark.parametrize(
    "arguments", [["--help"], ["train", "--help"], ["cluster", "--help"], ["demo", "--help"], ["people", "--help"]]
)
def test_help_is_light(arguments: list[str]) -> None:
    code = f"""
import sys
from bcl_fast.cli._app import main
sys.argv = ["bcl-fast", *{arguments}]
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
"""
    assert heavy_modules_after(code) == []


def test_public_names() -> None:
    assert set(bcl_fast.__all__) == PUBLIC_NAMES | PACKAGES
    assert set(dir(bcl_fast)) == PUBLIC_NAMES | PACKAGES


@pytest.mark.parametrize("name", sorted(PUBLIC_NAMES))
def test_public_name_resolves(name: str) -> None:
    value = getattr(bcl_fast, name)
    assert callable(value)
    assert value.__doc__
    assert getattr(bcl_fast, name) is value


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="No bcl_fast attribute ball_los"):
        bcl_fast.ball_los  # noqa: B018


def test_version_is_the_installed_one() -> None:
    assert bcl_fast.__version__ == version("bcl-fast")


def test_cuda_version() -> None:
    built_with = bcl_fast.cuda_version()
    assert type(built_with) is int
    assert built_with == -1 or built_with >= 11000


def test_python_m_runs_the_program() -> None:
    run = subprocess.run([sys.executable, "-m", "bcl_fast", "--help"], capture_output=True, text=True, check=True)
    assert "bcl-fast" in run.stdout
    assert "cluster" in run.stdout


def test_links_of_the_readme_lead_somewhere() -> None:
    root = Path(__file__).parents[2]
    links = re.findall(r"\]\(([^)#]+)\)", (root / "README.md").read_text())
    assert len(links) > 10
    assert [link for link in links if "://" not in link and not (root / link).exists()] == []
