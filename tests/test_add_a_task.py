"""`Add a task in five steps`, as CONTRIBUTING has it, done in a copy of the tree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECTION = TEXT[TEXT.index("## Add a task in five steps") : TEXT.index("## Where to look")]
#: `path`, perhaps with a place in it, and what goes there.
STEP = re.compile(r"^`([\w./]+)`(?:, below `([^`]+)`)?:\n\n(`{3,})\w+\n(.*?)^\3$", re.MULTILINE | re.DOTALL)
STEPS = STEP.findall(SECTION)
COPIED = ("audioft", "docs", "tests", "README.md", "CONTRIBUTING.md", "mkdocs.yml", "pyproject.toml", "configs")


def test_the_steps_are_there():
    """Five of them, and every code block of the section is a file that one of them makes."""
    assert len(re.findall(r"^\*\*\d\. ", SECTION, re.MULTILINE)) == 5
    assert len(re.findall(r"^`{3,}\w+$", SECTION, re.MULTILINE)) == len(STEPS) + 1  # a page has a block inside
    tops = {path.rsplit("/", 1)[0] for path, *_ in STEPS}
    assert {"audioft/tasks/loudness", "tests/tasks/loudness", "docs", "tests/benchmarks"} <= tops


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """The tree with the task added; a folder added is all that the command and `import audioft` need."""
    root = tmp_path_factory.mktemp("copy")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "golden"))
        else:
            shutil.copy(ROOT / name, root / name)
    for name in ("samples", "pipelines"):
        (root / name).symlink_to(ROOT / name)
    for path, below, _, content in STEPS:
        file = root / path
        if below:
            line = f"  - {below}:\n"
            text = file.read_text(encoding="utf-8")
            assert line in text, f"{path} has no {below!r}"
            file.write_text(text.replace(line, line + content), encoding="utf-8")
        else:
            assert not file.exists(), path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")
    return root


def call(root: Path, *arguments: str) -> str:
    """What a Python program prints that finds audioft in the copy."""
    path = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, *arguments], cwd=root, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_folder_added_is_a_verb_and_a_function_added(copy):
    assert re.search(r"look at data\n(    .*\n)*?    loudness +Tell how loud", call(copy, "-m", "audioft", "--help"))
    rows = call(copy, "-m", "audioft", "loudness", "samples/keywords", "--seconds", "1").splitlines()
    assert [row.split()[0] for row in rows] == ["go", "left", "right", "stop"]
    assert call(copy, "-c", "import audioft; print('loudness' in audioft.__all__, audioft.__file__)") == (
        f"True {copy / 'audioft' / '__init__.py'}\n"
    )


@pytest.mark.slow
def test_after_the_steps_the_house_is_in_order(copy):
    call(copy, "-m", "audioft.tasks")
    call(copy, "docs/tools/generate.py")
    assert "[`audioft loudness`](docs/loudness.md)" in (copy / "README.md").read_text(encoding="utf-8")
    assert "| `--seconds S` | of each recording (10) |" in (copy / "docs" / "loudness.md").read_text(encoding="utf-8")
    tests = ("tests/test_house.py", "tests/tasks/loudness", "tests/docs/test_page_contents.py")
    call(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)
    examples = "tests/test_examples.py::test_examples_run[audioft.tasks.loudness.api]"
    call(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", examples)
    assert re.fullmatch(r"4 labels in \d+\.\d\d s\n", call(copy, "tests/benchmarks/loudness.py", "samples/keywords"))
