"""An exported page in a real browser: what Python says is what it says, and it can be used."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from browser import opened, until

import audioft
from audioft.core.progress import Console

QUIET = Console(quiet=True)


@pytest.fixture(scope="module")
def exported(trained_several, tmp_path_factory):
    pytest.importorskip("onnxscript", reason="what exports models is not installed")
    return audioft.export(trained_several, out=tmp_path_factory.mktemp("onnx") / "chords", int8="no", console=QUIET)


@pytest.fixture(scope="module")
def page(exported, tmp_path_factory):
    return audioft.export(exported, "page", tmp_path_factory.mktemp("page") / "chords.html", console=QUIET)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory) -> list:
    """As people have them: long and short, of several rates, widths and channels."""
    folder, rng = tmp_path_factory.mktemp("recordings"), np.random.default_rng(0)
    files = []
    kinds = [
        (16000, "wav", "PCM_16", 1),
        (44100, "wav", "PCM_24", 2),
        (48000, "flac", "PCM_16", 2),
        (8000, "wav", "FLOAT", 1),
    ]
    for i in range(20):
        rate, ending, subtype, channels = kinds[i % len(kinds)]
        time = np.arange(int(rate * (0.1 + 0.37 * i))) / rate
        tones = sum(
            0.2 * np.sin(2 * np.pi * f * time) * (time % 2 < rng.uniform(0.3, 2)) for f in rng.uniform(200, 3000, 3)
        )
        sound = tones[:, None] + 0.01 * rng.standard_normal((len(time), channels))
        files.append(folder / f"{i}.{ending}")
        soundfile.write(files[-1], sound, rate, subtype=subtype)
    return files


@pytest.fixture(scope="module")
def shown(page):
    with opened(page, viewport={"width": 360, "height": 800}, color_scheme="dark") as shown:
        until(shown, lambda: shown.text_content("#status") == "Ready.")
        yield shown


def take(shown, files) -> None:
    """Give recordings to the page as a user does, and wait for the answers."""
    before = shown.locator("article").count()
    shown.set_input_files("#files", [str(f) for f in files])
    until(shown, lambda: shown.locator("article").count() == before + len(files))


def test_scores_are_those_of_python(shown, trained_several, recordings):
    model = audioft.load_model(trained_several)
    expected = [list(p.scores.values()) for p in model.predict(recordings)]
    timeline = model.timeline(recordings[-1])
    shown.evaluate(
        """() => { const given = document.createElement("input"); given.type = "file"; given.multiple = true;
        given.id = "more"; document.body.append(given); }"""
    )
    shown.set_input_files("#more", [str(f) for f in recordings])
    found = shown.evaluate(
        """async () => { const all = []; for (const f of document.getElementById("more").files) {
        const h = await audioft.hear(f); all.push([h.scores, h.moments, audioft.events(h.moments, audioft.rules())]); }
        document.getElementById("more").remove(); return all; }"""
    )
    assert max(np.abs(np.subtract(a, b[0])).max() for a, b in zip(expected, found, strict=True)) < 1e-3
    _, moments, events = found[-1]
    assert np.allclose([m["start"] for m in moments], timeline.moments.starts)
    assert np.abs(np.array([m["scores"] for m in moments]) - timeline.moments.scores).max() < 1e-3
    assert [(e["label"], e["start"], e["end"]) for e in events] == [
        (e.label, pytest.approx(e.start), pytest.approx(e.end)) for e in timeline.segments()
    ]


def test_a_recording_is_answered_drawn_played_and_saved(shown, recordings, tmp_path):
    take(shown, [recordings[-1]])
    article = shown.locator("article").first
    assert article.locator("h2").inner_text() == recordings[-1].name
    drawn = article.locator("canvas").evaluate(
        "(c) => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, 120).data.buffer)).size"
    )
    assert drawn > 20  # colours
    until(shown, lambda: article.locator("audio").evaluate("(a) => a.duration") == pytest.approx(7.13, abs=0.02))
    with shown.expect_download() as saved:
        article.get_by_role("button", name="Audacity labels").click()
    saved.value.save_as(tmp_path / "labels.txt")
    rows = article.locator("tbody tr").count()
    assert len((tmp_path / "labels.txt").read_text("utf-8").splitlines()) == rows
    shown.fill("#threshold", "0.01")
    shown.locator("#threshold").blur()
    until(shown, lambda: article.locator("tbody tr").count() > 0)
    shown.fill("#threshold", "")
    shown.locator("#threshold").blur()


def test_what_cannot_be_heard_is_told_and_the_rest_goes_on(shown, recordings, tmp_path):
    (tmp_path / "notes.txt").write_text("no sound")
    (tmp_path / "empty.wav").write_bytes(b"")
    soundfile.write(tmp_path / "silent.wav", np.zeros(16000), 16000)
    soundfile.write(tmp_path / "blink.wav", np.ones(100) * 0.1, 16000)
    names = ["notes.txt", "empty.wav", "silent.wav", "blink.wav"]
    take(shown, [*(tmp_path / n for n in names), recordings[5]])
    said = [shown.locator("article").nth(i).inner_text() for i in range(5)]
    assert recordings[5].name in said[0]
    for name, told, why in zip(reversed(names), said[1:], ("ms long", "silent", "empty", "cannot decode"), strict=True):
        assert name in told
        assert why in told


def test_the_microphone_is_heard_until_it_is_stopped(shown):
    before = shown.locator("article").count()
    shown.click("#microphone")
    until(shown, lambda: shown.inner_text("#live-answer") != "" if shown.is_visible("#live") else False)
    shown.click("#microphone")
    until(shown, lambda: shown.locator("article").count() == before + 1)
    assert shown.locator("article").first.locator("h2").inner_text().startswith("microphone")


def test_nothing_leaves_the_machine(shown):
    # whatever ran in the page: requests of every kind are refused, and none was seen on the network
    tried = shown.evaluate(
        """async () => { const refused = [];
        addEventListener("securitypolicyviolation", (e) => refused.push(e.effectiveDirective));
        const at = "https://example.org/";
        await fetch(at).catch(() => refused.push("fetch"));
        try { navigator.sendBeacon(at, "x"); } catch { refused.push("beacon"); }
        new Image().src = at; try { new WebSocket("wss://example.org/"); } catch { refused.push("socket"); }
        const frame = document.createElement("iframe"); frame.src = at; document.body.append(frame);
        await new Promise((done) => setTimeout(done, 300)); frame.remove(); return refused; }"""
    )
    assert {"connect-src", "img-src", "frame-src", "fetch"} <= set(tried)
    assert shown.asked == []
    assert shown.failures == []


def test_nothing_sticks_out_on_a_phone(shown):
    assert shown.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_browser_without_simd_is_told(page):
    with opened(page) as shown:
        shown.add_init_script("WebAssembly.validate = () => false;")
        shown.reload()
        until(shown, lambda: "SIMD" in shown.text_content("#status"))
        assert shown.is_disabled("#files")


def test_a_folder_opens_from_the_disk_and_says_what_is_missing(exported, recordings, tmp_path):
    page = audioft.export(exported, "page", tmp_path / "site", console=QUIET)
    with opened(page) as shown:
        until(shown, lambda: shown.text_content("#status") == "Ready.")
        take(shown, recordings[:1])
    (tmp_path / "site" / "parts" / "model-0.js").unlink()
    with opened(page) as shown:
        until(shown, lambda: "parts/model-0.js is missing" in shown.text_content("#status"))
