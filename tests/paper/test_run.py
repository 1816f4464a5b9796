"""The reproduction of the paper's tables: what is scored, that runs resume, and the command."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from bcl_fast.errors import InputError
from bcl_fast.evaluation import EvaluationRow, evaluate
from bcl_fast.models import load_model
from bcl_fast.paper import loss_times as losses_time
from bcl_fast.paper import published, scores
from bcl_fast.paper.run import Reproduction, reproduce
from bcl_fast.paper.source import Files, Simulation, _with_images_found
from bcl_fast.paper.tables import NAMES_OF_OUTPUTS, plan
from bcl_fast.paper.variants import NAMES, batch_variants, embedding_dimension_variants
from bcl_fast.tracks import Splits, TrackSet, write_tracks
from bcl_fast.tracks._authors_folder import read_ids
from bcl_fast.training import Recipe
from bcl_fast.training._recipe import LOSSES
from tests.helpers.cli import films, run

SOURCE = Simulation(scale=0.02)
RECIPE = Recipe.paper(head="residual", epochs=2, batch_size=300, learning_rate=0.1)
MLP = Recipe.paper(epochs=2, batch_size=300, learning_rate=0.03)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Everything, on a small simulation, in one process."""
    folder = tmp_path_factory.mktemp("reproduction") / "all"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(losses_time, "LEAST_BATCHES", 1)
        patch.setattr(losses_time, "ENOUGH_SECONDS", 0)
        reproduce(Reproduction(folder, SOURCE, RECIPE, MLP), NAMES_OF_OUTPUTS)
    return folder


def rows_of(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open() as lines:
        return list(csv.DictReader(lines))


# --- what is scored


def test_summary_by_hand():
    rows = [
        EvaluationRow("a", 10, n_identities=4, n_clusters=5, nmi=0.5, wcp=0.75, b_cubed_f=0),
        EvaluationRow("b", 20, n_identities=10, n_clusters=5, nmi=1.0, wcp=0.25, b_cubed_f=0),
        EvaluationRow("all", 30, n_identities=13, n_clusters=9, nmi=0.7, wcp=0.6, b_cubed_f=0),
    ]
    found = scores.summarise(rows, method="m")
    assert found == {
        "method": "m", "#Ch": 7, "#Cl": 5, "count error": (0.25 + 0.5) / 2, "NMI": 0.75, "WCP": 0.5,
        "all #Ch": 13, "all #Cl": 9, "all NMI": 0.7, "all WCP": 0.6,
    }  # fmt: skip
    alone = scores.summarise(rows[:1])
    assert (alone["NMI"], alone["all NMI"], alone["all #Cl"]) == (0.5, 0.5, 5)


def test_people_without_a_name_are_counted_apart():
    labels = ["sheldon", "penny", "penny", "unknown_e01_1", "unknown_e01_2", "series1-regular02", "film-person003"]
    tracks = TrackSet.from_arrays(np.ones((7, 2)), labels=labels)
    assert scores.count_people(tracks)["video"] == {
        "#Ch": 6, "#named": 3, "#unknown": 3, "#T": 7, "#T named": 4, "#T unknown": 3,
    }  # fmt: skip


def test_the_authors_label_files_give_rows_1_to_6_of_table_5(shared_data):
    names, videos = [], []
    for video, people in read_ids(sorted((shared_data / "bcl_release" / "ids").glob("*.ids"))).items():
        names += people.values()
        videos += [video] * len(people)
    tracks = TrackSet.from_arrays(np.ones((len(names), 2)), track_ids=range(len(names)), video_ids=videos, labels=names)
    facts = scores.count_people(tracks)
    assert len(facts) == 15
    assert facts == published.facts_of_table5()


def test_trivial_clusterings(folder):
    scores = {row["method"]: row for row in rows_of(folder, "table1") if row["source"].startswith("ours")}
    assert float(scores["one cluster"]["NMI"]) == 0
    assert float(scores["n clusters"]["WCP"]) == 1
    assert float(scores["base features, K known"]["count error"]) == 0
    assert "BCL, 4 b" in scores


def test_table5_is_what_evaluate_says(folder):
    splits, rows = SOURCE.splits(0), [row for row in rows_of(folder, "table5") if row["repeat"]]
    assert {row["method"] for row in rows} == {f"{NAMES[loss]}, {t}" for loss in LOSSES for t in ("4 b", "validation")}
    for loss, name in (("ball", "BCL, 4 b"), ("triplet", "Triplet, validation")):
        model = load_model(folder / "models" / f"{loss}-0.safetensors")
        expected = evaluate(splits.test, model.embed_tracks(splits.test), distance_threshold=model.distance_threshold)
        found = {row["video"]: row for row in rows if row["method"] == name}
        for row in expected:
            assert int(found[row.video]["#Cl"]) == row.n_clusters
            assert float(found[row.video]["NMI"]) == row.nmi
            assert int(found[row.video]["#T"]) == row.n_tracks
    text = (folder / "table5.md").read_text()
    first, other = text.split("### Each loss at the other threshold")
    assert "BCL, 4 b" in first
    assert "Triplet, validation" in first
    assert "Triplet, 4 b" in other
    assert "| Prototypical | the paper, its test videos | #Cl" in " ".join(other.split())


def test_table6_is_told_the_number_of_people(folder):
    known = [row for row in rows_of(folder, "table6") if row["table"] == "Number of people known" and row["repeat"]]
    assert len(known) == 2 * (1 + len(LOSSES))
    linkage = [row for row in known if row["clustering"] == "complete linkage"]
    assert all(row["#Cl"] == row["#Ch"] and float(row["count error"]) == 0 for row in linkage)
    unknown = {row["clustering"] for row in rows_of(folder, "table6") if row["features"]}
    assert unknown == {"X-means", "G-means", "DBSCAN", "HDBSCAN", "FINCH"}


def test_dimensions_and_parameters_of_table3(folder):
    found = {int(row["dimension"]): int(row["parameters"]) for row in rows_of(folder, "table3") if row["repeat"]}
    assert list(found) == [256, 128, 64, 32, 16, 8]
    assert found[64] == 111_104  # the paper's head


def test_the_paper_s_batches():
    assert [v.recipe.batch_size for v in batch_variants(Recipe.paper())] == [500, 1000, 2000, 4000]
    assert [v.recipe.dimensions[-2:] for v in embedding_dimension_variants(Recipe.paper(), 256)][:3] == [
        (256, 256),
        (128, 128),
        (64, 64),
    ]


def test_curves_end_at_all_tracks_and_stop_where_the_model_does(folder):
    rows, splits = rows_of(folder, "figure5"), SOURCE.splits(0)
    own = [row for row in rows if row["method"] == "BCL" and row["table"] == "All test videos together"]
    counts = [int(row["#Cl"]) for row in own if row["operating point"] == "False"]
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (1, splits.test.n_tracks)
    (stop,) = [row for row in own if row["operating point"] == "True"]
    table5 = [row for row in rows_of(folder, "table5") if row["method"] == "BCL, 4 b"]
    assert (stop["#Cl"], stop["NMI"]) == (table5[-1]["#Cl"], table5[-1]["NMI"])


def test_figure_4_counts_all_tracks(folder):
    rows, splits = rows_of(folder, "figure4"), SOURCE.splits(0)
    for name, tracks in splits._asdict().items():
        counts = [int(row["tracks"]) for row in rows if row["split"] == name and row["rank"]]
        assert sum(counts) == tracks.n_tracks
        assert counts == sorted(counts, reverse=True)


def test_figure_6_shows_faces_where_there_are_images(tmp_path):
    from matplotlib.image import imsave

    from bcl_fast.paper.clusters_figure import draw_clusters
    from bcl_fast.paper.output import Table

    imsave(tmp_path / "face.png", np.random.default_rng(0).random((8, 8, 3)))
    image = str(tmp_path / "face.png")
    tracks = TrackSet.from_arrays(np.ones((3, 2)), [0, 1, 3], labels=["a", "b"], images=["", "", image])
    assert list(scores._images(tracks)) == ["", image]
    named = TrackSet.from_arrays(np.ones((2, 2)), images=["", "face.png"])
    assert _with_images_found(named, {tmp_path}).images.tolist() == ["", image]
    assert _with_images_found(named, {tmp_path / "other"}) is named
    records = [
        {
            "video": "v",
            "cluster": n % 3,
            "track": str(n),
            "person": f"p{n % 4}",
            "image": image if n % 2 else "",
            "repeat": 0,
        }
        for n in range(150)
    ]
    episodes = [record for record in published.table5() if record["video"].endswith("e01")]
    draw_clusters([Table("", ("track",), {}, records), Table("", (), {}, episodes)], [tmp_path / "figure.png"])
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


# --- files, resumption, processes


def test_every_output_is_written_in_four_forms_and_says_simulated(folder):
    for name in NAMES_OF_OUTPUTS:
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert b"<svg" in (folder / f"{name}.svg").read_bytes()[:2000]
        assert len(rows_of(folder, name)) > 0
        text = (folder / f"{name}.md").read_text()
        assert ("**Simulated.**" in text) == (name not in ("figure4", "losses-time"))
    times = " ".join((folder / "losses-time.md").read_text().split())
    assert "| Triplet | 61,774 | 2,000 |" in times
    assert "| 50.8 |" in times  # the paper's


def test_finished_scores_are_not_run_again(folder):
    jobs: list[str] = []
    before = (folder / "table1.md").read_text()
    scoring = folder / "scores" / "table1-trivial-0.json"
    scoring.unlink()
    again = Reproduction(folder, SOURCE, RECIPE, MLP)
    reproduce(again, ["table1"], on_job=lambda job, done, total: jobs.append(f"{done}/{total} {job}"))
    assert jobs == ["1/1 table1: trivial"]
    assert (folder / "table1.md").read_text() == before
    reproduce(again, ["table1", "figure4", "losses-time"], on_job=lambda *job: jobs.append("something"))
    assert len(jobs) == 1


def test_a_lost_model_is_not_trained_again_unless_it_is_needed(folder):
    model = folder / "models" / "ball-0.safetensors"
    content, jobs = model.read_bytes(), []
    model.unlink()
    try:
        reproduce(Reproduction(folder, SOURCE, RECIPE, MLP), ["table1"], on_job=lambda job, *_: jobs.append(job))
        assert jobs == []
    finally:
        model.write_bytes(content)


def test_processes_give_the_results_of_one(folder, tmp_path):
    reproduce(Reproduction(tmp_path / "two", SOURCE, RECIPE, MLP), ["table1", "table4"], n_jobs=2)
    for name in ("table1", "table4"):
        assert rows_of(tmp_path / "two", name) == rows_of(folder, name)


def test_repeats_have_seeds_of_their_own(tmp_path):
    reproduce(Reproduction(tmp_path / "r", Simulation(0.005), RECIPE, MLP, repeats=2), ["table1"])
    rows = [row for row in rows_of(tmp_path / "r", "table1") if row["method"].startswith("base") and row["repeat"]]
    assert [row["repeat"] for row in rows] == ["0", "1"]
    assert rows[0]["NMI"] != rows[1]["NMI"]
    assert " ± " in (tmp_path / "r" / "table1.md").read_text()
    seeds = [load_model(tmp_path / "r" / "models" / f"ball-{r}.safetensors").recipe["seed"] for r in (0, 1)]
    assert seeds == [0, 1]


@pytest.mark.parametrize(
    ("source", "recipe", "difference"),
    [
        (Simulation(0.01), RECIPE, "scale was 0.02, now it is 0.01"),
        (SOURCE, Recipe.paper(), "recipe head was residual, now it is mlp"),
    ],
)
def test_another_reproduction_wants_another_folder(folder, source, recipe, difference):
    with pytest.raises(InputError, match=f"holds other results: {difference}; choose another --output"):
        reproduce(Reproduction(folder, source, recipe, MLP), ["figure4"])


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "precious.txt").write_text("data")
    with pytest.raises(InputError, match="must be empty or of an earlier reproduction"):
        reproduce(Reproduction(tmp_path, SOURCE, RECIPE, MLP), ["figure4"])
    with pytest.raises(InputError, match="does not exist"):
        reproduce(Reproduction(tmp_path / "no" / "folder", SOURCE, RECIPE, MLP), ["figure4"])
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_a_damaged_cell_is_named(tmp_path):
    again = Reproduction(tmp_path / "r", Simulation(0.005), RECIPE, MLP)
    reproduce(again, ["figure4"])
    (tmp_path / "r" / "scores" / "figure4-identities-0.json").write_text("[{")
    with pytest.raises(InputError, match=r"figure4-identities-0\.json is damaged .*: remove it"):
        reproduce(again, ["figure4"])


# --- tracks of one's own, and the command


@pytest.fixture
def files(tmp_path) -> Files:
    paths = []
    for seed, name in enumerate(("train", "val", "test")):
        write_tracks(films(seed=seed, prefix=name), tmp_path / f"{name}.parquet")
        paths.append((tmp_path / f"{name}.parquet",))
    return Files(*paths)


def test_the_command_on_files(files, tmp_path):
    paths = [option for name in ("train", "val", "test") for option in (f"--{name}", tmp_path / f"{name}.parquet")]
    options = ("-o", tmp_path / "out", "--epochs", 1, "--jobs", 1, "--head", "residual", *paths)
    result = run("reproduce", "table2", "figure4", *options)
    assert result.exit_code == 0, result.output
    assert "[2/3] table2: ball-mlp-64" in result.stderr
    assert result.stderr.splitlines()[-1] == f"8 files in {tmp_path / 'out'}"
    text = (tmp_path / "out" / "table2.md").read_text()
    assert "Simulated" not in text
    assert "which are not the paper's" in text
    assert "16-D" in text
    assert json.loads((tmp_path / "out" / "settings.json").read_text())["data"] == "files"


def test_the_papers_test_set_is_known_by_its_videos():
    from bcl_fast.paper.source import PAPER_EPISODES, kind_of_data

    class Given(Files):
        def splits(self, repeat: int, n_features: int | None = None) -> Splits:
            return Splits(tracks, tracks, tracks)

    tracks = TrackSet.from_arrays(np.ones((12, 2)), video_ids=sorted(PAPER_EPISODES), labels=["a"] * 12)
    assert kind_of_data(Given((), (), ())) == "the paper's test videos"
    tracks = tracks.select(np.arange(11))
    assert kind_of_data(Given((), (), ())) == "your tracks"
    assert kind_of_data(SOURCE) == "simulated films"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("table7",), 2, "WHAT must be one of table1"),
        (("table1", "--train", "t.parquet"), 1, "want --train, --val and --test, got no --val and no --test"),
        (("table1", "--train", "t.npz", "--val", "t.npz", "--test", "t.npz"), 1, "there is no such file or folder"),
        (("table1", "--scale", "0"), 1, "scale must be at least 0.001, got 0"),
        (("table1", "--epochs", "0"), 1, "epochs must be at least 1, got 0"),
    ],
)
def test_bad_input_of_the_command_is_a_sentence(arguments, code, message, tmp_path):
    result = run("reproduce", *arguments, "-o", tmp_path / "out", "--jobs", 1)
    assert result.exit_code == code
    assert message in " ".join(result.stderr.replace("│", " ").split())
    assert not (tmp_path / "out").exists()


def test_unlabelled_tracks_are_refused(files, tmp_path):
    bare = films(seed=3, prefix="x")
    bare = TrackSet.from_arrays(bare.features, bare.offsets)
    write_tracks(bare, tmp_path / "bare.parquet")
    with pytest.raises(InputError, match="the test tracks must have labels, got none"):
        Files(files.train, files.val, (tmp_path / "bare.parquet",)).splits(0)


def test_the_plan_has_every_output_and_unique_scorings():
    outputs = plan(RECIPE, MLP, 256, "simulated films")
    assert tuple(outputs) == NAMES_OF_OUTPUTS
    for output in outputs.values():
        names = [scoring.name for scoring in output.scorings]
        assert len(set(names)) == len(names)
        variants = {
            scoring.variant.name: scoring.variant for o in outputs.values() for scoring in o.scorings if scoring.variant
        }
        assert all(scoring.variant == variants[scoring.variant.name] for scoring in output.scorings if scoring.variant)
