"""What is exported runs elsewhere: in ten lines of Python, in node, in transformers.js, and without torch."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import audioft
from audioft.core.progress import Console
from audioft.inference.predictor import Predictor

pytest.importorskip("onnxruntime", reason="needs the extra onnx")
pytest.importorskip("onnxscript", reason="needs the extra onnx")


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


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


ABSENT = (
    "torch",
    "torchaudio",
    "transformers",
    "scipy",
    "sklearn",
    "librosa",
    "pydantic",
    "yaml",
    "rich",
    "onnx",
    "packaging",
    "peft",
)
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


@pytest.mark.slow
def test_transformers_js_gives_the_same_scores(paths, tmp_path):
    """Wants `@huggingface/transformers` where node looks, as by NODE_PATH."""
    import tiny

    from audioft.models import folder
    from audioft.models.card import ModelCard

    if shutil.which("node") is None:
        pytest.skip("there is no node")
    look = ["node", "-e", "require('@huggingface/transformers')"]
    if subprocess.run(look, capture_output=True, check=False, timeout=120).returncode:
        pytest.skip("node has no @huggingface/transformers; NODE_PATH says where it looks")
    folder.save(tiny.make_classifier("wavlm"), ModelCard(("a", "b", "c"), False, 2.0), tmp_path / "model", "")
    how = {"int8": "unmeasured", "transformers_js": True, "console": Console(quiet=True)}
    audioft.export(tmp_path / "model", out=tmp_path / "own", **how)
    program = f"""
const {{ pipeline, env }} = require("@huggingface/transformers");
const wav = require("fs").readFileSync({json.dumps(str(paths[0]))}).subarray(44);
const samples = Float32Array.from({{ length: wav.length >> 1 }}, (_, i) => wav.readInt16LE(2 * i) / 32768);
env.allowRemoteModels = false; env.localModelPath = {json.dumps(str(tmp_path))};
(async () => {{
  for (const dtype of ["fp32", "q8"])
    console.log(JSON.stringify(await (await pipeline("audio-classification", "own", {{ dtype }}))(samples)));
}})();
"""
    done = subprocess.run(["node", "-e", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    wanted = next(iter(Predictor(tmp_path / "model").predict(paths[0]))).scores
    for line, close in zip(done.stdout.splitlines(), (1e-5, 5e-2), strict=True):
        assert {s["label"]: s["score"] for s in json.loads(line)} == pytest.approx(wanted, abs=close)


def test_what_transformers_js_cannot_run_is_told(trained_several, refused, tmp_path):
    said = ("--transformers-js", "leave it out")
    refused("export", trained_several.folder, "--transformers-js", "--out", tmp_path / "x", code=2, said=said)
