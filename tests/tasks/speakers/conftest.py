"""Speakers the model was not trained on, and lists of trials of them."""

from __future__ import annotations

import json
import shutil

import makers
import pytest


@pytest.fixture
def model(trained, tmp_path):
    """A model folder that may be written to, of labels that are said to be individuals."""
    folder = shutil.copytree(trained.model, tmp_path / "own model")
    about = json.loads((folder / "audioft.json").read_text(encoding="utf-8"))
    about["trained_on"]["individuals"] = True
    (folder / "audioft.json").write_text(json.dumps(about), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def voices(tmp_path_factory):
    """Three speakers the model was not trained on, two days each."""
    folder = tmp_path_factory.mktemp("voices")
    rows = ["file_name,label,speaker,day,split"]
    for who, hz in (("ada", 300), ("bob", 1200), ("cyd", 4000)):
        for i in range(4):
            makers.tone(folder / who / f"{i}.wav", hz + 20 * i, seed=i)
            rows.append(f"{who}/{i}.wav,x,{who},{who}{i // 2},{'test' if i < 3 else 'train'}")
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def trials(audioft_command, voices, tmp_path):
    path = tmp_path / "trials.csv"
    code, out, _ = audioft_command("trials", voices, "--label", "speaker", "--session", "day", "--out", path)
    assert (code, out) == (0, f"66 trials, 18 of one speaker, in {path}\n")
    return path
