"""Processes that work on one thing together by ``torch.distributed``: which one this is, what they add up and tell."""

from __future__ import annotations

import pickle
import re
import socket
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
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
            self._backends = dist.get_backend_config(self._group)
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
                self._wait(dist.all_reduce(tensor, group=self._group, async_op=True))

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
            self._wait(dist.all_gather(rows, row, group=self._group, async_op=True))
        return rows

    def of_all(self, value: T) -> list[T]:
        """Return a value of every process, by rank."""
        if self.size == 1:
            return [value]
        import torch

        mine = self._as_bytes(value)
        sizes = [int(size) for size in self.rows_of_all(torch.tensor([len(mine)], device=mine.device))]
        padded = mine.new_zeros(max(sizes))
        padded[: len(mine)] = mine
        return [_from_bytes(row[:size]) for row, size in zip(self.rows_of_all(padded), sizes, strict=True)]

    def of_first(self, value: T) -> T:
        """Return the value of the first process."""
        if self.size == 1:
            return value
        import torch

        sent = self._as_bytes(value if self.writes else None)
        size = torch.tensor([len(sent)], device=sent.device)
        self._tell(size)
        if not self.writes:
            sent = sent.new_empty(int(size))
        self._tell(sent)
        return value if self.writes else _from_bytes(sent)

    def _tell(self, tensor: Tensor) -> None:
        """Fill a tensor with that of the first process."""
        import torch.distributed as dist

        with _exchanging():
            self._wait(dist.broadcast(tensor, group=self._group, group_src=0, async_op=True))

    def _as_bytes(self, value: object) -> Tensor:
        import torch

        return torch.frombuffer(bytearray(pickle.dumps(value)), dtype=torch.uint8).to(self.small_device())

    def _wait(self, work: Any) -> None:
        """Wait for an exchange; inside `ending_together` no longer than until another process has failed."""
        notice = _NOTICES.get(self.name)
        if notice is None or "gloo" not in str(self._backends):  # NCCL lets the GPU wait
            work.wait()
            return
        is_over = False
        while not is_over:
            try:
                work.wait(_GLANCE)
                is_over = True
            except RuntimeError:  # the time is over, or the exchange has failed
                notice.read()  # a process that fails says why before it ends
                if work.is_completed():
                    raise

    @contextmanager
    def ending_together(self) -> Iterator[None]:
        """Run a piece of work that a failure in one process, wherever it is, ends in all.

        Those that wait for the failed one hear of it from the group's store within a second (with NCCL, which lets the
        GPU wait, when that gives up). The group is of no use then: they may have been at different exchanges.

        Raises
        ------
        FailedElsewhere
            In the processes that did not fail themselves.
        """
        if self.size == 1:
            yield
            return
        notice = _NOTICES[self.name] = _Notice(self._group, self.of_first(uuid.uuid4().hex))
        try:
            yield
        except BaseException as error:
            if not isinstance(error, (FailedElsewhere, LostProcesses)):
                notice.write(f"process {self.rank} failed: {one_line(error) or type(error).__name__}")
            raise
        finally:
            del _NOTICES[self.name]

    def small_device(self) -> torch.device:
        """Return where small tensors lie that are exchanged: main memory, unless the group knows GPUs alone."""
        import torch

        if self._group is None or "gloo" in str(self._backends):
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


class _Notice:
    """Where the processes of one piece of work read that one of them has failed."""

    def __init__(self, group: Any, name: str) -> None:
        self._store, self._key = group.get_group_store(), f"bcl_fast/{name}"

    def write(self, sentence: str) -> None:
        with suppress(RuntimeError):  # the process that keeps the store is gone: the others notice that
            self._store.compare_set(self._key, "", sentence)

    def read(self) -> None:
        """Raise what stands there, if anything does."""
        try:
            sentence = self._store.get(self._key).decode() if self._store.check([self._key]) else ""
        except RuntimeError as error:
            raise LostProcesses("another process ended or cannot be reached: it kept what they tell") from error
        if sentence:
            raise FailedElsewhere(sentence)


_NOTICES: dict[str, _Notice] = {}  # of the work under way, by the name of its group
_GLANCE = timedelta(seconds=1)  # between two looks at a notice


def check_alike(what: str, values: Sequence[Mapping[str, Any]]) -> None:
    """Refuse values of processes, by rank, that are not the same; see `Processes.check_alike`."""
    for rank, others in enumerate(values):
        for name in dict.fromkeys([*values[0], *others]):
            mine, theirs = values[0].get(name), others.get(name)
            if mine != theirs and not (mine != mine and theirs != theirs):  # NaN differs from itself
                found = f"{brief(mine)} in process 0 and {brief(theirs)} in process {rank}"
                raise InputError(f"the processes must have the same {what}: {name} is {found}")


def _from_bytes(sent: Tensor) -> Any:
    return pickle.loads(sent.cpu().numpy().tobytes())


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
    except (LostProcesses, FailedElsewhere):  # told so meanwhile
        raise
    except RuntimeError as error:
        reason = _WHERE_IN_A_LIBRARY.sub("", one_line(error)).split(". ")[0]
        raise LostProcesses(f"another process ended or cannot be reached: {reason}") from error
