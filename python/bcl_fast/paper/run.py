"""Run a reproduction: train what is missing, score what is missing, write what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bcl_fast._utils.extras import require
from bcl_fast._utils.processes import Job, in_processes
from bcl_fast.errors import InputError
from bcl_fast.models import EmbeddingModel, load_model
from bcl_fast.paper import LIBRARIES
from bcl_fast.paper.folder import claim_folder, held_folder, read_records, write_records
from bcl_fast.paper.output import Record, as_csv, write_text
from bcl_fast.paper.parts import Output, Scoring
from bcl_fast.paper.published import note_on_scores
from bcl_fast.paper.source import Data, Source, kind_of_data
from bcl_fast.paper.tables import plan
from bcl_fast.paper.variants import Variant
from bcl_fast.training import Recipe, train

OnJob = Callable[[str, int, int], object]  # what is done, how many are done, of how many


@dataclass(frozen=True)
class Reproduction:
    """Where and on what a reproduction runs.

    Attributes
    ----------
    folder : Path
        Gets the tables and figures, and below ``models`` and ``scores`` what they are made of; made if it is not there.
    source : Simulation or Files
    recipe : Recipe
        Of the usual BCL training.
    mlp : Recipe
        Of the paper's head in Tables 2 and 3, where its widths are the question.
    repeats : int
        Runs of everything, with seeds one after the other.
    """

    folder: Path
    source: Source
    recipe: Recipe
    mlp: Recipe
    repeats: int = 1

    def model_path(self, variant: Variant, repeat: int) -> Path:
        """Return where the model of a training is kept."""
        return self.folder / "models" / f"{variant.name}-{repeat}.safetensors"

    def records_path(self, output: Output, scoring: Scoring, repeat: int) -> Path:
        """Return where the records of a scoring are kept."""
        return self.folder / "scores" / f"{output.name}-{scoring.name}-{repeat}.json"


def reproduce(run: Reproduction, names: Sequence[str], *, n_jobs: int = 1, on_job: OnJob | None = None) -> list[Path]:
    """Write tables and figures; what a run before has finished is not done again.

    Parameters
    ----------
    run : Reproduction
    names : sequence of str
        Tables and figures, of `bcl_fast.paper.tables.NAMES_OF_OUTPUTS`.
    n_jobs : int, default=1
        Processes.
    on_job : callable, optional
        Called after each finished piece of work.

    Returns
    -------
    list of Path
        The files written: for each name ``.md``, ``.csv``, ``.png`` and ``.svg``.

    Raises
    ------
    InputError
        If the folder holds results of other data or another recipe, cannot be written to, or another run works in it.
    """
    require("a reproduction", *LIBRARIES)
    if "table6" in names:
        require("K-means of Table 6", "faiss")
    with held_folder(run.folder):
        splits = run.source.splits(0)
        claim_folder(run.folder, _settings(run))
        data = kind_of_data(run.source)
        planned = plan(run.recipe, run.mlp, splits.train.n_features, data)
        outputs = [output for output in planned.values() if output.name in names]
        _do_missing_jobs(run, outputs, n_jobs, on_job)
        return [path for output in outputs for path in _write(run, output, data)]


def _do_missing_jobs(run: Reproduction, outputs: Sequence[Output], n_jobs: int, on_job: OnJob | None) -> None:
    stages = _missing_jobs(run, outputs)
    done, total = 0, sum(map(len, stages))
    for number, stage in enumerate(stages):
        for job in in_processes(stage, n_jobs if number < 2 else 1):
            done += 1
            if on_job is not None:
                on_job(job, done, total)


def _settings(run: Reproduction) -> dict[str, Any]:
    """By what a later run knows the results again."""
    settings = run.source.describe()
    for what, recipe in (("recipe", run.recipe), ("mlp recipe", run.mlp)):
        settings |= {f"{what} {name}": value for name, value in recipe.as_dict().items()}
    return settings


def _missing_jobs(run: Reproduction, outputs: Sequence[Output]) -> tuple[list[Job], list[Job], list[Job]]:
    """Trainings, then scores, then what wants the machine for itself: each once, those that are finished left out."""
    trainings, scores, alone = dict[Path, Job](), dict[Path, Job](), dict[Path, Job]()
    for output in outputs:
        for scoring in output.scorings:
            for repeat in range(1 if scoring.alone else run.repeats):
                path = run.records_path(output, scoring, repeat)
                if path.is_file():
                    continue
                name = f"{output.name}: {scoring.name}"
                (alone if scoring.alone else scores)[path] = (
                    _of_repeat(run, name, repeat),
                    _score,
                    (run, scoring, repeat, path),
                )
                if scoring.variant is not None and not (model := run.model_path(scoring.variant, repeat)).is_file():
                    what = _of_repeat(run, f"training {scoring.variant.name}", repeat)
                    trainings[model] = (what, _train, (run, scoring.variant, repeat))
    return list(trainings.values()), list(scores.values()), list(alone.values())


def _of_repeat(run: Reproduction, name: str, repeat: int) -> str:
    return name if run.repeats == 1 else f"{name} ({repeat + 1} of {run.repeats})"


def _train(run: Reproduction, variant: Variant, repeat: int) -> None:
    splits = run.source.splits(repeat, variant.n_features)
    result = train(splits.train, splits.val, recipe=variant.of_repeat(repeat))
    result.model.save(run.model_path(variant, repeat), force=True)


def _score(run: Reproduction, scoring: Scoring, repeat: int, path: Path) -> None:
    variant = scoring.variant
    if scoring.alone:
        splits = run.source.of_paper_size()
    else:
        splits = run.source.splits(repeat, None if variant is None else variant.n_features)
    model = None if variant is None else _load(run, variant, repeat)
    records = [{**record, "repeat": repeat} for record in scoring.score(splits, model)]
    write_records(path, records)


def _load(run: Reproduction, variant: Variant, repeat: int) -> EmbeddingModel:
    path = run.model_path(variant, repeat)
    model = load_model(path)
    if model.recipe != variant.of_repeat(repeat).as_dict():
        raise InputError(f"{path} was trained by another recipe, of another version perhaps: choose another --output")
    return model


def _write(run: Reproduction, output: Output, data: Data) -> list[Path]:
    """Write a table or figure as Markdown, CSV and pictures."""
    records = _records(run, output)
    tables, written = ([part.table(records, data) for part in parts] for parts in (output.parts, output.written))
    note = [note_on_scores(data)] if output.scores else []
    text = [f"## {output.title}", *note, *(table.as_markdown() for table in written)]
    text.append(f"![{output.title}]({output.name}.svg)")
    markdown, csv_file, *pictures = (run.folder / f"{output.name}.{suffix}" for suffix in ("md", "csv", "png", "svg"))
    write_text(markdown, "\n\n".join(text) + "\n")
    write_text(csv_file, as_csv(tables))
    output.draw(tables, pictures)
    return [markdown, csv_file, *pictures]


def _records(run: Reproduction, output: Output) -> dict[str, list[Record]]:
    """Read the records of each scoring, by its name."""
    records: dict[str, list[Record]] = {}
    for scoring in output.scorings:
        for repeat in range(1 if scoring.alone else run.repeats):
            records.setdefault(scoring.name, []).extend(read_records(run.records_path(output, scoring, repeat)))
    return records
