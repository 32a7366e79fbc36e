"""Sources are read ahead in bounded memory, and give what they would give one by one."""

import threading
import time

import pytest

from audioft.data.prefetch import ahead
from audioft.errors import AudioError


def counted(sizes, log, failure=None):
    for size in sizes:
        log.append(size)
        yield size
    if failure is not None:
        raise failure


def one(size):
    return size


def waits(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("most", [1, 4, 1000])
def test_the_same_items_in_the_same_order(threads, most):
    sizes = [[1, 2, 3], [], [7], [1] * 50, [2, 2]]
    found = [list(items) for items in ahead((counted(s, []) for s in sizes), one, most, threads)]
    assert found == sizes


def test_a_failure_comes_at_its_place():
    failure = AudioError("b.wav", "decode", "broken")
    found = ahead([counted([1, 2], []), counted([3], [], failure), counted([4], [])], one, 100, 2)
    assert list(next(found)) == [1, 2]
    broken = next(found)
    assert next(broken) == 3
    with pytest.raises(AudioError) as raised:
        next(broken)
    assert raised.value is failure
    assert list(next(found)) == [4]


def test_a_source_that_cannot_be_begun_is_told():
    def sources():
        yield counted([1], [])
        raise ValueError("no more")

    found = ahead(sources(), one, 100, 2)
    assert list(next(found)) == [1]
    with pytest.raises(ValueError, match="no more"):
        list(next(found))


def test_it_reads_before_it_is_asked_but_not_everything():
    log: list[int] = []
    found = ahead((counted([10] * 100, log) for _ in range(100)), one, 50, 2)
    first = next(found)
    assert next(first) == 10
    assert waits(lambda: len(log) >= 6)
    time.sleep(0.1)
    assert len(log) <= 1 + 5 + 2  # taken, held, and one at which each thread is


def test_a_source_that_is_waited_for_has_room_whatever_others_hold():
    begun = threading.Event()

    def slow():
        begun.wait(5)
        yield from [10] * 5

    log: list[int] = []
    found = ahead([slow(), counted([10] * 20, log), counted([10] * 20, log)], one, 30, 3)
    first = next(found)
    assert waits(lambda: len(log) >= 3)
    begun.set()
    assert list(first) == [10] * 5
    assert [len(list(items)) for items in found] == [20, 20]


def test_threads_end_when_nobody_wants_more():
    before = set(threading.enumerate())
    log: list[int] = []
    found = ahead((counted([1] * 10, log) for _ in range(10**6)), one, 5, 2)
    next(next(found))
    found.close()
    assert waits(lambda: not set(threading.enumerate()) - before)
    assert len(log) < 20
