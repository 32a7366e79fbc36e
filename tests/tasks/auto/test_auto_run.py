"""`audioft auto` from the call to the model: its steps, its page, and calls that do the same by hand."""

from __future__ import annotations

import json
import shlex

import audioft
from audioft import cli
from audioft.evaluation.page.elements import escaped
from audioft.inference.predictor import Predictor
from audioft.tasks.auto.auto_run import STEPS

QUIET = audioft.Console(quiet=True)


def calls(found) -> list[str]:
    return [call for step in found.steps.values() for call in step.calls]


def again(found, verb: str, nth: int, out) -> None:
    """A printed call, into another folder."""
    words = shlex.split([c for c in calls(found) if c.startswith(f"audioft {verb} ")][nth])[1:]
    words[words.index("--out") + 1] = str(out)
    assert cli.main(words) == 0


def test_all_steps_are_done_and_told(whole, recordings):
    assert list(whole.steps) == list(STEPS)
    assert not whole.failed
    assert whole.best.figure == "accuracy"
    paths = sorted(recordings.rglob("*.wav"))[:3]
    assert [set(p.scores) for p in Predictor(whole.model).predict(paths)] == [{"high", "low"}] * 3
    held = json.loads((whole.folder / "auto.json").read_text())
    assert held["best"]["value"] == whole.best.value
    page = whole.page.read_text()
    for step in whole.steps.values():
        assert f"<h2>{step.title}" in page
    for call in calls(whole):
        assert escaped(call) in page
    assert page.count("<svg") + page.count("<img") >= 1
    assert "://" not in page.replace("http://www.w3.org", "")
    log = (whole.folder / "auto.log").read_text()
    assert all(f"$ {call}" in log for call in calls(whole))


def test_the_tested_figure_is_the_last_steps(whole):
    told = json.loads((whole.folder / "report" / "evaluation" / "report.json").read_text())
    assert whole.steps["measured"].found["clips"] == told["clips"] == 4
    assert str(whole.steps["measured"].found["clips"]) in whole.sentence
    assert "no choice has heard" in whole.sentence


def test_every_printed_call_is_one(whole):
    assert [shlex.split(c)[1] for c in calls(whole)] == [
        *("train", "train", "probe", "train", "learning-curve", "search", "report")
    ]
    for call in calls(whole):
        name, *words = shlex.split(call)
        assert name == "audioft"
        assert cli.parse(words).called == words[0]


def test_a_probe_by_hand_gives_the_same_figures(whole, tmp_path, capsys):
    again(whole, "probe", 0, tmp_path / "probe")
    own, made = ((f / "probe.csv").read_text().splitlines() for f in (whole.folder / "probe", tmp_path / "probe"))
    timeless = [[",".join(row.split(",")[:5]) for row in table] for table in (own, made)]
    assert timeless[0] == timeless[1]
    assert (whole.folder / "probe" / "layers.csv").read_text() == (tmp_path / "probe" / "layers.csv").read_text()


def test_the_first_model_by_hand_is_the_same(whole, tmp_path, capsys):
    again(whole, "train", 1, tmp_path / "first")
    weights = "model/model.safetensors"
    assert (tmp_path / "first" / weights).read_bytes() == (whole.folder / "first" / weights).read_bytes()


def test_the_searchs_config_trains_the_same_model(whole, tmp_path):
    run = audioft.finetune(config=whole.folder / "search" / "best.yaml", out=tmp_path / "run", console=QUIET)
    assert whole.best.name.endswith("by the recipe")
    assert (run.model / "model.safetensors").read_bytes() == (whole.model / "model.safetensors").read_bytes()


def test_the_command_ends_with_the_model(audioft_command, recordings, small_encoder, tmp_path, monkeypatch):
    from audioft.tasks.auto import auto_run

    for name in ("curve", "settings", "joint"):
        monkeypatch.setitem(auto_run.LEAST, name, 1e9)
    out = tmp_path / "a model"
    given = ("--encoders", small_encoder, "--minutes", "1", "--out", out, "--for", "server")
    code, said, told = audioft_command("auto", recordings, *given)
    assert code == 0, told
    assert said.splitlines()[-1] == str(out / "model")
    assert told.count("left out: there was no time left for it") == 3
    assert said.count("$ audioft") == 0, "calls have been told once, on standard error"
    assert told.count("$ audioft probe") == 1
    code, said, told = audioft_command("auto", "--out", out, "--resume")
    assert code == 0
    assert "is finished" in told
    assert "===" not in told
    assert said.splitlines()[-1] == str(out / "model")


def test_print_shows_each_choice_with_its_figure(whole):
    text = str(whole)
    for step in whole.steps.values():
        assert step.title in text
    assert whole.summary.splitlines()[0] == text.splitlines()[0] == whole.sentence
    said = "accuracy 1.000 (0.832 – 1.000) on 20 clips that it did not learn from"
    assert str(whole.best) == f"{whole.best.name}, {said}"
