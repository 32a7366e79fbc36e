"""A short version of each promise; `make torture` tries them at length and prints the table."""

import os

import pytest
import torch
from torture.table import ROWS


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="processes are forked")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.number}-{row.name}")
def test_promise(row, tmp_path):
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        outcome = row.try_it(tmp_path, **row.short)
    finally:
        torch.set_num_threads(before)
    if not outcome.tried:
        pytest.skip(outcome.told)
    assert outcome.ok, "\n".join(outcome.broken[:10])
