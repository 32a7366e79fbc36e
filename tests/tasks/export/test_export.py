"""`audioft export`: what is written gives the same answers, whatever runs it."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import audioft
from audioft.core.progress import Console
from audioft.inference.predictor import Predictor
from audioft.tasks.export import agreement
from audioft.tasks.export.agreement import Agreement

pytest.importorskip("onnxruntime", reason="needs the extra onnx")
pytest.importorskip("onnxscript", reason="needs the extra onnx")


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    """An export of `trained`, its file in int8 unmeasured; not to be changed."""
    out = tmp_path_factory.mktemp("exports") / "tones"
    audioft.export(trained, out=out, int8="unmeasured", console=Console(quiet=True))
    return out


@pytest.fixture(scope="module")
def paths(two_tones):
    return sorted(two_tones.rglob("*.wav"))


@pytest.fixture(scope="module")
def long(paths, tmp_path_factory):
    """All recordings one after the other, of another rate."""
    import soxr

    whole = np.concatenate([soundfile.read(p, dtype="float32")[0] for p in paths])
    path = tmp_path_factory.mktemp("long") / "long.wav"
    soundfile.write(path, soxr.resample(whole, 16000, 22050), 22050)
    return path


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_folder_holds_what_it_says(exported, trained):
    assert {p.name for p in exported.iterdir()} == {"model.onnx", "model_quantized.onnx", "README.md", "labels.json"}
    about = Predictor(exported / "model.onnx").labeller.about
    assert about.labels == Predictor(trained).labels == tuple(json.loads((exported / "labels.json").read_text()))
    assert about.precision == "float32"
    assert 0 <= about.measured["largest"] <= agreement.CLOSE
    assert Predictor(exported / "model_quantized.onnx").labeller.about.precision == "int8"


def test_tables_are_those_of_the_model(exported, trained, two_tones, audioft_command, tmp_path):
    tables = []
    for model in (trained.folder, exported, exported / "model.onnx"):
        out = tmp_path / f"{len(tables)}.csv"
        code, _, err = audioft_command("predict", model, two_tones, "--all-scores", "--out", out)
        assert code == 0, err
        tables.append(rows(out))
    assert tables[1] == tables[2]
    assert len(tables[0]) == len(tables[1]) > 5
    for ours, theirs in zip(*tables[:2], strict=True):
        assert ours["path"] == theirs["path"]
        for name in (k for k in ours if k.startswith("score")):
            assert float(theirs[name]) == pytest.approx(float(ours[name]), abs=1e-4)


def test_timelines_streams_and_embeddings_are_those_of_the_model(exported, trained, long, paths):
    ours, theirs = Predictor(trained), Predictor(exported)
    assert repr(theirs).startswith("<Predictor of ")
    one, other = (p.timeline(long, window=0.5, hop=0.2) for p in (ours, theirs))
    np.testing.assert_allclose(other.windows.scores, one.windows.scores, atol=1e-4)
    assert [(s.label, s.start) for s in other.segments()] == [(s.label, s.start) for s in one.segments()]
    samples = soundfile.read(long, dtype="float32")[0]
    blocks = (samples[i : i + 1000] for i in range(0, len(samples), 1000))
    live = np.concatenate([s.scores for s in theirs.stream(blocks, 22050, window=0.5, hop=0.2)])
    np.testing.assert_allclose(live, one.windows.scores, atol=1e-4)
    from audioft.data.clip import Clip

    clips = [Clip(p, p.name) for p in paths[:4]]
    np.testing.assert_allclose(theirs.embed(clips).vectors, ours.embed(clips).vectors, atol=1e-5)


def test_a_table_goes_on_with_the_same_file_alone(exported, paths, audioft_command, refused, tmp_path):
    out = tmp_path / "table.csv"
    assert audioft_command("predict", exported, paths[0], "--out", out)[0] == 0
    assert audioft_command("predict", exported / "model.onnx", *paths, "--out", out, "--resume")[0] == 0
    assert len(rows(out)) == len(paths)
    refused("predict", exported / "model_quantized.onnx", *paths, "--out", out, "--resume", code=2, said=("precision",))


def test_int8_answers_alike(exported, paths):
    one, other = (Predictor(exported / name) for name in ("model.onnx", "model_quantized.onnx"))
    both = [np.stack([s.scores for s in p.scores(_clips(paths))]) for p in (one, other)]
    assert 0 < np.abs(both[0] - both[1]).max() < 0.1


def _clips(paths):
    from audioft.data.clip import Clip

    return [Clip(p, p.name) for p in paths]


def test_the_ten_lines_of_python_run(exported, trained, paths, tmp_path):
    shutil.copytree(exported, tmp_path / "own")
    shutil.copy(paths[0], tmp_path / "own" / "recording.wav")
    program = (exported / "README.md").read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    assert len(program.splitlines()) <= 10
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path / "own", capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    said = {label: float(score) for score, label in (line.split(" ", 1) for line in done.stdout.splitlines())}
    (wanted,) = Predictor(trained).predict(paths[0])
    assert said == pytest.approx(wanted.scores, abs=2e-4)


def test_the_ten_lines_for_node_run(exported, trained, paths, tmp_path):
    """Wants `onnxruntime-node` where node looks, as by NODE_PATH."""
    if shutil.which("node") is None:
        pytest.skip("there is no node")
    asked = subprocess.run(["node", "-e", "require('onnxruntime-node')"], capture_output=True, text=True, check=False)
    if asked.returncode:
        pytest.skip("node has no onnxruntime-node; NODE_PATH says where it looks")
    shutil.copytree(exported, tmp_path / "own")
    shutil.copy(paths[0], tmp_path / "own" / "recording.wav")
    program = (exported / "README.md").read_text(encoding="utf-8").split("```javascript\n")[1].split("```")[0]
    assert len(program.splitlines()) <= 11
    done = subprocess.run(
        ["node", "-e", program], cwd=tmp_path / "own", capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    said = {label: float(score) for score, label in (line.split(" ", 1) for line in done.stdout.splitlines())}
    (wanted,) = Predictor(trained).predict(paths[0])
    assert said == pytest.approx(wanted.scores, abs=2e-4)


ABSENT = ("torch", "torchaudio", "transformers", "scipy", "sklearn", "librosa", "pydantic", "yaml", "rich", "onnx", "packaging", "peft")
WITHOUT = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {ABSENT!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name.split(".")[0])
sys.meta_path.insert(0, Absent())
from audioft.cli import main
sys.exit(main(sys.argv[1:]))
"""


def without_torch(*arguments, **how):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(audioft.__file__).parents[1])])}
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, *map(str, arguments)],
        capture_output=True,
        timeout=120,
        check=False,
        env=environment,
        **how,
    )


def test_predict_needs_neither_torch_nor_transformers(exported, trained, paths, long, tmp_path):
    done = without_torch("predict", exported, *paths, "--all-scores", "--out", tmp_path / "table.csv")
    assert done.returncode == 0, done.stderr
    wanted = {p.path: p.scores for p in Predictor(trained).predict([str(p) for p in paths])}
    for row in rows(tmp_path / "table.csv"):
        for label, score in wanted[row["path"]].items():
            assert float(row[f"score:{label}"]) == pytest.approx(score, abs=1e-4)
    timed = without_torch("predict", exported, long, "--what", "segments")
    assert timed.returncode == 0, timed.stderr
    with open(long, "rb") as heard:
        live = without_torch("predict", exported, "-", stdin=heard)
    assert live.returncode == 0, live.stderr
    assert live.stdout.count(b"\n") > 3


def test_without_torch_what_needs_it_says_so(trained, paths, two_tones, tmp_path):
    done = without_torch("predict", trained.folder, paths[0])
    assert done.returncode == 2
    assert b"torch, which is not installed" in done.stderr
    done = without_torch("train", two_tones, "--out", tmp_path / "run")
    assert done.returncode == 1
    assert b"train needs" in done.stderr
    assert b"Traceback" not in done.stderr


def test_without_onnxruntime_the_extra_is_named(exported, paths, refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    refused("predict", exported, paths[0], code=2, said=("onnxruntime", "pip install 'audioft[onnx]'"))
    refused("export", "mini", code=2, said=("onnxruntime", "pip install 'audioft[onnx]'"))


def test_what_cannot_be_done_with_an_export_is_told(exported, paths, two_tones, refused, tmp_path):
    refused("predict", exported, paths[0], "--device", "cuda", code=2, said=("onnxruntime", "processor alone"))
    refused("predict", exported, paths[0], "--device", "tpu", code=2, said=("'tpu' is unknown",))
    refused("predict", exported, paths[0], "--precision", "bf16", code=2, said=("leave --precision out",))
    refused("evaluate", exported / "model.onnx", two_tones, code=2, said=("audioft predict", "exported from"))
    refused("export", exported, code=2, said=("is an export already",))
    refused("predict", tmp_path / "none.onnx", paths[0], code=2, said=("none.onnx", "no such folder"))


def test_a_file_that_was_changed_or_cut_short_is_told(exported, paths, refused, tmp_path):
    content = (exported / "model.onnx").read_bytes()
    file = tmp_path / "model.onnx"
    middle = len(content) // 2
    file.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    refused("predict", file, paths[0], code=1, said=("its graph changed since it was exported",))
    file.write_bytes(content[:-100])
    refused("predict", file, paths[0], code=1, said=("its end is missing",))


def test_an_operator_that_a_runtime_lacks_is_told(exported, paths, refused, tmp_path):
    import onnx

    from audioft.inference.exported import about as said

    file = tmp_path / "model.onnx"
    held = onnx.load(exported / "model.onnx")
    next(n for n in held.graph.node if n.op_type == "Softmax").op_type = "Softestmax"
    onnx.save(held, file)
    said.write(file, said.read(exported / "model.onnx")[0])
    refused("predict", file, paths[0], code=1, said=("onnxruntime", "cannot run", "Softestmax"))


def test_a_clip_that_is_too_short_is_told_and_not_scored(exported, trained, tmp_path, audioft_command):
    soundfile.write(tmp_path / "short.wav", np.full(100, 0.1, np.float32), 16000)
    told = [audioft_command("predict", model, tmp_path / "short.wav") for model in (exported, trained.folder)]
    assert told[0][0] == told[1][0] == 1
    assert told[0][2] == told[1][2]


def test_nothing_is_written_over_something_else(exported, trained, refused, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    refused("export", trained.folder, "--out", tmp_path, code=2, said=("not touched",))
    refused("export", trained.folder, "--out", exported, code=2, said=("--overwrite",))
    refused("export", trained.folder, "--out", tmp_path / "mine.txt", code=2, said=("is a file",))


def agreed(**figures):
    usual = {"clips": 400, "labels": 1.0, "largest": 0.01, "metric": "accuracy", "score": 0.9, "other": 0.9}
    return Agreement(**usual | {"change": 0.0, "low": -0.005, "high": 0.005} | figures)


def test_int8_has_to_agree():
    assert agreed().wrong is None
    assert "98.0 % of the labels" in str(agreed(labels=0.98).wrong)
    assert "1.1 points lower" in str(agreed(low=-0.011).wrong)
    assert "fewer than 200" in str(agreed(clips=80, low=-0.03).wrong)
    assert "nan" in str(agreed(low=float("nan")).wrong)


def test_of_few_clips_int8_is_not_written(trained, two_tones, audioft_command, tmp_path):
    out = tmp_path / "out"
    code, said, err = audioft_command("export", trained.folder, "--data", two_tones, "--side", "all", "--out", out)
    assert (code, said.strip()) == (0, str(out)), err
    assert "model_quantized.onnx is not written" in err
    assert "fewer than 200" in err
    assert not (out / "model_quantized.onnx").exists()
    measured = Predictor(out).labeller.about.measured
    assert measured["clips"] == 12
    assert {"score", "low", "high"} <= set(measured)


def test_the_validation_side_of_a_run_is_taken(trained, audioft_command, tmp_path):
    from audioft.assembly import kept_sides

    own = [c for c in kept_sides.of(trained.folder).clips if c.split == "valid"]
    code, _, err = audioft_command("export", trained.folder, "--out", tmp_path / "out", "--int8", "no")
    assert code == 0, err
    assert Predictor(tmp_path / "out").labeller.about.measured["clips"] == len(own) > 0
