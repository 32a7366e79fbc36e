"""`audioft report`: three results as one page and in the model card."""

from __future__ import annotations

import csv
import re
import shutil

import pytest

import audioft
from audioft.core.progress import Console
from audioft.errors import UsageError
from audioft.tasks.report.full_report import PAGE

FEW = {"kinds": ["white"], "limit": 6, "resamples": 50, "console": Console(quiet=True)}


@pytest.fixture
def model(trained, tmp_path):
    return shutil.copytree(trained.model, tmp_path / "model")


@pytest.fixture
def table(two_tones, tmp_path):
    """The tones, of which two have the wrong label: the model will be said to be mistaken."""
    files = sorted(two_tones.rglob("*.wav"))
    with (tmp_path / "tones.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file_name", "label", "site"])
        for i, path in enumerate(files):
            name = path.relative_to(two_tones).as_posix()
            writer.writerow([name, "low" if i in (0, 1) else path.parent.name, "AB"[i % 2]])
    return tmp_path / "tones.csv"


def test_one_page_has_all_three_and_the_model_card_says_it(model, table, two_tones, tmp_path):
    out = tmp_path / "report"
    found = audioft.report(model, table, out=out, explained=1, overrides={"data.audio_root": str(two_tones)}, **FEW)
    assert found.page == out / PAGE
    page = found.page.read_text(encoding="utf-8")
    (title,) = found.explanations
    for said in (found.evaluation.sentence, found.robustness.sentence, title.split(":")[0], "Slices"):
        assert said in page
        assert said == "Slices" or said in f"{found}"
    places = re.findall(r'\sid="([^"]+)"', page)
    assert len(places) == len(set(places))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(places)
    assert not re.search(r'(src|href)="(https?:|/|\./)', page)
    card = (model / "README.md").read_text(encoding="utf-8")
    assert found.robustness.sentence in card
    assert "model-index" in card
    assert audioft.load_model(model).labels == ("high", "low")


def test_without_a_mistake_it_says_so_and_keeps_no_earlier_page(model, two_tones, tmp_path):
    how = {"kinds": [], "model_card": False, "resamples": 0, "console": Console(quiet=True)}
    (tmp_path / "explanations").mkdir()
    (tmp_path / "explanations" / "1.html").write_text("earlier")
    found = audioft.report(model, two_tones, out=tmp_path, **how)
    assert found.notes == ["no mistake is explained: there is none to explain"]
    assert not list((tmp_path / "explanations").iterdir())


def test_what_robustness_refuses_is_refused(model, two_tones, tmp_path, refused):
    out = ("--explained", "0", "--no-card", "--limit", "2", "--out", tmp_path / "report")
    refused("report", model, two_tones, "--kinds", "whit", *out, code=2, said=("unknown kind 'whit'", "'white'"))
    refused("report", model, two_tones, "--kinds", "babble", "--noise", "nowhere", *out, code=2, said=("nowhere",))
    assert not (tmp_path / "report" / "index.html").exists()


def test_the_folder_of_a_model_is_no_place_for_it(model, two_tones, refused):
    refused("report", model, two_tones, "--out", model, code=2, said=("holds a model", "a folder of its own"))


def test_without_sound_and_without_card(model, table, two_tones, tmp_path):
    before = (model / "README.md").read_text(encoding="utf-8")
    how = {"overrides": {"data.audio_root": str(two_tones)}, "players": 0, "model_card": False, "explained": 1}
    found = audioft.report(model, table, out=tmp_path / "report", **how, **FEW)
    assert found.explanations
    assert "<audio" not in found.page.read_text(encoding="utf-8")
    assert (model / "README.md").read_text(encoding="utf-8") == before


def test_what_cannot_be_done_is_said(model, two_tones, tmp_path):
    found = audioft.report(model, two_tones, out=tmp_path / "report", explained=2, **(FEW | {"kinds": []}))
    assert found.robustness is None
    assert "What it can stand" not in found.said
    again = FEW | {"kinds": [], "out": tmp_path / "report", "explained": 0}
    with pytest.raises(UsageError, match=r"already holds results \(index.html\)"):
        audioft.report(model, two_tones, **again)
    assert not audioft.report(model, two_tones, overwrite=True, **again).explanations


def test_a_folder_with_a_run_is_left_alone(trained, two_tones, refused):
    refused("report", trained.model, two_tones, "--out", trained.folder, code=2, said=("holds a run",))


@pytest.mark.parametrize("verb", ["report", "robustness", "explain"])
def test_what_one_process_does_is_refused_to_several(refused, trained, two_tones, tmp_path, monkeypatch, verb):
    monkeypatch.setenv("WORLD_SIZE", "2")
    said = (f"{verb} runs in one process", "WORLD_SIZE says 2")
    refused(verb, trained.folder, two_tones, "--out", tmp_path / "out", code=2, said=said)
    assert not (tmp_path / "out").exists()
