"""What an earlier audioft has written is read, gone on with and used as it was: one of everything, in `golden/formats`.

`golden/make_formats.py` tells how it was made, and by which version. All of it lies at another place here than there.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from golden.older import CLOSE, EXPECTED, NEAR, check_metrics, files, moved, placed, rows
from safetensors.torch import load_file

import audioft

QUIET = audioft.Console(quiet=True)


@pytest.fixture
def old(tmp_path, monkeypatch):
    return placed(tmp_path, monkeypatch)


def check_scores(model, expected, tolerance):
    """A model says of the new recordings what it said, as a whole, of windows, and of segments."""
    predictor = audioft.load_model(model, device="cpu")
    said = list(audioft.predict(predictor, "sounds/new"))
    assert [Path(p.path).name for p in said] == sorted(expected) == ["one.flac", "two.ogg"]
    for p in said:
        before = expected[Path(p.path).name]
        assert p.error is None
        assert p.scores == pytest.approx(before["scores"], abs=tolerance)
        assert list(p.labels) == before["labels"]
        timeline = predictor.timeline(p.path)
        np.testing.assert_allclose(timeline.windows.scores, before["windows"], rtol=0, atol=tolerance)
        events = timeline.segments()
        assert [e.label for e in events] == [label for label, *_ in before["segments"]]
        found = [(e.start, e.end, e.score) for e in events]
        np.testing.assert_allclose(found, [numbers for _, *numbers in before["segments"]], rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", ["own", "adapter", "several", "events", "prototypes", "run_finished"])
def test_a_model_says_what_it_said(old, name):
    if name == "adapter":  # its encoder was named from the root of the disk
        moved(old / "models" / name / "audioft.json", old)
    model = name if name == "run_finished" else f"models/{name}"
    check_scores(model, EXPECTED["scores"][name], CLOSE)


def test_an_adapter_is_merged_with_its_encoder_at_another_place(old, audioft_command):
    code, _, err = audioft_command("merge", "models/adapter", "--encoder", "encoder", "--out", "merged")
    assert code == 0, err
    check_scores("merged", EXPECTED["scores"]["adapter"], CLOSE)


def test_speakers_are_found_again(old, audioft_command):
    code, out, err = audioft_command("enroll", "models/prototypes", "--list")
    assert code == 0, err
    assert [line.split()[:2] for line in out.splitlines()[-2:]] == [["high", "2"], ["low", "1"]]
    heard = ("sounds/tones/test", "sounds/new")
    code, _, err = audioft_command("identify", "models/prototypes", *heard, "--threshold", "0.5", "--out", "who.csv")
    assert code == 0, err
    for found, (name, speaker, score, nearest) in zip(rows(old / "who.csv"), EXPECTED["speakers"], strict=True):
        assert (Path(found["path"]).name, found["speaker"], found["nearest"]) == (name, speaker, nearest)
        assert float(found["score"]) == pytest.approx(score, abs=1e-4)  # normalised by a cohort of two


def test_a_threshold_between_speakers_is_kept(old, audioft_command):
    pair = [f"sounds/tones/test/{label}/{label}_0.flac" for label in ("high", "low")]
    code, out, err = audioft_command("verify", "models/prototypes", *pair, "--speakers", "nobody.json")
    assert code == 0, err
    number = r"(-?\d+\.\d{4})"
    said, before = (
        re.fullmatch(rf"(\w+) {number} \(threshold {number}\)\n", text) for text in (out, *EXPECTED["verdict"])
    )
    assert said[1] == before[1]
    assert [float(x) for x in said.groups()[1:]] == pytest.approx([float(x) for x in before.groups()[1:]], abs=2e-4)


def test_a_finished_run_is_read_and_measured(old):
    run = audioft.Run(old / "run_finished")
    assert (run.config.train.epochs, run.config.train.head_lr, run.config.encoder.name) == (4, 2e-2, "encoder")
    assert [r["step"] for r in run.history if r["kind"] == "valid"] == [2, 4, 6, 8]
    report = run.report
    assert (report.side, report.clips, report.figures["accuracy"]) == ("test", 2, 0.5)
    assert "accuracy" in str(report)
    again = audioft.evaluate(run, "sounds/tones", resamples=20, console=QUIET)
    assert again.figures == pytest.approx(report.figures, abs=CLOSE)
    for name, e in report.metrics.items():  # as they were made then: the middle of resamples
        assert e.low <= e.value <= e.high
        assert again.metrics[name].low <= e.value <= again.metrics[name].high
    assert (report.caution, again.caution[:12]) == ("", "Too few clip")


def test_a_finished_run_is_measured_again(old, audioft_command):
    before = audioft.Run(old / "run_finished").report.figures
    for made in ("report.json", "predictions.csv"):
        (old / "run_finished" / made).unlink()
    shutil.rmtree(old / "run_finished" / "model")
    code, _, err = audioft_command("train", "--resume", "--out", "run_finished")
    assert code == 0, err
    assert "resumed after step 8 of 8; training had ended" in err
    assert audioft.Run(old / "run_finished").report.figures == pytest.approx(before, abs=CLOSE)
    check_scores("run_finished", EXPECTED["scores"]["run_finished"], CLOSE)


def test_a_stopped_run_goes_on_into_the_run_it_would_have_been(old, audioft_command):
    begun = (old / "run_stopped" / "metrics.jsonl").read_text(encoding="utf-8")
    code, _, err = audioft_command("train", "--resume", "--out", "run_stopped")
    assert code == 0, err
    assert "resumed after step 5 of 8\n" in err
    run = audioft.Run(old / "run_stopped")
    # with the times they took: a run that began anew would have others
    assert (run.folder / "metrics.jsonl").read_text(encoding="utf-8").startswith(begun)
    check_metrics(run.history, audioft.Run(old / "run_finished").history, NEAR)
    check_scores(run, EXPECTED["scores"]["run_finished"], NEAR)


def test_a_stopped_pretraining_goes_on_into_the_encoder_it_would_have_made(old, audioft_command):
    first, second = (old / "pretraining_stopped" / "pretraining" / f"round-{i}" for i in (1, 2))
    done, begun = files(first, "*"), (second / "metrics.jsonl").read_text(encoding="utf-8")
    code, _, err = audioft_command("pretrain", "--resume", "--out", "pretraining_stopped")
    assert code == 0, err
    assert "round-2: resumed after step 4 of 6\n" in err
    assert files(first, "*") == done, "the first round was over"
    text = (second / "metrics.jsonl").read_text(encoding="utf-8")
    assert text.startswith(begun)
    check_metrics([json.loads(line) for line in text.splitlines()], EXPECTED["pretraining"], NEAR)
    made, expected = (load_file(f"{e}/model.safetensors") for e in ("pretraining_stopped", "encoder_pretrained"))
    assert made.keys() == expected.keys()
    # but for what moves no output, and so by rounding alone: a softmax does not see what all keys have in common
    far = {k: float((made[k] - expected[k]).abs().max()) for k in made if not k.endswith("k_proj.bias")}
    assert max(far.values()) < 1e-4, far


def test_a_pretrained_encoder_is_gone_on_from(old):
    settings = {"data.workers": 0, "evaluate.resamples": 20}
    run = audioft.finetune(
        "sounds/tones", encoder="encoder_pretrained", out="new", few_shot=True, overrides=settings, console=QUIET
    )
    check_scores(run, EXPECTED["pretrained"], 1e-4)


def test_rendered_copies_are_made_again_and_learnt_from(old):
    about = json.loads((old / "rendered" / "render.json").read_text(encoding="utf-8"))
    before = {p.name: soundfile.read(p)[0] for p in sorted((old / "rendered").rglob("*.wav"))}
    table = (old / "rendered" / "metadata.csv").read_bytes()
    assert audioft.evaluate("run_finished", "rendered", resamples=0, console=QUIET).clips == 2
    audioft.render(about["data"], "rendered", augment=about["augment"], seed=about["seed"], rate=about["rate"],
                   overwrite=True, console=QUIET)  # fmt: skip
    assert json.loads((old / "rendered" / "render.json").read_text(encoding="utf-8")) == about
    assert (old / "rendered" / "metadata.csv").read_bytes() == table
    after = {p.name: soundfile.read(p)[0] for p in sorted((old / "rendered").rglob("*.wav"))}
    assert after.keys() == before.keys()
    for name, wave in before.items():
        np.testing.assert_allclose(after[name], wave, rtol=0, atol=2 / 32768)
