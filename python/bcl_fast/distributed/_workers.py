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
_AHEAD = 2  # tasks for cores: one at work, one that waits beside it
_MOST_CORES = 8  # of a task: the parts of it that one thread does take an eighth of their time from each then
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
    most_cores : int
        At a time; 0: all there are.
    memory : int or None
        Bytes that a task may take: no node gets more tasks at a time than it has memory for.
    cores_per_task : int or None
        As in `bcl_fast.distributed.RayEngine`.

    Attributes
    ----------
    n_done : int
        Tasks done so far.
    """

    def __init__(self, most_cores: int = 0, memory: int | None = None, cores_per_task: int | None = None) -> None:
        import ray

        self._ray: Any = ray
        self._most_cores, self._wanted_cores, self._versions = most_cores, cores_per_task, versions()
        options: dict[str, Any] = {"max_retries": TRIES - 1, "retry_exceptions": [OSError, MemoryError]}
        if memory is not None:
            self._check_memory(memory)
            options["memory"] = memory
        self._run = self._ray.remote(**options)(run)
        self._answered_at = time.monotonic()
        self._look()
        if cores_per_task is not None and self._nodes and not self._tasks_of(self._cores_per_task):
            raise InputError(
                f"a node of the Ray cluster has {max(self._nodes)} cores at most, got cores_per_task {cores_per_task}"
            )
        self.n_done = 0

    @property
    def n_threaded(self) -> int:
        """Tasks of several threads that the cluster could do at a time at the last look, at least one."""
        return max(1, self._tasks_of(self._cores_per_task))

    def keep(self, value: Any) -> Any:
        """Put a value into the store; return its reference."""
        return self._ray.put(value)

    def do(self, calls: Iterable[Call], *, threaded: bool = False) -> Iterator[Done]:
        """Have tasks done, in any order. Calls are taken as there is room for them; what is not done is called off.

        Parameters
        ----------
        calls : iterable of Call
        threaded : bool
            Whether the tasks take the number of their threads first, and as many cores.

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
                while len(waiting) < self._room(threaded):
                    call = next(calls, None)
                    if call is None:
                        break
                    values = self._start(call, threaded)
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

    def _start(self, call: Call, threaded: bool) -> list[Any]:
        n_cores, threads = (self._cores_per_task, (self._cores_per_task,)) if threaded else (1, ())
        how = self._run.options(name=call.task.__name__, num_returns=call.n_values, num_cpus=n_cores)
        values = how.remote(self._versions, call.task, *threads, *call.arguments)
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

    def _room(self, threaded: bool) -> int:
        """Return how many tasks may be on their way."""
        if time.monotonic() - self._looked_at > _SECONDS_BETWEEN_LOOKS:
            self._look()
            if not self._tasks_of(1) and self._looked_at - self._answered_at > _SECONDS_WITHOUT_CORES:
                raise LostProcesses(f"the Ray cluster has had no core for {_SECONDS_WITHOUT_CORES:.0f} seconds")
        n_cores = self._cores_per_task if threaded else 1
        return self._most_cores // n_cores or _AHEAD * max(1, self._tasks_of(n_cores))

    def _look(self) -> None:
        """See which nodes there are; their cores decide on those of a task."""
        self._looked_at = time.monotonic()
        nodes = (int(node["Resources"].get("CPU", 0)) for node in self._ray.nodes() if node["Alive"])
        self._nodes = [n_cores for n_cores in nodes if n_cores]
        self._cores_per_task = self._wanted_cores or min([_MOST_CORES, *self._nodes])
        if self._most_cores:
            self._cores_per_task = min(self._cores_per_task, self._most_cores)

    def _tasks_of(self, n_cores: int) -> int:
        """Return how many tasks of so many cores the nodes could do at a time."""
        possible = sum(of_node // n_cores for of_node in self._nodes)
        return min(possible, self._most_cores // n_cores) if self._most_cores else possible

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
        Cores of a cluster that is started, those used at a time of one that is there; 0: all there are.
    memory : int or None
        Bytes of a task.
    """
    with connected(engine.address, n_jobs):
        yield Workers(n_jobs, memory, engine.cores_per_task)


def _failure_of_task(cause: BaseException) -> Exception:
    if isinstance(cause, InputError):
        return cause
    if isinstance(cause, ModuleNotFoundError):
        return InputError(f"the workers of a Ray cluster must have bcl_fast as the driver has it: {one_line(cause)}")
    said = f"{type(cause).__name__}: {one_line(cause)}"
    if isinstance(cause, OSError | MemoryError):
        return LostProcesses(f"a task failed {TRIES} times, the last time with {said}")
    return LostProcesses(f"a task failed with {said}")
