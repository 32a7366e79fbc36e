"""The tools that make the pages are what the pages are checked with."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "tools"))


@pytest.fixture
def here(tmp_path):
    """A folder in which the commands of the pages can be called."""
    from printed import workplace

    return workplace(tmp_path / "here")
