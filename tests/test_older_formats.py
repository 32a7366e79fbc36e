"""What an earlier audioft has written is read, gone on with and used as it was: one of everything, in `golden/formats`.

`golden/make_formats.py` tells how it was made, and by which version. All of it lies at another place here than there.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import os
import re
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import soundfile
import transformers
from safetensors.torch import load_file

import audioft

FORMATS = Path(__file__).parent / "golden" / "formats"
EXPECTED = json.loads((FORMATS / "expected.json").read_text(encoding="utf-8"))
MADE_IN = "/tmp/audioft-formats"
CLOSE = 1e-5  # scores and losses of the same weights
NEAR = 1e-3  # of weights that were trained here and there: another processor rounds otherwise
QUIET = audioft.Console(quiet=True)
TIMES = ("seconds", "waiting")
#: The names of what is kept of an encoder depend on its config, to which another transformers may add settings.
same_transformers = pytest.mark.skipif(
    transformers.__version__ != EXPECTED["versions"]["transformers"],
    reason="transformers has another version, for which what an encoder gave is computed anew",
)


@pytest.fixture
def old(tmp_path, monkeypatch):
    """All of it, in a folder of its own that is also the working folder.

    The config of a run names its data from the root of the disk: whoever moves both changes that line, and goes on,
    since the clips are told by their contents and not by where they are. So are encoders; this one is named from the
    working folder.
    """
    place = shutil.copytree(FORMATS, tmp_path / "moved")
    for config in (*place.glob("run_*/config.yaml"), *place.glob("caches/*.yaml")):
        moved(config, place)
    monkeypatch.chdir(place)
    monkeypatch.setenv("FORMATS", str(place))  # the pretraining's recordings lie in $FORMATS/sounds/tones
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return place


def moved(file: Path, place: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert MADE_IN in text
    file.write_text(text.replace(MADE_IN, str(place)), encoding="utf-8")


def gone_bad(place: Path) -> None:
    """Recordings of the same size and time of change that nothing can decode: who needs them must have kept them."""
    for path in place.rglob("*.flac"):
        about = path.stat()
        path.write_bytes(b"x" * about.st_size)
        os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))


def files(folder: Path, pattern: str) -> dict[str, str]:
    found = sorted(p for p in folder.rglob(pattern) if p.is_file())
    assert found
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}


def rows(file: Path) -> list[dict[str, str]]:
    with open(file, encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


def untimed(metrics):
    return [{k: v for k, v in row.items() if k not in TIMES} for row in metrics]


def check_metrics(found, expected, tolerance):
    """The same rows up to a tolerance, which says nothing of the times."""
    assert [(r["kind"], r["step"]) for r in found] == [(r["kind"], r["step"]) for r in expected]
    for a, b in zip(untimed(found), untimed(expected), strict=True):
        assert a == pytest.approx(b, abs=tolerance)


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
    assert {k: (e.low, e.high) for k, e in again.metrics.items()} == {
        k: (e.low, e.high) for k, e in report.metrics.items()
    }


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


@pytest.fixture
def cache(old, monkeypatch):
    """What an earlier audioft has kept in the user's cache folder.

    It knows recordings by their path, size and time of change, and checks them again elsewhere: so the table of the
    checking pass is moved with them. Everything else goes by contents.
    """
    monkeypatch.setenv("XDG_CACHE_HOME", str(old / "caches"))
    with contextlib.closing(sqlite3.connect(old / "caches" / "audioft" / "checked.sqlite")) as db:
        known = [Path(os.fsdecode(path)) for (path,) in db.execute("SELECT DISTINCT path FROM checked")]
        assert len(known) == 8
        for path in known:
            here = old / path.relative_to(MADE_IN)
            change = "UPDATE checked SET path = ?, mtime_ns = ? WHERE path = ?"
            db.execute(change, (os.fsencode(here), here.stat().st_mtime_ns, os.fsencode(path)))
        db.commit()
    return old / "caches" / "audioft"


@pytest.mark.parametrize(
    ("name", "kept"), [("decoded", "audio"), pytest.param("frozen", "states", marks=same_transformers)]
)
def test_a_run_reads_what_was_kept(old, cache, audioft_command, name, kept):
    """Findings of the checking pass, and decoded clips or frozen states: of recordings that cannot be read any more."""
    gone_bad(old / "sounds" / "tones" / "train")
    before = files(cache / kept, "*.*")
    code, _, err = audioft_command("train", "--config", f"caches/{name}.yaml", "--out", "new")
    assert code == 0, err
    assert files(cache / kept, "*.*").items() >= before.items()
    assert len(files(cache / kept, "*.pcm" if name == "decoded" else "*.safetensors")) == len(before)
    assert (" 0 are decoded now" in err) == (name == "decoded")
    assert rows(old / "new" / "bad_files.csv") == []
    digests = [{r["path"]: r["sha256"] for r in rows(old / f / "manifest.csv")} for f in ("new", "run_finished")]
    assert digests[0] == digests[1]
    check_metrics(audioft.Run(old / "new").history, EXPECTED[name], NEAR)


@same_transformers
def test_embeddings_are_used_again(old, cache):
    from audioft.data.clip import Clip
    from audioft.evaluation.embedding_store import Store
    from audioft.evaluation.embeddings import embed_clips
    from audioft.models.loading import load_encoder
    from audioft.models.log_mel import LogMel

    listed = rows(old / "run_finished" / "manifest.csv")
    clips = [Clip(old / "sounds" / "tones" / r["path"], r["path"]) for r in listed]
    about = {"max_seconds": 2.0, "batch_seconds": None, "digests": [r["sha256"] for r in listed]}
    encoders = [load_encoder("encoder")[0].eval(), LogMel()]
    computed = [embed_clips(e, clips, **about).features for e in encoders]
    gone_bad(old / "sounds")
    for encoder, expected in zip(encoders, computed, strict=True):
        with Store(cache / "embeddings", encoder, 2.0) as store:
            found = embed_clips(encoder, clips, store=store, **about)
        assert (found.reused, found.failures) == (8, {})
        np.testing.assert_allclose(found.features, expected, rtol=1e-4, atol=1e-4)


def check_rows(found, expected):
    """The same table up to the rounding of its numbers."""
    assert [r.keys() for r in found] == [r.keys() for r in expected]
    for a, b in zip(found, expected, strict=True):
        for column, cell in b.items():
            numeric = re.fullmatch(r"-?\d+\.\d+", cell)
            assert a[column] == cell or (numeric and float(a[column]) == pytest.approx(float(cell), abs=CLOSE)), (a, b)


def test_a_table_of_predictions_is_gone_on_with(old, audioft_command):
    table, whole = (old / "tables" / f"{name}.csv" for name in ("labels", "labels_whole"))
    head, first, second, broken = table.read_text(encoding="utf-8").splitlines(keepends=True)
    assert whole.read_text(encoding="utf-8").startswith(head + first + second + broken), "it breaks off within a row"
    second = "sounds/tones/test/low/low_0.flac,high,0.123456\n"  # what no model would say, so it is not made anew
    table.write_text(head + first + second + broken, encoding="utf-8")
    call = ("sounds/tones/test", "sounds/new", "--out", table, "--resume")
    code, _, err = audioft_command("predict", "models/own", *call)
    assert (code, "was begun with something else" in err) == (2, True), err
    assert "weights, labels or thresholds" in err
    code, _, err = audioft_command("predict", "run_finished", *call)
    assert code == 0, err
    found, expected = rows(table), rows(whole)
    assert found[1] == {"path": "sounds/tones/test/low/low_0.flac", "label": "high", "score": "0.123456"}
    check_rows([r for i, r in enumerate(found) if i != 1], [r for i, r in enumerate(expected) if i != 1])


def test_a_table_of_windows_is_gone_on_with(old, audioft_command):
    table, whole = (old / "tables" / f"{name}.csv" for name in ("windows", "windows_whole"))
    text = table.read_text(encoding="utf-8").replace("low,0.619532", "low,0.123456")
    assert len(text.splitlines()) == 6, "it breaks off within the second recording, whose rows are made anew"
    table.write_text(text, encoding="utf-8")
    call = ("sounds/new", "sounds/tones/test", "--out", table, "--resume", "--what", "windows", "--all-scores")
    code, _, err = audioft_command("predict", "models/own", *call, "--hop", "0.2")
    assert (code, "hop: was 0.1, is 0.2" in err) == (2, True), err
    code, _, err = audioft_command("predict", "models/own", *call, "--hop", "0.1")
    assert code == 0, err
    found, expected = rows(table), rows(whole)
    assert found[0].pop("score") == "0.123456"
    del expected[0]["score"]
    check_rows(found, expected)


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
