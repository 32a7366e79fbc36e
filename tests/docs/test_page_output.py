"""What a page says is printed is printed."""

from __future__ import annotations

import doctest

import printed
import pytest
from blocks import every_block
from printed import called, difference, names, now

RUN = [b for b in every_block() if b.language == "text" and b.check.startswith(("run ", "shape "))]
MARKED = [pytest.param(b, marks=[pytest.mark.slow] * b.check.startswith("run slowly"), id=str(b)) for b in RUN]


@pytest.mark.parametrize("block", MARKED)
def test_a_block_is_what_its_command_prints(block, here):
    found = now(block, here)
    if block.check.startswith("shape "):
        assert names(block.text) == names(found)
    else:
        wrong = difference(block.text, found, called(block.check)[1])
        assert wrong is None, f"{wrong}\n\n{found}\n`python docs/tools/printed.py` writes it anew"


def test_there_are_blocks_of_the_first_look():
    asked = " ".join(b.check for b in RUN)
    for command in ("--help", "--dry-run", "doctor", "probe", "learning-curve"):
        assert command in asked


def test_lines_are_found_in_their_order_or_told():
    found = "begun\na 0.500\nb 7\nc 0.25 s\n"
    assert difference("a 0.52\nb 7\n", found) is None
    assert difference("a 0.500\n...\nc 0.25 s\n", found) is None
    assert difference("c 9.9 s\n", found, varying={"9.9"}) is None
    assert difference("a 0.9\n", found, numbers=False) is None
    for wrong in ("a 0.6\n", "b 8\n", "a 0.500\nc 0.25 s\n", "b 7\n...\na 0.500\n", "c 9.9 s\n", "d\n", "a 0.500 x\n"):
        assert difference(wrong, found) is not None, wrong


def test_the_examples_of_the_tools_run():
    assert doctest.testmod(printed).failed == 0
