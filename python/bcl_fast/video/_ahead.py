"""Reading ahead in a thread: what comes next is decoded while the last is worked on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from threading import Condition, Thread
from typing import Generic, TypeVar

Item = TypeVar("Item")


def read_ahead(
    items: Iterator[Item], most: int, weight: Callable[[Item], int], most_weight: int
) -> Generator[Item, None, None]:
    """Yield items that a thread takes from an iterator, a few ahead.

    Parameters
    ----------
    items : iterator
    most : int
        Items that wait at most.
    weight : callable
        Of an item; one that is heavier than ``most_weight`` waits alone.
    most_weight : int
        Of all items that wait.
    """
    ahead = _Ahead(items, most, weight, most_weight)
    thread = Thread(target=ahead.read, daemon=True)
    thread.start()
    try:
        yield from ahead.taken()
    finally:
        ahead.stop()
        thread.join()


class _Ahead(Generic[Item]):
    def __init__(self, items: Iterator[Item], most: int, weight: Callable[[Item], int], most_weight: int) -> None:
        self._items, self._most, self._weight, self._most_weight = items, most, weight, most_weight
        self._waiting: deque[tuple[Item, int]] = deque()
        self._held = 0
        self._is_over = False
        self._error: BaseException | None = None
        self._changed = Condition()

    def read(self) -> None:
        """Take items until there are no more, or nobody wants them."""
        try:
            for item in self._items:
                if not self._put(item, self._weight(item)):
                    break
        except BaseException as error:
            self._error = error
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def _put(self, item: Item, weight: int) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._is_over or self._has_room(weight))
            if self._is_over:
                return False
            self._waiting.append((item, weight))
            self._held += weight
            self._changed.notify_all()
        return True

    def _has_room(self, weight: int) -> bool:
        return not self._waiting or (len(self._waiting) < self._most and self._held + weight <= self._most_weight)

    def taken(self) -> Iterator[Item]:
        """Yield the items, and raise at their end what ended them."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_over or self._waiting)
                if not self._waiting:
                    break
                item, weight = self._waiting.popleft()
                self._held -= weight
                self._changed.notify_all()
            yield item
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Want no more items."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
