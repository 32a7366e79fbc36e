"""The measure of `mini`: which clips are learnt from, which are tested, and what the command prints."""

from __future__ import annotations

from pathlib import Path

import makers
import numpy as np
import pytest
import tiny

from audioft.assets import probe_mini
from audioft.assets.random_twin import twin


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Three sounds in five folds; four and six speakers, each a tone, with utterances and folds."""
    root = tmp_path_factory.mktemp("data")
    table(
        root / "esc10",
        "file_name,label,fold,source_id",
        [
            (f"{label}{fold}{take}.wav,{label},{fold},{fold}{take}", hz, 1.0)
            for label, hz in makers.PITCHES.items()
            for fold in range(1, 6)
            for take in range(2)
        ],
    )
    table(
        root / "librispeech-10spk",
        "file_name,speaker,utterance",
        [(f"{s}-{u}.wav,{s},{u}", 200.0 * (s + 1), 6.0 if u != 7 else 3.5) for s in range(4) for u in (3, 5, 7)],
    )
    table(
        root / "librispeech-251spk",
        "file_name,speaker,fold",
        [(f"{s}.wav,{s},{5 if s < 4 else 1}", 200.0 * (s + 1), 9.0) for s in range(6)],
    )
    return root


def table(folder: Path, head: str, rows: list[tuple[str, float, float]]) -> None:
    for i, (row, hz, seconds) in enumerate(rows):
        makers.tone(folder / row.split(",")[0], hz, seconds, seed=i)
    (folder / "metadata.csv").write_text("\n".join([head, *(row for row, *_ in rows), ""]), encoding="utf-8")


def test_what_is_learnt_from_and_what_is_tested(data):
    sounds, speakers = probe_mini.tasks(data)
    folds = np.array([f for _ in makers.PITCHES for f in (1, 1, 2, 2, 3, 3, 4, 4, 5, 5)])
    assert [(set(folds[a]), set(folds[b])) for a, b in sounds.splits] == [({1, 2, 3}, {4}), ({1, 2, 3}, {5})]
    ((learn, test),) = speakers.splits
    assert {len(clip) for clip in speakers.waveforms} == {2 * probe_mini.RATE}
    assert {g.split("-")[1] for g in speakers.groups[learn]} == {"3.wav"}, "the first utterance of each"
    assert {g.split("-")[1] for g in speakers.groups[test]} == {"5.wav", "7.wav"}
    assert (learn.sum(), test.sum()) == (4 * 2, 4 * (2 + 1)), "two pieces of 6 s, one of 3.5 s"


def test_held_out_parts_are_none_that_mini_is_measured_on(data):
    sounds, speakers = probe_mini.tasks(data, held_out=True)
    folds = np.array([f for _ in makers.PITCHES for f in (1, 1, 2, 2, 3, 3, 4, 4, 5, 5)])
    assert [(set(folds[a]), set(folds[b])) for a, b in sounds.splits] == [({1, 2}, {3})]
    assert speakers.name == "4 speakers, 2 s"
    assert set(speakers.labels) == {"0", "1", "2", "3"}
    ((learn, test),) = speakers.splits
    assert learn.sum() == 4
    assert not (learn & test).any()
    assert test.sum() == 4 * 2, "9 s hold three pieces half a second apart, from the second second on"


@pytest.mark.parametrize("options", [[], ["--held-out"]])
def test_the_command_prints_both_tasks(options, data, tmp_path, capsys):
    encoder = tiny.save_encoder(tmp_path / "encoder", "wav2vec2")
    assert probe_mini.main([str(encoder), str(data), *options]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:10] for line in lines] == ["10 sounds ", f"{4 if options else 10} speakers"[:10]]
    if not options:
        assert all("log-mel 1.000" in line for line in lines), "tones of other pitches are easily told apart"
    assert all(
        f" {n} tested" in line for n, line in zip((6 if options else 12, 8 if options else 12), lines, strict=True)
    )


def test_what_is_missing_is_said(data, tmp_path, capsys):
    encoder = tiny.save_encoder(tmp_path / "encoder", "wav2vec2")
    assert probe_mini.main([str(encoder)]) == 2
    assert "usage" in capsys.readouterr().err
    assert probe_mini.main([str(encoder), str(tmp_path)]) == 1
    assert f"{tmp_path / 'esc10' / 'metadata.csv'}: no such file" in capsys.readouterr().err
    (tmp_path / "esc10").mkdir()
    (tmp_path / "esc10" / "metadata.csv").write_text("file_name,label\na.wav,a\n", encoding="utf-8")
    assert probe_mini.main([str(encoder), str(tmp_path)]) == 1
    assert "fold is missing" in capsys.readouterr().err


def test_the_twin_of_a_whisper_is_its_encoder_alone():
    encoder = tiny.make_encoder("whisper")
    found = twin(encoder)
    assert found.num_layers == encoder.num_layers
    assert found.canvas_samples == encoder.canvas_samples
