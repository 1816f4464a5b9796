"""Choosing head, epoch, linkage and threshold by people who were not trained on.

For each fold a head is trained on its people and looked at after some of the steps; at each look the people held out
are embedded and clustered, at every threshold at once. What scores best over all folds is chosen, and the features as
they are where nothing is surely better. Everybody is then trained on for as many epochs, which are more steps, and is
clustered as the folds were best after so many steps: distances grow with them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from bcl_fast._utils.process_group import ALONE, Processes
from bcl_fast._utils.threads import available_cores, one_thread_of_torch
from bcl_fast._utils.types import Integers
from bcl_fast.cluster import average_neighbors
from bcl_fast.cluster._by_name import LINKAGES
from bcl_fast.cluster._merge import LinkageName
from bcl_fast.evaluation import scores_of_merges
from bcl_fast.models import Embedding
from bcl_fast.tracks import TrackSet
from bcl_fast.training._comparison import UNTRAINED, Candidate, Comparison
from bcl_fast.training._folds import Fold, everybody, make_folds
from bcl_fast.training._recipe import Recipe
from bcl_fast.training._trainer import Trainer
from bcl_fast.training._untrained import untrained

LOOKS = (1 / 15, 2 / 15, 7 / 30, 1 / 3, 1 / 2, 2 / 3, 1)  # shares of the training after which it is looked at
RATIO = 1.025  # from one threshold to the next
RANGE = 2_000  # from the least threshold to the largest
BLUR = 4  # thresholds by which scores are blurred: of people not seen yet the best one lies elsewhere
SURE = 1.0  # standard errors over the folds by which one way must be better than a simpler one

OnFold = Callable[[int, int], object]
Scores = NDArray[np.float64]  # (..., thresholds, 2): NMI and B-cubed F


class _Looks(NamedTuple):
    """When a head is looked at: ends of epochs of everybody, and as many steps of a fold.

    ``more`` is how many times as many tracks everybody has as a fold trains on.
    """

    epochs: list[int]
    steps: list[int]
    more: float

    def as_many_epochs(self, look: int) -> int:
        """Return the look after which everybody's tracks are seen about as often as a fold's at ``look``."""
        apart = np.abs(np.log(np.array(self.steps) / (self.steps[look] * self.more)))
        return int(apart.argmin())


class _Way(NamedTuple):
    """A head at a look (its place among the embeddings of a fold), and how its points are clustered.

    ``reach`` is the squared distance within which they are averaged with their neighbours first, None for not at all.
    """

    place: int
    linkage: LinkageName
    reach: float | None = None


class _Held(NamedTuple):
    """What a fold holds out: mean features, identities as codes, what a track counts, and an embedding per place."""

    features: NDArray[np.float32]
    codes: Integers
    weights: NDArray[np.float64]
    embeddings: list[Embedding]


def cross_fit(
    tracks: TrackSet,
    val: TrackSet | None,
    recipe: Recipe,
    device: torch.device,
    on_fold: OnFold | None = None,
    processes: Processes = ALONE,
) -> Comparison:
    """Compare heads, epochs, linkages and thresholds on people in folds.

    Parameters
    ----------
    tracks, val : TrackSet
        Labelled; all tracks have a label.
    recipe : Recipe
    device : torch.device
    on_fold : callable, optional
        Called with the number of folds done and of all, as far as they are this process's.
    processes : Processes
        Those that the folds are dealt to; each makes the same comparison of all.

    Returns
    -------
    comparison : Comparison

    Raises
    ------
    InputError
        If there are too few identities, dimensions disagree, or a training diverges.
    """
    cores = max(1, available_cores() // processes.on_this_machine())
    with one_thread_of_torch(), ExitStack() as ended:
        with processes.together():
            folds = make_folds(tracks, val, recipe)
            n_folds, n_identities = len(folds), _n_held_out(folds)
            looks = _looks(everybody(tracks, val, recipe), folds, recipe)
            folds = folds[processes.rank :: processes.size]  # the others are let go
            trainers = [Trainer(fold.train, None, recipe, device) for fold in folds]
            n_workers = 1 if device.type != "cpu" else min(max(1, len(folds)), cores)
            pool = ended.enter_context(ThreadPoolExecutor(n_workers))
            held = []
            for done, found in enumerate(pool.map(partial(_train_fold, steps=looks.steps), folds, trainers), 1):
                held.append(found)
                if on_fold is not None:
                    on_fold(done, len(folds))
        search = _Search(held, looks, recipe, pool, processes)
        search.run()
    candidates = [
        _candidate(way, search.scores[way], search.thresholds(way), recipe.head, looks.epochs) for way in search.scores
    ]
    chosen = candidates[list(search.scores).index(search.chosen)]
    return Comparison(n_folds, n_identities, chosen, tuple(candidates))


def _n_held_out(folds: list[Fold]) -> int:
    return len(np.unique(np.concatenate([fold.held_out.label_codes()[1] for fold in folds])))


def _looks(people: TrackSet, folds: list[Fold], recipe: Recipe) -> _Looks:
    epochs = sorted({recipe.epochs_of(people.n_tracks, share) for share in LOOKS})
    n_batches = recipe.batches_of(people.n_tracks)
    more = people.n_tracks / np.mean([fold.train.n_tracks for fold in folds])
    return _Looks(epochs, [number * n_batches for number in epochs], float(more))


def _train_fold(fold: Fold, trainer: Trainer, steps: Sequence[int]) -> _Held:
    """Train on a fold's people, and keep the heads at each look."""
    embeddings = [*untrained(trainer.data).values(), *trainer.embeddings_after(steps)]
    return _Held(fold.held_out.mean_features(), fold.codes, fold.weights, embeddings)


# Squared distances of points of unit norm.
_THRESHOLDS = np.geomspace(4 / RANGE, 4, int(np.log(RANGE) / np.log(RATIO)))


class _Search:
    """The ways looked at so far with their scores, (folds, thresholds, 2) each, and the one to take.

    Each process scores its own folds, and all see all scores.

    The features as they are come first, clustered by average linkage of points averaged with their neighbours; then
    other heads, clustered in the same way; then complete linkage, and points that are not averaged. Nothing is taken
    that is not surely better than what is simpler. Of a head that was trained the look is then the one after as many
    epochs of everybody.
    """

    def __init__(
        self, held: list[_Held], looks: _Looks, recipe: Recipe, pool: ThreadPoolExecutor, processes: Processes
    ) -> None:
        self._held, self._looks, self._recipe = held, looks, recipe
        self._pool, self._processes = pool, processes
        self._n_places = len(UNTRAINED) + len(looks.steps)
        self._averages = recipe.n_neighbors > 0 and recipe.normalized
        norms = processes.of_all([_largest_squared_norm(held, place) for place in range(self._n_places)])
        self._largest = [max(found) for found in zip(*norms, strict=True)]
        self.scores: dict[_Way, Scores] = {}
        self.chosen = self._simplest = _Way(0, "average")

    def run(self) -> None:
        """Look at all ways, and choose."""
        first = self._recipe.linkage or "average"
        heads = self._look([_Way(place, first) for place in range(self._n_places)])
        self.chosen = self._simplest = heads[0]
        self._take_if_surely_better(heads[1:])
        others = sorted({heads[0].place, self.chosen.place}) if self._recipe.linkage is None else []
        complete = self._look([_Way(place, "complete") for place in others])
        self._take_if_surely_better([*complete, *(way for way in self.scores if way.reach is None)])
        self.chosen = self._as_many_epochs(self.chosen)

    def thresholds(self, way: _Way) -> NDArray[np.float64]:
        """Return the squared distances that a way is cut at."""
        return _THRESHOLDS * self._largest[way.place]

    def _look(self, ways: list[_Way]) -> list[_Way]:
        """Score ways, and the same with points averaged within their best threshold; return the last."""
        self._score(ways)
        if not self._averages:
            return ways
        averaged = [way._replace(reach=float(self.thresholds(way)[_best(self.scores[way])])) for way in ways]
        self._score(averaged)
        return averaged

    def _as_many_epochs(self, way: _Way) -> _Way:
        """Return a way of a trained head after as many epochs of everybody, cut as folds are after so many steps."""
        look = way.place - len(UNTRAINED)
        if look < 0:
            return way
        plain = _Way(len(UNTRAINED) + self._looks.as_many_epochs(look), way.linkage)
        (averaged,) = self._look([plain])
        later = plain if way.reach is None else averaged
        return later if self._surely_better(later, self._simplest) else way

    def _score(self, ways: list[_Way]) -> None:
        ways = [way for way in ways if way not in self.scores]
        with self._processes.together():
            mine = list(self._pool.map(lambda each: [self._score_of_fold(each, way) for way in ways], self._held))
        dealt = self._processes.of_all(mine)
        n_folds, size = sum(map(len, dealt)), self._processes.size
        by_fold = [dealt[fold % size][fold // size] for fold in range(n_folds)]
        self.scores.update(zip(ways, (np.stack(scores) for scores in zip(*by_fold, strict=True)), strict=True))

    def _score_of_fold(self, held: _Held, way: _Way) -> Scores:
        points = held.embeddings[way.place].embed(held.features)
        if way.reach is not None:
            points = average_neighbors(points, way.reach, n_neighbors=self._recipe.n_neighbors, n_jobs=1)
        merges = LINKAGES[way.linkage](points, n_jobs=1).merges
        scores = np.stack(scores_of_merges(merges, held.codes, held.weights), axis=1)
        return scores[np.searchsorted(merges[:, 2], self.thresholds(way), side="right")]

    def _take_if_surely_better(self, rivals: list[_Way]) -> None:
        if not rivals:
            return
        rival = max(rivals, key=lambda way: float(_at_best(self.scores[way]).mean()))
        if self._surely_better(rival, self.chosen):
            self.chosen = rival

    def _surely_better(self, rival: _Way, than: _Way) -> bool:
        gains = _at_best(self.scores[rival]) - _at_best(self.scores[than])
        error = gains.std(ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else 0.0
        return bool(gains.mean() > SURE * error)


def _largest_squared_norm(held: list[_Held], place: int) -> float:
    if not held:
        return 0.0
    if all(each.embeddings[place].normalize for each in held):
        return 1.0
    norms = [np.square(each.embeddings[place].embed(each.features).astype(np.float64)).sum(axis=1) for each in held]
    return float(max(norm.max() for norm in norms))


def _blurred(scores: Scores) -> NDArray[np.float64]:
    """Return the mean of both scores, blurred along the thresholds: (folds, thresholds)."""
    return np.asarray(gaussian_filter1d(scores.mean(axis=2), BLUR, axis=1, mode="nearest"))


def _best(scores: Scores) -> int:
    return int(_blurred(scores).mean(axis=0).argmax())


def _at_best(scores: Scores) -> NDArray[np.float64]:
    """Return the score of each fold at the threshold that is best over all."""
    return _blurred(scores)[:, _best(scores)]


def _candidate(
    way: _Way, scores: Scores, thresholds: NDArray[np.float64], head: str, epochs_of_looks: list[int]
) -> Candidate:
    look = way.place - len(UNTRAINED)
    name, epochs = (UNTRAINED[way.place], 0) if look < 0 else (head, epochs_of_looks[look])
    best = _best(scores)
    nmi, b_cubed_f = scores[:, best].mean(axis=0)
    return Candidate(name, epochs, way.linkage, float(thresholds[best]), way.reach, float(nmi), float(b_cubed_f))
