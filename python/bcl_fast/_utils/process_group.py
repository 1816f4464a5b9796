"""Processes that work on one thing together by ``torch.distributed``: which one this is, what they add up and tell."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from bcl_fast._utils.text import brief, one_line
from bcl_fast.errors import InputError

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from torch.distributed import ProcessGroup

T = TypeVar("T")

_WHERE_IN_A_LIBRARY = re.compile(r"^\[\S*:\d+\] ")
WORLD = "world"  # all processes of the run, whatever torch calls them


class LostProcesses(RuntimeError):
    """Another process ended, or cannot be reached; the message is one sentence."""


class FailedElsewhere(InputError):
    """Another process failed, and raises what did it."""


def group_name(group: ProcessGroup | str | None) -> str:
    """Return the name that torch knows a group by: text, which can be copied, kept in a file and compiled.

    Parameters
    ----------
    group : ProcessGroup or str or None
        A group of ``torch.distributed``, its name, ``"world"`` for all processes, or None for this one alone: ``""``.

    Raises
    ------
    ValueError
        If it is none of them, or this process is not in it.
    """
    if group is None:
        return ""
    if isinstance(group, str) and group:
        return group
    name = getattr(group, "group_name", None)
    if isinstance(name, str):
        return name
    wanted = "a group of torch.distributed that this process belongs to, or 'world'"
    raise ValueError(f"process_group must be {wanted}, got {brief(group)}")


class Processes:
    """A group of processes, or this one alone, to which the same calls do nothing.

    Every call that exchanges something is to be made by all processes, in one order.

    Parameters
    ----------
    name : str
        As `group_name` returns it.

    Attributes
    ----------
    name : str
    rank, size : int
        Number of this process among them, and how many there are.

    Raises
    ------
    ValueError
        If ``torch.distributed`` is not initialised, or knows no such group.
    """

    def __init__(self, name: str = "") -> None:
        self.name, self.rank, self.size = name, 0, 1
        self._group: Any = None
        if name:
            import torch.distributed as dist

            self._group = _find_group(name)
            self.rank, self.size = dist.get_rank(self._group), dist.get_world_size(self._group)

    @property
    def writes(self) -> bool:
        """Whether this process is the one that writes files and speaks."""
        return self.rank == 0

    def share(self, n: int) -> slice:
        """Return this process's part of ``n`` things: a run of them, of nearly the same length for all."""
        return slice(self.rank * n // self.size, (self.rank + 1) * n // self.size)

    def add_up(self, tensor: Tensor) -> None:
        """Replace a tensor by its sum over the processes, which has the same bits in all of them."""
        if self.size > 1:
            import torch.distributed as dist

            with _exchanging():
                dist.all_reduce(tensor, group=self._group)

    def add_up_gradients(self, parameters: Sequence[Tensor]) -> None:
        """Replace the gradients of parameters by their sums over the processes, in one exchange."""
        if self.size == 1:
            return
        import torch

        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        self.add_up(flat)
        for gradient, part in zip(gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def rows_of_all(self, row: Tensor) -> list[Tensor]:
        """Return a tensor of every process, by rank; all have one shape."""
        if self.size == 1:
            return [row]
        import torch
        import torch.distributed as dist

        rows = [torch.empty_like(row) for _ in range(self.size)]
        with _exchanging():
            dist.all_gather(rows, row, group=self._group)
        return rows

    def of_all(self, value: T) -> list[T]:
        """Return a value of every process, by rank."""
        if self.size == 1:
            return [value]
        import torch.distributed as dist

        values: list[Any] = [None] * self.size
        with _exchanging():
            dist.all_gather_object(values, value, group=self._group)
        return values

    def of_first(self, value: T) -> T:
        """Return the value of the first process."""
        if self.size == 1:
            return value
        import torch.distributed as dist

        values = [value if self.writes else None]
        with _exchanging():
            dist.broadcast_object_list(values, group=self._group, group_src=0)
        return values[0]  # type: ignore[return-value]

    def small_device(self) -> torch.device:
        """Return where small tensors lie that are exchanged: main memory, unless the group knows GPUs alone."""
        import torch
        import torch.distributed as dist

        if self._group is None or "gloo" in str(dist.get_backend_config(self._group)):
            return torch.device("cpu")
        return torch.device("cuda", torch.cuda.current_device())

    def on_this_machine(self) -> int:
        """Return how many of the processes share this machine."""
        return self.of_all(socket.gethostname()).count(socket.gethostname())

    @contextmanager
    def together(self) -> Iterator[None]:
        """Run a part whose failure in one process is that of all: each raises it, with the first that failed.

        What is inside exchanges nothing, so that nobody waits for a process that has failed.

        Raises
        ------
        FailedElsewhere
            In the processes that did not fail themselves.
        """
        failure: Exception | None = None
        try:
            yield
        except Exception as error:
            failure = error
        failures = self.of_all(None if failure is None else one_line(failure) or type(failure).__name__)
        if failure is not None:
            raise failure
        for rank, sentence in enumerate(failures):
            if sentence is not None:
                raise FailedElsewhere(f"process {rank} failed: {sentence}")

    def check_alike(self, what: str, values: Mapping[str, Any]) -> None:
        """Refuse processes that differ in one of some values.

        Raises
        ------
        InputError
            In all of them, with the first difference.
        """
        check_alike(what, self.of_all(dict(values)))


ALONE = Processes()


def check_alike(what: str, values: Sequence[Mapping[str, Any]]) -> None:
    """Refuse values of processes, by rank, that are not the same; see `Processes.check_alike`."""
    for rank, others in enumerate(values):
        for name in dict.fromkeys([*values[0], *others]):
            mine, theirs = values[0].get(name), others.get(name)
            if mine != theirs and not (mine != mine and theirs != theirs):  # NaN differs from itself
                found = f"{brief(mine)} in process 0 and {brief(theirs)} in process {rank}"
                raise InputError(f"the processes must have the same {what}: {name} is {found}")


def _find_group(name: str) -> Any:
    import torch.distributed as dist
    from torch.distributed import distributed_c10d

    if not dist.is_available() or not dist.is_initialized():
        raise ValueError(f"process_group {name!r} wants torch.distributed.init_process_group before, got none")
    if name == WORLD:
        return dist.group.WORLD
    try:
        return distributed_c10d._resolve_process_group(name)  # type: ignore[attr-defined, arg-type]
    except (KeyError, LookupError, RuntimeError, TypeError, ValueError):
        raise ValueError(f"process_group must be a group of torch.distributed or 'world', got {name!r}") from None


@contextmanager
def _exchanging() -> Iterator[None]:
    try:
        yield
    except LostProcesses:  # told so meanwhile
        raise
    except RuntimeError as error:
        reason = _WHERE_IN_A_LIBRARY.sub("", one_line(error)).split(". ")[0]
        raise LostProcesses(f"another process ended or cannot be reached: {reason}") from error
