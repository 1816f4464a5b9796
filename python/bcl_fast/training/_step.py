"""The step of a training: batch, head, loss, gradients, optimiser. On a GPU one CUDA graph, replayed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from bcl_fast._utils.process_group import ALONE, Processes
from bcl_fast.training._batches import Batches
from bcl_fast.training._state import TrainingState

# Steps before a capture: what they allocate once, such as the optimiser's momentum, must not be captured.
WARM_UP_STEPS = 3


class Steps:
    """Takes steps and sums up the terms of the loss.

    Parameters
    ----------
    state : TrainingState
        The head, loss and optimiser that a step changes.
    embed : callable
        From scaled faces to the embeddings that the loss takes.
    batches : Batches
        Where a step's faces come from.
    device : torch.device
        Where all of it lies.
    processes : Processes
        Those that have a part of each batch; the loss is that of all of it.
    """

    def __init__(
        self,
        state: TrainingState,
        embed: Callable[[Tensor], Tensor],
        batches: Batches,
        device: torch.device,
        processes: Processes = ALONE,
    ) -> None:
        self._state = state
        self._embed = embed
        self._batches = batches
        self._device = device
        self._processes = processes
        self._names: tuple[str, ...] = ()
        self._total = torch.zeros(0, dtype=torch.float64, device=device)
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        self._may_capture = self._stream is not None and processes.size == 1  # what is agreed on is read back
        self._replay: Callable[[], Any] | None = None
        self._n_eager = 0
        self._numbers_learn = False
        # A captured step reads the rates where they lie, so that they may change.
        groups = state.optimizer.param_groups
        self._rates = [torch.zeros((), device=device) for _ in groups] if self._may_capture else []

    @contextmanager
    def epoch(self, rates: Sequence[float], *, numbers_learn: bool) -> Iterator[None]:
        """Enter an epoch: on a GPU, a stream of its own.

        Parameters
        ----------
        rates : sequence of float
            Learning rates of the optimiser's groups of parameters.
        numbers_learn : bool
            Whether the second group, the radius, learns; a frozen one gathers no momentum either.
        """
        if self._stream is not None:
            self._stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(self._stream):  # does nothing where there is none
            self._set_rates(rates)
            self._total.zero_()
            for number in self._state.optimizer.param_groups[1]["params"]:
                number.requires_grad_(numbers_learn)
            if self._numbers_learn != numbers_learn:
                self._numbers_learn, self._replay, self._n_eager = numbers_learn, None, 0
            yield
        if self._stream is not None:
            self._stream.synchronize()

    def _set_rates(self, rates: Sequence[float]) -> None:
        for number, (group, rate) in enumerate(zip(self._state.optimizer.param_groups, rates, strict=True)):
            group["lr"] = self._rates[number].fill_(rate) if self._rates else rate
            group["fused"] = bool(self._rates) or None  # of torch's ways the one that reads its rate on the GPU

    def run(self) -> None:
        """Take a step with the batch fetched last."""
        if self._may_capture and self._replay is None and self._n_eager >= WARM_UP_STEPS:
            self._try_capture()
        if self._replay is not None:
            self._replay()
        else:
            self._step()
            self._n_eager += 1

    def means(self, n_steps: int) -> dict[str, float]:
        """Mean of each term of the loss over the epoch; waits for the GPU."""
        return dict(zip(self._names, (self._total / n_steps).tolist(), strict=True))

    def _step(self) -> None:
        faces, codes = self._batches.load()
        self._state.optimizer.zero_grad(set_to_none=True)
        terms = self._state.loss.terms(self._embed(faces), codes)
        terms.loss.backward()
        # Of the weights: of the radius each process has the whole gradient.
        self._processes.add_up_gradients(self._state.optimizer.param_groups[0]["params"])
        self._state.optimizer.step()
        if not self._names:
            self._names = terms._fields
            self._total = self._total.new_zeros(len(terms))
        self._total += torch.stack([term.detach() for term in terms])

    def _try_capture(self) -> None:
        self._state.optimizer.zero_grad(set_to_none=True)
        try:
            self._replay = _capture(self._step, self._stream)
        except RuntimeError as error:
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            warnings.warn(f"training goes on without a CUDA graph, more slowly: {reason}", stacklevel=2)
            self._may_capture = False


def _capture(step: Callable[[], None], stream: Any) -> Callable[[], Any]:
    """Record what a step launches, without running it; the result runs it."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        step()
    return graph.replay
