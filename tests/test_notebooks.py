"""What notebooks show: short, escaped, well formed, and nothing that takes long."""

from __future__ import annotations

import re
import sys
import types

import makers
import numpy as np
import pytest
from pages import EVIL, Parsed, shown

import audioft
from audioft.assembly.joining.joined import Joined
from audioft.core import notebook
from audioft.core.progress import Console
from audioft.errors import AudioError
from audioft.evaluation.joining.contribution import Contribution, Diversity
from audioft.inference.prediction import Prediction
from audioft.inference.timeline import Rules, Scores, Timeline

QUIET = Console(quiet=True)


def test_a_prediction_is_heard_and_its_best_five_labels_are_bars(tmp_path):
    path = makers.tone(tmp_path / "a.wav", 440, 12.0)
    scores = {f"label {i}": 0.1 / (i + 1) for i in range(500)} | {EVIL: 0.9}
    one = Prediction(str(path), EVIL, 0.9, (EVIL,), scores, 12.0)
    found = shown(one)
    (player,) = found.all("audio")
    assert len(player["src"]) < 400_000
    assert "10.0 s" in player["aria-label"]
    bars = [a for a in found.all("span") if a.get("class") == "bar"]
    assert len(bars) == 5
    assert "and 496 more labels" in found.text


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (Prediction("gone.wav", "dog", 0.9, ("dog",), {"dog": 0.9}, 3.0), "dog"),
        (Prediction("the array", "dog", 0.9, ("dog",), {"dog": 0.9}, 3.0), "the array"),
        (Prediction(EVIL, None, float("nan"), error=AudioError(EVIL, "open", "no such file")), "no such file"),
        (Prediction("a.wav", "dog", 0.3, (), {"dog": 0.3}, 3.0), "none of the labels"),
        (Prediction("a.wav", "a", 0.9, ("a", EVIL), {"a": 0.9, EVIL: 0.8}, 3.0), "alert(1)"),
    ],
)
def test_a_prediction_without_a_file_or_a_label_is_shown_too(one, said):
    found = shown(one)
    assert said in found.text
    assert not found.all("audio")


def test_a_timeline_is_a_picture(tmp_path):
    path = makers.tone(tmp_path / "a.wav", 440, 2.0)
    moments = Scores(np.array([0.0, 1.0]), np.array([1.0, 2.0]), np.array([[0.1, 0.9], [0.7, 0.2]]))
    timeline = Timeline(str(path), ("bird", EVIL), moments, moments, 2.0, None, Rules((0.5, 0.5)))
    found = shown(timeline)
    assert len(found.all("img")) == 1
    assert "bird: 1 segment" in found.text
    empty = Scores.joined([], 2)
    error = AudioError("gone.wav", "open", "no such file")
    nothing = shown(Timeline("gone.wav", ("bird", "rain"), empty, empty, 0.0, error, Rules((0.5, 0.5))))
    assert not nothing.all("img")
    assert "no such file" in nothing.text


def test_a_run_and_its_report(trained, monkeypatch):
    monkeypatch.chdir(trained.folder.parent)
    found = shown(trained)
    assert f"{trained.folder.name}/report.html" in [a["href"] for a in found.all("a")]
    assert trained.report.sentence in found.text
    assert repr(trained).endswith(": finished>")
    report = shown(trained.report)
    assert "given label" in report.text
    assert repr(trained.report).startswith("<Report on test: accuracy ")
    assert shown_short(audioft.load_model(trained))


def shown_short(thing) -> bool:
    return len(repr(thing)) < 200


def test_a_report_of_several_labels(trained_several):
    assert "mean average precision" in shown(trained_several.report).text


def test_joined_models_and_what_each_adds(tmp_path):
    members = [Contribution(n, 0.8, 0.82, 0.03, (0.01, 0.05), 0.1) for n in ("one", EVIL)]
    how = {"figure": "accuracy", "side": "test", "clips": 80, "value": 0.85, "interval": (0.8, 0.9)}
    joined = Joined(
        tmp_path, "average", ("one", EVIL), contributions=members, diversity=Diversity(0.1, 0.05), notes=(EVIL,), **how
    )
    found = shown(joined)
    assert len(found.all("table")) == 1
    assert "0.850" in found.text
    assert "two members differ in 10.0 %" in found.text
    assert repr(joined) == f"<Joined in {tmp_path}: average of 2 models, accuracy 0.850 on test>"
    unmeasured = Joined(tmp_path, "soup", ("one", "two"))
    assert not shown(unmeasured).all("table")
    assert repr(unmeasured).endswith("not measured>")


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ((), "no run is there"),
        (("config.yaml",), "not finished, 0 epochs done"),
        (("model/x",), "finished, not measured"),
        (("model/x", "report.json"), "finished"),
    ],
)
def test_how_far_a_run_is(tmp_path, made, said):
    for name in made:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    run = audioft.Run(tmp_path)
    assert repr(run) == f"<Run in {tmp_path}: {said}>"
    shown(run)


def test_a_run_elsewhere_has_no_links_that_lead_nowhere(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert not shown(trained).all("a")


def test_the_package_shows_its_public_names_alone():
    assert dir(audioft) == sorted(audioft.__all__)


class Kernel:
    """What audioft sees of Jupyter: one handle to draw into, and its messages."""

    def __init__(self, monkeypatch, kernel: bool = True):
        self.drawn: list[dict[str, str]] = []
        self.handles = 0
        shell = types.SimpleNamespace(**({"kernel": None} if kernel else {}))
        here = types.ModuleType("IPython")
        here.get_ipython = lambda: shell
        display = types.ModuleType("IPython.display")
        display.display = self.display
        monkeypatch.setitem(sys.modules, "IPython", here)
        monkeypatch.setitem(sys.modules, "IPython.display", display)
        monkeypatch.setattr(notebook, "EVERY", 0.0)

    def display(self, data, raw, display_id):
        assert raw
        assert display_id
        self.handles += 1
        self.drawn.append(data)
        return types.SimpleNamespace(update=lambda data, raw: self.drawn.append(data))


def work(console):
    for name in ("checking", EVIL):
        with console.job(name, 50) as job:
            for i in range(51):
                job.at(i)
                if i == 25:
                    console.say("half of it")


def test_in_a_notebook_jobs_share_one_line_that_is_empty_at_the_end(monkeypatch, capsys):
    kernel = Kernel(monkeypatch)
    work(Console())
    out, err = capsys.readouterr()
    assert (out, err) == ("half of it\n" * 2, "")
    assert kernel.handles == 1
    assert kernel.drawn[-1]["text/html"] == ""
    for drawn in kernel.drawn[:-1]:
        Parsed(drawn["text/html"])
    assert re.search(r'value="0\.500"', kernel.drawn[25]["text/html"])


def test_quiet_and_in_a_terminal_nothing_is_drawn_into_a_notebook(monkeypatch, capsys):
    kernel = Kernel(monkeypatch)
    work(Console(quiet=True))
    assert not kernel.drawn
    terminal = Kernel(monkeypatch, kernel=False)
    work(Console())
    assert not terminal.drawn
    assert capsys.readouterr().err == "half of it\n" * 2
