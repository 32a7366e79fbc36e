"""`audioft doctor --recording`: each layer is told, and why a recording would not be used."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

import audioft

RATE = 16000
TONE = (0.5 * np.sin(np.arange(2 * RATE) / 10)).astype(np.float32)


def found_of(path):
    return {f.name: f for f in audioft.doctor(recording=path)}


def test_a_good_recording(tmp_path, audioft_command):
    soundfile.write(tmp_path / "a.flac", TONE, RATE)
    found = found_of(tmp_path / "a.flac")
    assert list(found) == ["bytes", "header", "decoder", "resampled", "use"]
    assert found["header"].found == "FLAC PCM_16, 16000 Hz, 1 channel, 2.000 s"
    assert found["decoder"].found.startswith("2.000 s at 16000 Hz, peak -6.0 dB, mean level -9.0 dB")
    assert all(f.remedy is None for f in found.values())
    code, out, _ = audioft_command("doctor", "--recording", str(tmp_path / "a.flac"))
    assert code == 0
    assert "it would be used" in out
    assert "torch" not in out


def ultrasonic():
    return np.sin(2 * np.pi * 40_000 * np.arange(384_000) / 384_000), 384_000


@pytest.mark.parametrize(
    ("make", "layer", "reason"),
    [
        (lambda: (np.zeros(RATE), RATE), "use", "silent"),
        (lambda: (TONE[:100], RATE), "use", "ms long"),
        (lambda: (np.stack([TONE, -TONE], 1), RATE), "note", "cancel"),
        (lambda: (np.stack([TONE, 0 * TONE], 1), RATE), "note", "channel 2 is dead"),
        (ultrasonic, "note", "100 % of its energy lies above 8 kHz"),
    ],
)
def test_what_is_wrong_with_it(tmp_path, make, layer, reason):
    soundfile.write(tmp_path / "a.wav", *make(), subtype="PCM_16")
    found = found_of(tmp_path / "a.wav")
    assert reason in found[layer].found
    assert (found["use"].remedy is None) == (layer == "note")


def test_what_cannot_be_opened_or_breaks_off(tmp_path, audioft_command):
    (tmp_path / "text.wav").write_text("hello")
    assert "not audio" in found_of(tmp_path / "text.wav")["header"].found
    assert "No such file" in found_of(tmp_path / "none.wav")["bytes"].found
    soundfile.write(tmp_path / "a.flac", np.random.default_rng(0).normal(0, 0.1, RATE), RATE)
    data = (tmp_path / "a.flac").read_bytes()
    (tmp_path / "a.flac").write_bytes(data[: len(data) // 2])
    found = found_of(tmp_path / "a.flac")
    assert "header promises 1.00 s" in found["decoder"].found
    assert found["use"].remedy is not None
    code, out, _ = audioft_command("doctor", "--recording", str(tmp_path / "a.flac"))
    assert code == 1
    assert "would not be used (decode)" in out


def test_what_follows_a_recording_in_its_file(tmp_path):
    path = tmp_path / "a.flac"
    soundfile.write(path, TONE, RATE)
    one = path.read_bytes()
    path.write_bytes(3 * one)
    found = found_of(path)
    assert found["header"].found.endswith("6.000 s, 3 recordings one after the other")
    assert found["decoder"].found.startswith("6.000 s")
    assert found["use"].remedy is None
    soundfile.write(tmp_path / "a.wav", TONE, RATE)
    with (tmp_path / "a.wav").open("ab") as file:
        file.write(np.random.default_rng(0).bytes(9000))
    found = found_of(tmp_path / "a.wav")
    assert "bytes after its end are not heard" in found["note"].found
    assert found["decoder"].found.startswith("2.000 s")


def test_how_quiet_it_may_be(tmp_path):
    for subtype, used in (("PCM_24", True), ("PCM_16", False)):
        soundfile.write(tmp_path / "a.wav", 1e-5 * TONE, RATE, subtype=subtype)
        found = found_of(tmp_path / "a.wav")
        assert (found["use"].remedy is None) == used
        assert "very quiet" in found["note"].found if used else "silent" in found["use"].found
