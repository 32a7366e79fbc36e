"""Blocks of output that a training comes before: it is run, and what stands on the pages is compared."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from blocks import ROOT, Block, every_block
from printed import called, difference, output, workplace

import audioft

BLOCKS = [b for b in every_block() if "story " in b.check]
pytestmark = pytest.mark.slow


def of(name: str) -> list[Block]:
    return [b for b in BLOCKS if b.check.partition(";")[0].endswith(f"story {name}")]


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> tuple[Path, str]:
    """What `make demo` prints, and the folder in which it ran."""
    folder = workplace(tmp_path_factory.mktemp("demo") / "here")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), os.environ["PYTHONPATH"]))}
    call, both = [sys.executable, "pipelines/demo.py"], {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return folder, subprocess.run(call, cwd=folder, env=environment, text=True, check=False, **both).stdout


@pytest.mark.parametrize("block", of("demo"), ids=str)
def test_the_demo(block, demo):
    wrong = difference(block.text, demo[1], called(block.check)[1])
    assert wrong is None, f"{wrong}\n\n{demo[1][-3000:]}"


@pytest.fixture(scope="module")
def voices(demo) -> str:
    """What the commands about `runs/voices` print: of the demo's run, of the same data and config."""
    folder, _ = demo
    shutil.copytree(folder / "runs" / "demo", folder / "runs" / "voices")
    commands = (
        ["audioft", "evaluate", "runs/voices", "samples/speakers"],
        ["audioft", "predict", "runs/voices", "samples/recordings", "--top-k", "2"],
        ["audioft", "predict", "runs/voices", "samples/recordings/ada_letter.ogg", "--what", "summary"],
    )
    return "\n".join(output(words, folder) for words in commands)


def test_voices_in_other_sentences_are_told_apart(demo):
    report = audioft.Run(demo[0] / "runs" / "demo").report
    assert report.side == "test"
    assert report.figures["accuracy"] >= 0.85


def test_new_recordings_are_labelled_by_their_voice(demo):
    found = {
        Path(p.path).name: p.label for p in audioft.predict(demo[0] / "runs" / "demo", ROOT / "samples/recordings")
    }
    assert len(found) == 6
    assert found == {name: name.split("_")[0] for name in found}


def test_long_recordings_of_other_things_get_a_row_each(demo):
    found = list(audioft.predict(demo[0] / "runs" / "demo", ROOT / "samples" / "long"))
    assert [p.error for p in found] == [None, None]
    assert all(p.seconds > 10 for p in found)


@pytest.mark.parametrize("block", of("voices"), ids=str)
def test_the_voices(block, voices):
    wrong = difference(block.text, voices)
    assert wrong is None, f"{wrong}\n\n{voices}"


def briefly(folder: Path, data: str, config: str, name: str) -> None:
    """A run of one epoch of the head alone, where the pages have minutes of training; its figures mean nothing."""
    audioft.finetune(
        folder / "samples" / data,
        config=folder / "configs" / config,
        out=folder / "runs" / name,
        overrides={"train.epochs": 1, "freeze": "all"},
        console=audioft.Console(quiet=True),
    )


@pytest.fixture(scope="module")
def brief(tmp_path_factory) -> dict[str, str]:
    """What the commands print of such runs, by story."""
    folder = workplace(tmp_path_factory.mktemp("brief") / "here")
    briefly(folder, "outdoors", "events.yaml", "outdoors")
    briefly(folder, "speakers", "speakers.yaml", "speakers")
    output(["audioft", "trials", "samples/speakers", "--side", "test", "--out", "runs/trials.csv"], folder)
    return {
        "outdoors": output(["audioft", "evaluate", "runs/outdoors", "samples/long/events.csv"], folder),
        "speakers": output(["audioft", "verify", "runs/speakers", "--trials", "runs/trials.csv", "--store"], folder),
    }


@pytest.mark.parametrize("name", ["outdoors", "speakers"])
def test_the_words_of_what_takes_minutes(name, brief):
    (block,) = of(name)
    wrong = difference(block.text, brief[name], numbers=False)
    assert wrong is None, f"{wrong}\n\n{brief[name]}"


def test_every_story_is_told():
    assert {b.check.partition(";")[0].split()[-1] for b in BLOCKS} == {"demo", "voices", "outdoors", "speakers"}
