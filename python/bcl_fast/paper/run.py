"""Run a reproduction: train what is missing, score what is missing, write what was asked for."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bcl_fast._utils.threads import available_cores
from bcl_fast.errors import InputError
from bcl_fast.models import EmbeddingModel, load_model
from bcl_fast.paper.output import Record, Table, as_csv, write_text
from bcl_fast.paper.published import note_on_scores
from bcl_fast.paper.source import Source, is_papers_test_set
from bcl_fast.paper.tables import Output, Scoring, plan
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
        If the folder holds results of other data or another recipe, or cannot be written to.
    """
    splits = run.source.splits(0)
    _claim_folder(run)
    outputs = [
        output
        for output in plan(run.recipe, run.mlp, splits.train.n_features, simulated=run.source.is_simulated).values()
        if output.name in names
    ]
    stages = _missing_jobs(run, outputs)
    done, total = 0, sum(map(len, stages))
    for number, stage in enumerate(stages):
        for job in _in_processes(stage, n_jobs if number < 2 else 1):
            done += 1
            if on_job is not None:
                on_job(job, done, total)
    simulated, papers = run.source.is_simulated, is_papers_test_set(splits)
    note = note_on_scores(simulated=simulated, papers_test_set=papers)
    return [path for output in outputs for path in _write(run, output, note)]


def _claim_folder(run: Reproduction) -> None:
    """Make the folder, or check that it holds results of the same data and recipe."""
    settings = run.source.describe()
    for what, recipe in (("recipe", run.recipe), ("mlp recipe", run.mlp)):
        settings |= {f"{what} {name}": value for name, value in recipe.as_dict().items()}
    path = run.folder / "settings.json"
    if path.is_file():
        before = _read_json(path)
        for name in dict.fromkeys([*before, *settings]):
            if before.get(name) != settings.get(name):
                difference = f"{name} was {before.get(name)}, now it is {settings.get(name)}"
                raise InputError(f"the folder {run.folder} holds other results: {difference}; choose another --output")
        return
    if run.folder.is_dir() and any(run.folder.iterdir()):
        raise InputError(f"the folder {run.folder} must be empty or of an earlier reproduction")
    if not run.folder.parent.is_dir():
        raise InputError(f"the output folder {run.folder.parent} does not exist")
    for part in ("", "models", "scores"):
        (run.folder / part).mkdir(exist_ok=True)
    write_text(path, json.dumps(settings, indent=1))


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is damaged ({error}): remove it") from None


Job = tuple[str, Callable[..., None], tuple[Any, ...]]  # what it is, a function of this module, its arguments


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
    write_text(path, json.dumps(records))


def _load(run: Reproduction, variant: Variant, repeat: int) -> EmbeddingModel:
    path = run.model_path(variant, repeat)
    model = load_model(path)
    if model.recipe != variant.of_repeat(repeat).as_dict():
        raise InputError(f"{path} was trained by another recipe, of another version perhaps: choose another --output")
    return model


def _in_processes(jobs: Sequence[Job], n_jobs: int) -> Iterator[str]:
    """Do jobs, several at once where asked, and yield what each was as it ends."""
    if n_jobs == 1 or len(jobs) < 2:
        for name, function, arguments in jobs:
            function(*arguments)
            yield name
        return
    context = multiprocessing.get_context("spawn")
    with _threads_of_children(n_jobs), ProcessPoolExecutor(min(n_jobs, len(jobs)), mp_context=context) as pool:
        running = {pool.submit(function, *arguments): name for name, function, arguments in jobs}
        try:
            while running:
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    future.result()
                    yield running.pop(future)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextmanager
def _threads_of_children(n_jobs: int) -> Iterator[None]:
    """Share the cores out among processes that start meanwhile; each reads its threads from the environment."""
    name, before = "OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS")
    os.environ[name] = str(max(1, available_cores() // n_jobs))
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _write(run: Reproduction, output: Output, note: str) -> list[Path]:
    """Write a table or figure as Markdown, CSV and pictures."""
    tables = _tables(run, output)
    text = [f"## {output.title}", *([note] if output.scores else [])]
    if not output.is_figure:
        text += [table.as_markdown() for table in tables]
    text.append(f"![{output.title}]({output.name}.svg)")
    markdown, csv_file, *pictures = (run.folder / f"{output.name}.{suffix}" for suffix in ("md", "csv", "png", "svg"))
    write_text(markdown, "\n\n".join(text) + "\n")
    write_text(csv_file, as_csv(tables))
    output.draw(tables, pictures)
    return [markdown, csv_file, *pictures]


def _tables(run: Reproduction, output: Output) -> list[Table]:
    records: dict[str, list[Record]] = {}
    for scoring in output.scorings:
        for repeat in range(1 if scoring.alone else run.repeats):
            records.setdefault(scoring.name, []).extend(_read_json(run.records_path(output, scoring, repeat)))
    return [part.table(records) for part in output.parts]
