"""What the page computes by itself is what audioft computes: rates, windows, moments, events, formats."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
import soundfile
import soxr
from browser import opened

from audioft.annotations import audacity
from audioft.annotations.event import Event
from audioft.annotations.segments import segments
from audioft.audio.windows import spans
from audioft.inference.timeline import Averager, Scores
from audioft.tasks.export.page import writing

LABELS = ["dog", "rain", "nothing"]
ABOUT = {
    "name": "three", "labels": LABELS, "multilabel": False, "thresholds": None, "window": 1.0, "segments": None,
    "background": "nothing", "sample_rate": 16000, "time_expansion": None, "band": None, "min_samples": 400,
    "max_samples": None, "seconds_per_frame": 0.02, "frame_level": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    (folder / "model.onnx").write_bytes(b"no model")
    page = writing.write(folder / "model.onnx", ABOUT, folder / "page.html")
    with opened(page) as shown:
        yield shown


@pytest.mark.parametrize(("source", "target"), [(44100, 16000), (8000, 16000), (22255, 16000), (384000, 16000)])
def test_rates_are_changed_as_soxr_does(shown, source, target):
    # a tone, noise and a step, in blocks of odd sizes
    rng = np.random.default_rng(0)
    samples = 0.2 * rng.standard_normal(source // 10).astype(np.float32)
    samples += np.sin(2 * np.pi * 0.02 * np.arange(len(samples))).astype(np.float32)
    found = shown.evaluate(
        """([samples, source, target]) => { const r = new audioft.Resampler(source, target); const out = [];
        for (let i = 0; i < samples.length; i += 1009)
            out.push(...r.push(Float32Array.from(samples.slice(i, i + 1009))));
        return [...out, ...r.finish()]; }""",
        [samples.tolist(), source, target],
    )
    expected = soxr.resample(samples, source, target, quality="HQ")
    assert abs(len(found) - len(expected)) <= 1
    count = min(len(found), len(expected))
    error = np.sqrt(np.mean((np.array(found[:count]) - expected[:count])[100:-100] ** 2))
    assert error < 0.02 * np.sqrt(np.mean(expected**2))  # the slopes of two filters differ, above 7.3 kHz


@pytest.mark.parametrize("total", [1, 399, 400, 401, 600, 1000, 1001, 4000])
@pytest.mark.parametrize("hop", [400, 200, 133])
def test_windows_lie_where_they_lie(shown, total, hop):
    found = shown.evaluate(
        """([total, hop]) => { const c = new audioft.Cutter(400, hop); const out = [];
        const block = Float32Array.from({ length: total }, (_, i) => i);
        for (let i = 0; i < total; i += 37) out.push(...c.push(block.slice(i, i + 37)));
        return [...out, ...c.finish()].map(([start, wave]) => [start, wave[0], wave.at(-1)]); }""",
        [total, hop],
    )
    assert found == [[start, start, stop - 1] for start, stop in spans(total, 400, hop)]


@pytest.mark.parametrize("frames", [1, 7])
def test_moments_are_the_mean_of_what_covers_them(shown, frames):
    rng = np.random.default_rng(frames)
    starts = [0.0, 0.5, 1.0, 1.25, 1.75]
    stretches = []
    for start in starts:
        edges = start + np.linspace(0, 1, frames + 1)
        stretches.append(Scores(edges[:-1], edges[1:], rng.random((frames, 3))))
    averager = Averager()
    parts = [*(averager.add(s) for s in stretches), averager.finish()]
    expected = Scores.joined([p for p in parts if len(p)], 3)
    given = [{"starts": s.starts.tolist(), "ends": s.ends.tolist(), "scores": s.scores.tolist()} for s in stretches]
    found = shown.evaluate(
        "(all) => { const a = new audioft.Averager(); return [...all.flatMap((s) => a.add(s)), ...a.finish()]; }", given
    )
    assert np.allclose([m["start"] for m in found], expected.starts)
    assert np.allclose([m["end"] for m in found], expected.ends)
    assert np.allclose([m["scores"] for m in found], expected.scores)


@pytest.mark.parametrize("seed", range(8))
def test_events_are_the_same_events(shown, seed):
    rng = np.random.default_rng(seed)
    ends = np.cumsum(rng.choice([0.25, 0.5, 1.0], 60))
    starts = np.concatenate([[0.0], ends[:-1]]) + np.where(rng.random(60) < 0.1, 0.1, 0)  # with holes
    scores = rng.random((60, 3))
    how = {"release": 0.7, "min_seconds": 0.5, "close_gaps": 0.3}
    expected = segments(starts, ends, scores, LABELS, [0.6, 0.7, 0.5], skip=("nothing",), **how)
    moments = [
        dict(zip(("start", "end", "scores"), m, strict=True))
        for m in zip(starts.tolist(), ends.tolist(), scores.tolist(), strict=True)
    ]
    rules = {"labels": LABELS, "thresholds": [0.6, 0.7, 0.5], "background": "nothing"}
    rules |= {"release": 0.7, "minSeconds": 0.5, "closeGaps": 0.3}
    found = shown.evaluate("([moments, rules]) => audioft.events(moments, rules)", [moments, rules])
    assert [(e["label"], e["start"], e["end"], e["score"]) for e in found] == [
        (e.label, e.start, e.end, e.score) for e in expected
    ]


def heard(shown, content: bytes, name: str = "a.wav") -> dict:
    """What the page reads of a file: rate, seconds and samples."""
    return shown.evaluate(
        """async ([text, name]) => { const file = new File([Uint8Array.from(atob(text), (l) => l.charCodeAt(0))], name);
        try { const s = await audioft.sound(file); const out = []; for await (const b of s.blocks()) out.push(...b);
        return { ...s, samples: out }; } catch (e) { return { error: e.message }; } }""",
        [base64.b64encode(content).decode(), name],
    )


def written(samples: np.ndarray, rate: int, form: str, subtype: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=form, subtype=subtype)
    return file.getvalue()


@pytest.mark.parametrize(
    ("form", "subtype", "rate"),
    [
        *(("WAV", subtype, 8000) for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW")),
        *(("WAVEX", "PCM_16", 384000), ("RF64", "PCM_16", 44100), ("FLAC", "PCM_16", 22050)),
        *(("OGG", "VORBIS", 44100), ("MP3", "MPEG_LAYER_III", 44100)),
    ],
)
def test_files_are_read_at_their_own_rate(shown, form, subtype, rate):
    samples = 0.5 * np.sin(2 * np.pi * 300 * np.arange(rate // 5) / rate)
    samples = np.stack([samples, 0.5 * samples], 1)
    content = written(samples, rate, form, subtype)
    found = heard(shown, content)
    assert found.get("rate") == rate, found
    expected = soundfile.read(io.BytesIO(content), dtype="float32")[0].mean(1)
    if form in ("OGG", "MP3"):  # decoders differ in how much they leave out at both ends
        assert found["seconds"] == pytest.approx(0.2, abs=0.06)
    else:
        assert len(found["samples"]) == len(expected)
        assert np.abs(np.array(found["samples"]) - expected).max() < 1e-4


def test_files_that_are_not_whole(shown):
    whole = written(0.5 * np.sin(np.arange(16000)), 16000, "WAV", "PCM_16")
    assert heard(shown, whole[:16044])["broken"] == "it breaks off at 0.50 s"
    unsaid = whole[:40] + b"\xff\xff\xff\xff" + whole[44:]  # a recorder that streamed
    assert (heard(shown, unsaid)["seconds"], heard(shown, unsaid)["broken"]) == (1.0, "")
    assert "empty" in heard(shown, b"")["error"]
    assert "cannot decode" in heard(shown, b"no sound at all" * 100)["error"]


def test_what_is_downloaded_is_read_again(shown, tmp_path):
    events = [
        {"label": "dog, big", "start": 0.5, "end": 1.25, "score": 0.875},
        {"label": "a\tb", "start": 2, "end": 3, "score": 0.5},
    ]
    (tmp_path / "a.txt").write_text(shown.evaluate("(e) => audioft.audacity(e)", events), "utf-8")
    assert audacity.read(tmp_path / "a.txt") == [Event("dog, big", 0.5, 1.25), Event("a b", 2.0, 3.0)]
    table = shown.evaluate("(e) => audioft.eventTable('a \"b\".wav', e)", events)
    assert table.splitlines()[1] == '"a ""b"".wav",0.500,1.250,"dog, big",0.8750'


def test_a_model_that_is_none_is_told(shown):
    assert shown.text_content("#status").startswith("The model cannot run here:")
    assert shown.asked == []
