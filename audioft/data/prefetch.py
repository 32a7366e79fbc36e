"""Sources read ahead in threads: decoding and resampling go on while a model computes."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

#: Decoder and resampler release Python's lock, but what lies between them does not: more threads bring nothing.
MOST_THREADS = 4


def ahead(
    sources: Iterable[Iterator[T]], size: Callable[[T], int], most: int, threads: int | None = None
) -> Generator[Iterator[T]]:
    """The same sources with the same items, several of them read at once by threads.

    An exception of a source is raised where the source would have raised it. No thread goes on once the iterator is
    closed, beyond the item that it is at.

    Args:
        sources: each is iterated over in one thread from its beginning to its end.
        size: what an item counts.
        most: items that count so much together are held, and an item a thread more; of a source that counts more than
            that, no more either.
        threads: how many; as many as there are processors and at most `MOST_THREADS` if not given.

    Yields:
        The sources in order; each must be used up before the next one is asked for.

    >>> [list(items) for items in ahead([iter("ab"), iter("c")], len, most=1)]
    [['a', 'b'], ['c']]
    """
    readers = _Readers(sources, size, most)
    # daemons: whoever presses Ctrl-C does not wait for a decoder on its way to a cut far inside of a recording
    begun = [
        threading.Thread(target=readers.work, name="audioft-reader", daemon=True)
        for _ in range(threads or max(1, min(MOST_THREADS, os.cpu_count() or 1)))
    ]
    for thread in begun:
        thread.start()
    try:
        index = 0
        while (items := readers.of(index)) is not None:
            yield readers.taken(items)
            index += 1
    finally:
        readers.stop()
    for thread in begun:  # they have nothing left to do: none is to be met by the end of the program
        thread.join()


class _Items(Generic[T]):
    """What was read of one source and not yet taken; `failure` is what it ended with, None for its end."""

    def __init__(self) -> None:
        self.held: deque[tuple[T, int]] = deque()
        self.over = False
        self.failure: BaseException | None = None


class _Readers(Generic[T]):
    """What the threads and the one that takes their items share; all of it is behind one lock."""

    def __init__(self, sources: Iterable[Iterator[T]], size: Callable[[T], int], most: int):
        self.sources, self.size, self.most = iter(sources), size, most
        self.changed = threading.Condition()
        self.begun: dict[int, _Items[T]] = {}
        self.count = self.first = self.held = 0  # sources begun; which is taken from; what items held count together
        self.exhausted = self.stopped = False

    def stop(self) -> None:
        with self.changed:
            self.stopped = True
            self.changed.notify_all()

    def of(self, index: int) -> _Items[T] | None:
        """The items of a source, once a thread has begun it; None if there is no such source."""
        with self.changed:
            if index > self.first:
                del self.begun[self.first]
            self.first = index
            self.changed.notify_all()
            self.changed.wait_for(lambda: index in self.begun or self.exhausted)
            return self.begun.get(index)

    def taken(self, items: _Items[T]) -> Iterator[T]:
        """The items of a source as they come."""
        while True:
            with self.changed:
                self.changed.wait_for(lambda: items.held or items.over)
                if not items.held:
                    break
                item, size = items.held.popleft()
                self.held -= size
                self.changed.notify_all()
            yield item
        if items.failure is not None:
            raise items.failure

    def work(self) -> None:
        """Read one source after the other; what a thread does."""
        while (begun := self._begin()) is not None:
            index, items, source = begun
            try:
                for item in source:
                    if not self._give(index, items, item):
                        return
            except BaseException as e:  # raised again where the items are taken
                items.failure = e
            with self.changed:
                items.over = True
                self.changed.notify_all()

    def _begin(self) -> tuple[int, _Items[T], Iterator[T]] | None:
        """The next source, once there is room for something of it."""
        with self.changed:
            self.changed.wait_for(lambda: self.stopped or self.exhausted or self._room(self.count))
            if self.stopped or self.exhausted:
                return None
            index, items = self.count, _Items[T]()
            try:
                source = next(self.sources)
            except StopIteration:
                self.exhausted = True
                self.changed.notify_all()
                return None
            except BaseException as e:  # likewise
                self.exhausted = items.over = True
                items.failure, source = e, iter(())
            self.begun[index] = items
            self.count += 1
            self.changed.notify_all()
            return index, items, source

    def _give(self, index: int, items: _Items[T], item: T) -> bool:
        """Hand over an item, once there is room for it; False if nobody wants it any more."""
        size = self.size(item)
        with self.changed:
            self.changed.wait_for(lambda: self.stopped or self._room(index, items))
            if self.stopped:
                return False
            items.held.append((item, size))
            self.held += size
            self.changed.notify_all()
            return True

    def _room(self, index: int, items: _Items[T] | None = None) -> bool:
        """Whether there is room for an item: of what is waited for there always is, or all would wait."""
        waited_for = index == self.first and not (items and items.held)
        return self.held < self.most or waited_for
