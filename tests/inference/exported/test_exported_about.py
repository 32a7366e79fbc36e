"""What an exported file says of itself: written and read without onnx, and not believed where it was changed."""

from __future__ import annotations

import json

import pytest

from audioft.errors import ModelError
from audioft.inference.exported import about as said
from audioft.inference.exported import protobuf
from audioft.inference.exported.about import About
from audioft.models.hub import exported_file

ABOUT = About(
    audioft="0.1.0",
    name="dawn",
    labels=("élan", "wren"),
    multilabel=True,
    window=3.0,
    sample_rate=16000,
    min_samples=400,
    max_samples=None,
    seconds_per_frame=0.02,
    frame_level=False,
    family="wav2vec2",
    thresholds=(0.4, 0.6),
    band=(18_000.0, 80_000.0),
    time_expansion=None,
    measured={"clips": 12},
)


def model(path, graph: bytes = b"\x12\x03abc"):
    """A ModelProto by hand: its version, a producer, a graph and metadata of another program."""
    other = protobuf.entry("made_by", "hand")
    path.write_bytes(b"\x08\x0a" + b"\x12\x04hand" + b"\x3a" + bytes([len(graph)]) + graph + other)
    return path


@pytest.fixture
def written(tmp_path):
    path = model(tmp_path / "model.onnx")
    said.write(path, ABOUT)
    return path


def test_what_is_written_is_read(written):
    found, digest = said.read(written)
    assert found == ABOUT
    assert len(digest) == 64
    card = found.card
    assert (card.labels, card.thresholds, card.multilabel, card.window) == (("élan", "wren"), (0.4, 0.6), True, 3.0)
    assert card.measured == {}  # figures of the report, which an export does not have
    assert protobuf.metadata(written)[0]["made_by"] == "hand"


def test_onnx_reads_the_same(written):
    onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
    held = onnx.load_model_from_string(written.read_bytes())
    assert [p.key for p in held.metadata_props] == ["made_by", said.KEY]
    assert json.loads(held.metadata_props[1].value)["labels"] == ["élan", "wren"]


def test_what_is_written_again_takes_the_place_of_what_was(written):
    size = written.stat().st_size
    said.write(written, ABOUT)
    assert written.stat().st_size == size
    assert written.read_bytes().count(b"sha256_about") == 1


def test_what_is_no_number_is_null_as_json_has_it(tmp_path):
    path = model(tmp_path / "model.onnx")
    said.write(path, About(**vars(ABOUT) | {"measured": {"low": float("nan"), "high": 0.5}}))
    text = protobuf.metadata(path)[0][said.KEY]
    assert json.loads(text, parse_constant=pytest.fail)["measured"] == {"low": None, "high": 0.5}
    assert said.read(path)[0].measured == {"low": None, "high": 0.5}


def test_the_limit_of_a_window_is_that_of_the_encoder():
    assert About(**vars(ABOUT) | {"max_samples": 480_001, "band": None}).max_seconds == 30.0
    assert ABOUT.max_seconds == float("inf")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda b: b.replace(b"abc", b"abd"), "its graph changed"),
        (lambda b: b.replace(b"wren", b"wrem"), "its metadata changed"),
        (lambda b: b.replace(b'"window": 3.0', b'"window": 4.0'), "its metadata changed"),
        (lambda b: b[:-40], "its end is missing"),
        (lambda b: b[:12], "its end is missing"),
        (lambda b: b[:8], "there is no graph in it"),
        (lambda b: b"", "it is empty"),
        (lambda b: b"RIFF0000WAVEfmt ", "cannot be read as an ONNX file"),
        (lambda b: b.replace(b'"format_version": 1', b'"format_version": 9'), "format_version 9, this audioft reads 1"),
        (lambda b: b.replace(b'{"audioft"', b'["audioft"'), "is damaged"),
        (lambda b: b[: b.index(protobuf.entry("", "")[:1] + b"\x0f")], "as another program wrote it"),
    ],
)
def test_a_file_that_is_not_as_it_was_written_is_told(written, change, told):
    before = written.read_bytes()
    after = change(before)
    assert after != before
    written.write_bytes(after)
    with pytest.raises(ModelError, match=told.replace("(", r"\(")):
        said.read(written)


def test_another_programs_file_is_told_with_the_remedy(tmp_path):
    with pytest.raises(ModelError, match="audioft export"):
        said.read(model(tmp_path / "other.onnx"))


def test_a_folder_of_torch_stays_one_whatever_lies_in_it(written):
    assert exported_file(written.parent) == exported_file(written) == written
    (written.parent / "model.safetensors").touch()
    assert exported_file(written.parent) is None
    assert exported_file(written) == written
