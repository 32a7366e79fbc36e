"""How long a job says it will take."""

import io
import time

from audioft.core.progress import Console


def job(total=10):
    return Console(stream=io.StringIO()).job("searching", total)


def test_the_time_left_is_by_what_was_done():
    one = job()
    one.started -= 20
    one.at(5)
    assert one.text() == "searching 5/10, 20 s left"


def test_a_job_that_ends_in_any_case_says_no_more_than_what_is_left_until_then():
    one = job(100)
    one.started -= 20
    one.until = time.monotonic() + 5.4
    one.at(1)
    assert one.text() == "searching 1/100, 5 s left"
    one.until = time.monotonic() - 1
    assert one.text() == "searching 1/100, 0 s left"
