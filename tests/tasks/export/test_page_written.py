"""The page of an exported model as it is written: whole in itself, and allowed nothing but what it needs."""

from __future__ import annotations

import base64
import gzip
import re

import numpy as np
import pytest

from audioft.errors import UsageError
from audioft.tasks.export.page import writing

ABOUT = {
    "name": "three <labels> & more", "labels": ["a</script>", "b", "c"], "multilabel": False, "thresholds": None,
    "window": 1.0, "segments": None, "background": None, "sample_rate": 16000, "time_expansion": None, "band": None,
    "min_samples": 400, "max_samples": None, "seconds_per_frame": 0.02, "frame_level": False,
}  # fmt: skip


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(bytes(range(256)) * 40)
    return path


def test_one_file_holds_every_part(model, tmp_path):
    text = writing.write(model, ABOUT, tmp_path / "page.html").read_text("utf-8")
    held = dict(re.findall(r'<script type="application/gzip" id="([\w-]+)">([^<]*)</script>', text))
    assert set(held) == {"worker-0", "runtime-0", "wasm-0", "model-0", "licences-0"}
    assert gzip.decompress(base64.b64decode(held["model-0"])) == model.read_bytes()
    assert gzip.decompress(base64.b64decode(held["wasm-0"]))[:4] == b"\0asm"
    assert b"MIT License" in gzip.decompress(base64.b64decode(held["licences-0"]))


def test_a_large_model_lies_in_pieces_beside_the_page(model, tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "PIECE", 2**18)
    model.write_bytes(np.random.default_rng(0).bytes(600_000))  # which does not become smaller
    page = writing.write(model, ABOUT, tmp_path / "site")
    assert page == tmp_path / "site" / "index.html"
    pieces = sorted((tmp_path / "site" / "parts").glob("model-*.js"), key=lambda p: int(p.stem.split("-")[1]))
    assert len(pieces) > 1
    found = [re.fullmatch(r'audioft\.pieces\["[\w-]+"\] = "(.*)";\n', p.read_text("ascii")) for p in pieces]
    packed = b"".join(base64.b64decode(m[1]) for m in found if m)
    assert gzip.decompress(packed) == model.read_bytes()
    assert "application/gzip" not in page.read_text("utf-8")
    assert (tmp_path / "site" / "LICENSES.txt").is_file()


def test_names_and_labels_stay_text(model, tmp_path):
    text = writing.write(model, ABOUT, tmp_path / "page.html").read_text("utf-8")
    assert "<title>three &lt;labels&gt; &amp; more</title>" in text
    assert "a</script>" not in text


@pytest.mark.parametrize(("name", "beside"), [("page.html", False), ("site", True)])
def test_the_page_may_ask_nobody(model, tmp_path, name, beside):
    text = writing.write(model, ABOUT, tmp_path / name).read_text("utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert "connect-src" not in rules  # as by default: nothing
    assert not re.search(r"https?:|\*|unsafe-inline|'unsafe-eval'", policy)
    assert ("file:" in rules["script-src"]) is beside
    assert not re.findall(r'(?:src|href)="(?!data:)[^"]+"', text.split("<script>")[0])


def test_what_a_page_cannot_do_is_told(model, tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="18 to 80 kHz shifted down"):
        writing.write(model, {**ABOUT, "band": (18000, 80000)}, tmp_path / "page.html")
    monkeypatch.setattr(writing, "LARGEST", 1000)
    with pytest.raises(UsageError, match="name a folder"):
        writing.write(model, ABOUT, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_the_same_model_gives_the_same_page(model, tmp_path):
    first, second = (writing.write(model, ABOUT, tmp_path / n).read_bytes() for n in ("a.html", "b.html"))
    assert first == second
