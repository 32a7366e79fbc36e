"""`audioft export`: what is written gives the same answers as the model, and what cannot be done is told."""

from __future__ import annotations

import csv
import json
import sys

import numpy as np
import pytest
import soundfile

import audioft
from audioft.core.progress import Console
from audioft.data.clip import Clip
from audioft.inference.predictor import Predictor
from audioft.tasks.export import agreement

pytest.importorskip("onnxruntime", reason="needs the extra onnx")
pytest.importorskip("onnxscript", reason="needs the extra onnx")


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_folder_holds_what_it_says(exported, trained):
    assert {p.name for p in exported.iterdir()} == {"model.onnx", "model_quantized.onnx", "README.md", "labels.json"}
    about = Predictor(exported / "model.onnx").labeller.about
    assert about.labels == Predictor(trained).labels == tuple(json.loads((exported / "labels.json").read_text()))
    assert about.precision == "float32"
    assert 0 <= about.measured["agreement"]["largest"] <= agreement.CLOSE
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

    clips = [Clip(p, p.name) for p in paths[:4]]
    np.testing.assert_allclose(theirs.embed(clips).vectors, ours.embed(clips).vectors, atol=1e-5)


def test_a_table_goes_on_with_the_same_file_alone(exported, paths, audioft_command, refused, tmp_path):
    out = tmp_path / "table.csv"
    assert audioft_command("predict", exported, paths[0], "--out", out)[0] == 0
    assert audioft_command("predict", exported / "model.onnx", *paths, "--out", out, "--resume")[0] == 0
    assert len(rows(out)) == len(paths)
    refused("predict", exported / "model_quantized.onnx", *paths, "--out", out, "--resume", code=2, said=("precision",))


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


@pytest.fixture(scope="module")
def framed(tmp_path_factory):
    """A model that labels frames with several labels, and its export; not to be changed."""
    import tiny

    from audioft.models import folder
    from audioft.models.card import ModelCard

    place = tmp_path_factory.mktemp("framed")
    card = ModelCard(("a", "b", "c"), True, 1.5, thresholds=(0.4, 0.5, 0.6))
    folder.save(tiny.make_classifier("wav2vec2", pooling="none"), card, place / "model", "")
    audioft.export(place / "model", out=place / "onnx", int8="no", console=Console(quiet=True))
    return place


@pytest.mark.slow
def test_frames_over_time_are_those_of_the_model(framed, long, paths, refused):
    ours, theirs = Predictor(framed / "model"), Predictor(framed / "onnx")
    one, other = (p.timeline(long) for p in (ours, theirs))
    for name in ("starts", "ends", "scores"):
        np.testing.assert_allclose(getattr(other.moments, name), getattr(one.moments, name), atol=1e-5)
    assert len(one.moments) > 100
    assert theirs.rules() == ours.rules()
    refused("enroll", framed / "onnx", "ada", paths[0], code=2, said=("is an exported model",))
