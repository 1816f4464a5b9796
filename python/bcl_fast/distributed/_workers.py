"""Tasks on the workers of a Ray cluster: as many at a time as there are cores for, and what their failures become."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from bcl_fast._utils.process_group import LostProcesses
from bcl_fast._utils.text import one_line
from bcl_fast.distributed._connection import connected
from bcl_fast.distributed._engine import RayEngine
from bcl_fast.distributed._tasks import run, versions
from bcl_fast.errors import InputError

TRIES = 3  # of a task whose worker or node dies, or that cannot read or have the memory it wants
_AHEAD = 2  # tasks for a core: one at work, one that waits beside it
_SECONDS_BETWEEN_LOOKS = 1.0  # at the cores that there are: nodes come and go
_SECONDS_WITHOUT_CORES = 60.0


class Call(NamedTuple):
    """A task to be done.

    Attributes
    ----------
    key : object
        What the answer is known by.
    task : callable
        Of `bcl_fast.distributed._tasks`.
    arguments : tuple
        Values, and references of values in the store.
    n_values : int
        Values that it returns; the last is the answer.
    """

    key: Any
    task: Callable[..., Any]
    arguments: tuple[Any, ...]
    n_values: int = 1


class Done(NamedTuple):
    """A task that is done: its key, references of what it left in the store, and its answer."""

    key: Any
    kept: list[Any]
    answer: Any


class Workers:
    """The workers of the cluster that this process is connected to.

    Parameters
    ----------
    most_tasks : int
        At a time; 0: what the cores allow.
    memory : int or None
        Bytes that a task may take: no node gets more tasks at a time than it has memory for.

    Attributes
    ----------
    n_done : int
        Tasks done so far.
    """

    def __init__(self, most_tasks: int = 0, memory: int | None = None) -> None:
        import ray

        self._ray: Any = ray
        self._most_tasks, self._versions = most_tasks, versions()
        options: dict[str, Any] = {"max_retries": TRIES - 1, "retry_exceptions": [OSError, MemoryError], "num_cpus": 1}
        if memory is not None:
            self._check_memory(memory)
            options["memory"] = memory
        self._run = self._ray.remote(**options)(run)
        self._looked_at = self._answered_at = time.monotonic()
        self._cores = self._count_cores()
        self.n_done = 0

    @property
    def n_cores(self) -> int:
        """Cores of the cluster at the last look, at least one."""
        return max(1, self._cores)

    def keep(self, value: Any) -> Any:
        """Put a value into the store; return its reference."""
        return self._ray.put(value)

    def do(self, calls: Iterable[Call]) -> Iterator[Done]:
        """Have tasks done, in any order. Calls are taken as there is room for them; what is not done is called off.

        Raises
        ------
        InputError
            If a task says so.
        LostProcesses
            If one fails `TRIES` times, or otherwise, or there are no cores.
        """
        calls, waiting = iter(calls), dict[Any, tuple[Call, list[Any]]]()
        try:
            while True:
                while len(waiting) < self._room():
                    call = next(calls, None)
                    if call is None:
                        break
                    values = self._start(call)
                    waiting[values[-1]] = call, values[:-1]
                if not waiting:
                    return
                ready, _ = self._ray.wait(list(waiting), timeout=_SECONDS_BETWEEN_LOOKS)
                for reference in ready:
                    call, kept = waiting.pop(reference)
                    answer = self._answer(reference)
                    self.n_done += 1
                    yield Done(call.key, kept, answer)
        finally:
            for reference in waiting:
                self._ray.cancel(reference)  # as Ctrl-C, which the core heeds

    def _start(self, call: Call) -> list[Any]:
        how = self._run.options(name=call.task.__name__, num_returns=call.n_values)
        values = how.remote(self._versions, call.task, *call.arguments)
        return values if isinstance(values, list) else [values]

    def _answer(self, reference: Any) -> Any:
        from ray.exceptions import RayError, RayTaskError

        self._answered_at = time.monotonic()
        try:
            return self._ray.get(reference)
        except RayTaskError as error:
            raise _failure_of_task(error.cause) from None
        except RayError as error:
            reason = one_line(str(error).strip().split("\n")[0])
            raise LostProcesses(f"a task was tried {TRIES} times, and its worker died each time: {reason}") from None

    def _room(self) -> int:
        """Return how many tasks may be on their way."""
        if time.monotonic() - self._looked_at > _SECONDS_BETWEEN_LOOKS:
            self._looked_at, self._cores = time.monotonic(), self._count_cores()
            if self._cores == 0 and self._looked_at - self._answered_at > _SECONDS_WITHOUT_CORES:
                raise LostProcesses(f"the Ray cluster has had no core for {_SECONDS_WITHOUT_CORES:.0f} seconds")
        return self._most_tasks or _AHEAD * self.n_cores

    def _count_cores(self) -> int:
        return int(self._ray.cluster_resources().get("CPU", 0))

    def _check_memory(self, memory: int) -> None:
        nodes = [node["Resources"].get("memory", 0) for node in self._ray.nodes() if node["Alive"]]
        most = int(max(nodes, default=0))
        if memory > most:
            raise InputError(f"no node of the Ray cluster has memory for more than {most:,} bytes, got {memory:,}")


@contextmanager
def workers_of(engine: RayEngine, n_jobs: int, memory: int | None) -> Iterator[Workers]:
    """Connect to the workers of an engine, for one linkage or several.

    Parameters
    ----------
    engine : RayEngine
    n_jobs : int
        Cores of a cluster that is started, tasks at a time of one that is there; 0: all there are.
    memory : int or None
        Bytes of a task.
    """
    with connected(engine.address, n_jobs):
        yield Workers(n_jobs, memory)


def _failure_of_task(cause: BaseException) -> Exception:
    if isinstance(cause, InputError):
        return cause
    if isinstance(cause, ModuleNotFoundError):
        return InputError(f"the workers of a Ray cluster must have bcl_fast as the driver has it: {one_line(cause)}")
    said = f"{type(cause).__name__}: {one_line(cause)}"
    if isinstance(cause, OSError | MemoryError):
        return LostProcesses(f"a task failed {TRIES} times, the last time with {said}")
    return LostProcesses(f"a task failed with {said}")
