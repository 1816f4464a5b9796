"""What was compared to choose a head and where to cut, and what was chosen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from bcl_fast._utils.text import counted
from bcl_fast.cluster._merge import LinkageName

UNTRAINED = ("features", "whitened")


@dataclass(frozen=True)
class Candidate:
    """One way to embed and to cluster, with its scores on people whom the head has not seen.

    Attributes
    ----------
    head : str
        ``"features"``, ``"whitened"``, or the head of the recipe.
    epochs : int
        Of training on everybody; 0 for the first two.
    linkage : {"complete", "average"}
    distance_threshold : float
        Squared distance at which the linkage stops.
    neighbor_threshold : float or None
        Squared distance within which tracks are averaged with their nearest neighbours first.
    nmi, b_cubed_f : float
        Means over the folds.
    """

    head: str
    epochs: int
    linkage: LinkageName
    distance_threshold: float
    neighbor_threshold: float | None
    nmi: float
    b_cubed_f: float

    @property
    def score(self) -> float:
        """Mean of NMI and B-cubed F: the first forgives many small clusters, the second does not."""
        return (self.nmi + self.b_cubed_f) / 2

    @property
    def is_trained(self) -> bool:
        """Whether there is something to train."""
        return self.head not in UNTRAINED


@dataclass(frozen=True)
class Comparison:
    """All candidates, and the one that was chosen.

    Attributes
    ----------
    n_folds : int
        Times that some of the people were clustered by a head trained on others.
    n_identities : int
        People in the folds.
    chosen : Candidate
        Of a trained head the look after as many epochs of everybody as the folds were best after.
    candidates : tuple of Candidate
        The best threshold of each head, epoch, linkage, and with or without neighbours.
    """

    n_folds: int
    n_identities: int
    chosen: Candidate
    candidates: tuple[Candidate, ...]

    def as_dict(self) -> dict[str, Any]:
        """Fields and values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Comparison:
        """Make a comparison of what `as_dict` returns."""
        candidates = tuple(Candidate(**candidate) for candidate in values["candidates"])
        return cls(values["n_folds"], values["n_identities"], Candidate(**values["chosen"]), candidates)

    def describe(self) -> str:
        """Say in one line what was compared and chosen."""
        best: dict[str, Candidate] = {}
        for candidate in self.candidates:
            if candidate.head not in best or candidate.score > best[candidate.head].score:
                best[candidate.head] = candidate
        scores = ", ".join(f"{head} {candidate.score:.3f}" for head, candidate in best.items())
        chosen = self.chosen
        what = (
            f"the {chosen.head} head of {counted(chosen.epochs, 'epoch')}"
            if chosen.is_trained
            else f"{chosen.head}, untrained"
        )
        neighbors = "" if chosen.neighbor_threshold is None else " after averaging with nearest neighbours"
        how = f"{chosen.linkage} linkage{neighbors}, cut at {chosen.distance_threshold:.4f}"
        return (
            f"compared on {self.n_identities} people in {counted(self.n_folds, 'fold')}, "
            f"none seen by the head that embeds them: {scores}; chosen: {what}, {how} "
            f"(NMI {chosen.nmi:.3f}, B-cubed {chosen.b_cubed_f:.3f})"
        )
