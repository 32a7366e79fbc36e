"""`audioft explain` of recordings and models that are not as usual: each is told, none ends in a traceback."""

from __future__ import annotations

import makers
import numpy as np
import pytest
import soundfile

import audioft

RATE = 16000
HOW = {"neighbours": 0, "console": audioft.Console(quiet=True)}


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """Shorter than a frame of the check, digital silence, samples that are no numbers, faint, and an empty file."""
    folder, noise = tmp_path_factory.mktemp("odd"), 0.1 * np.random.default_rng(0).standard_normal(RATE)
    broken = noise.copy()
    broken[RATE * 3 // 4 :] = np.nan
    waves = {"short": noise[:420], "shorter": noise[:99], "silence": 0 * noise, "nan": broken, "faint": 1e-4 * noise}
    for name, wave in waves.items():
        soundfile.write(folder / f"{name}.wav", wave.astype(np.float32), RATE, subtype="FLOAT")
    (folder / "empty.wav").write_bytes(b"")
    return folder


def assert_explained(model, odd, name="the model") -> None:
    found = {one.path.rsplit("/", 1)[-1]: one for one in audioft.explain(model, odd, **HOW)}
    for path in ("short.wav", "nan.wav", "faint.wav"):
        assert np.isfinite(found[path].evidence).all(), (name, path)
        assert found[path].evidence.size
        assert abs(found[path].evidence.sum() - (found[path].whole - found[path].background)) < 1e-3
        assert 0 <= found[path].silent <= 1
    assert "not finite" in str(found["nan.wav"].error)
    assert found["nan.wav"].end <= 0.75
    for path, said in (("silence.wav", "silent"), ("shorter.wav", "25 ms"), ("empty.wav", "empty")):
        assert said in str(found[path].error)
        assert not found[path].evidence.size


def test_what_can_be_heard_of_odd_recordings_is_explained(trained, odd, tmp_path, audioft_command):
    assert_explained(trained, odd)
    code, out, err = audioft_command("explain", trained.folder / "model", odd, "--out", tmp_path / "why")
    assert code == 1
    assert len(out.splitlines()) == 3
    assert "at no moment more than at others" in next(line for line in out.splitlines() if "short.wav" in line)
    assert "Traceback" not in err
    assert {p.name for p in (tmp_path / "why").glob("*.html")} == {"short.html", "nan.html", "faint.html"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ast", "whisper"])
def test_models_that_hear_a_canvas_of_one_length(kind, encoder_folder, two_tones, odd, tmp_path):
    run = makers.train(two_tones, encoder_folder(kind), tmp_path / "run", data__max_seconds=2.0)
    assert_explained(run, odd, kind)


@pytest.mark.slow
def test_a_model_that_labels_frames(small_encoder, tmp_path):
    (tmp_path / "data").mkdir()
    rows, rng = ["file_name,start,end,label"], np.random.default_rng(0)
    for i in range(8):
        wave = 0.01 * rng.standard_normal(2 * RATE)
        for label, hz in (("high", 2400.0), ("low", 300.0)):
            start = int(rng.uniform(0, 1.5) * RATE)
            wave[start : start + 8000] += 0.3 * np.sin(2 * np.pi * hz * np.arange(8000) / RATE)
            rows.append(f"{i}.wav,{start / RATE:.4f},{start / RATE + 0.5:.4f},{label}")
        soundfile.write(tmp_path / "data" / f"{i}.wav", wave, RATE)
    (tmp_path / "data" / "metadata.csv").write_text("\n".join([*rows, ""]), encoding="utf-8")
    run = makers.train(tmp_path / "data", small_encoder, tmp_path / "run", events__use="frames")
    found = []
    told = audioft.explain_side(run, tmp_path / "data", true_label=True, limit=4, each=found.append, **HOW)
    assert [one.true for one in found] == [(one.label,) for one in found], "of the stretches that have a label"
    assert sum(one.recordings for one in told.values()) <= 4 == len(found)
    of_run = []
    audioft.explain_side(run, side="all", limit=2, true_label=True, each=of_run.append, **HOW)
    assert [one.label for one in of_run] == ["high", "low"] * 2, "each label of a whole recording"
