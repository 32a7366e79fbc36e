"""The report's page: in itself, whatever is in it is text, and it leads from figures to the clips behind them."""

from __future__ import annotations

import base64
import io
import re
import warnings
from xml.etree import ElementTree

import numpy as np
import pages
import pytest
import soundfile
from made_predictions import multi, predictions, single

from audioft.annotations.event import Event
from audioft.data.clip import Clip
from audioft.evaluation import charts
from audioft.evaluation.clip_report import make_report
from audioft.evaluation.event_counts import Heard
from audioft.evaluation.event_report import make_event_report
from audioft.evaluation.html import Beside, as_html, write_html
from audioft.evaluation.mistakes import in_clips, in_events
from audioft.evaluation.page.confusion import anchor, matrix

EVIL = ("<script>alert(1)</script>", "$\\frac{$", "犬 & \"'\u202e", "\x1b]\n\udcff")
HISTORY = [{"kind": "train", "step": i, "epoch": i / 10, "loss": 2 / (i + 1), "lr": 1e-4} for i in range(50)]
HISTORY += [{"kind": "valid", "step": 10 * i, "epoch": float(i), "loss": 1.0, "accuracy": 0.1 * i} for i in range(5)]
HISTORY += [{"kind": "train", "step": 51, "epoch": 5.1, "loss": float("nan"), "lr": None}]
BAD = [[f"<b>{i}\udcff.wav", "", "", "open", "the file is <empty>"] for i in range(300)]


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """Sixty clips on disk that are a second long, and one of twenty seconds."""
    folder = tmp_path_factory.mktemp("sounds")
    random = np.random.default_rng(0)
    made = []
    for i in range(60):
        path = folder / f"{i}.wav"
        soundfile.write(path, random.uniform(-0.5, 0.5, 16000 * (20 if i == 0 else 1)), 16000)
        made.append(Clip(path, f"<i>{i}</i> \udcff.wav"))
    return made


def written(folder, report, mistakes=None, **beside):
    path = folder / "new" / "report.html"
    about = {"title": "<i>", "data": {"path": "<b>\udcff"}, "seed": 7, "x": None}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_html(path, report, HISTORY, about, Beside(mistakes, **beside))
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(tmp_path_factory, sounds):
    p = single(0)
    p = predictions(p.scores, p.targets, labels=EVIL)
    report = make_report(p, "test", resamples=10)
    found = in_clips(p, sounds, None, 16000)
    return written(tmp_path_factory.mktemp("html"), report, found, bad=BAD, kept=3)


def test_it_is_in_itself_and_what_a_user_wrote_is_text(page):
    found = pages.check(page)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert EVIL[0] in found.text
    assert "\x1b" not in page
    assert {"i", "b"} & {tag for tag, _ in found.tags} <= {"i", "b"}
    assert not any("\udcff" in (v or "") for _, a in found.tags for v in a.values())
    (policy,) = [a["content"] for a in found.all("meta") if "http-equiv" in a]
    assert "default-src 'none'" in policy
    assert "script" not in policy


def test_it_begins_with_a_sentence_and_says_each_figure_once_from_afar(page):
    found = pages.check(page)
    said = re.search(r'<p class="said">(.*?)</p>', page)[1]
    assert re.fullmatch(r"Right in \d+ of 100; weakest: .*, taken for .*; 60 clips, so between \d+ and \d+\.", said)
    tiles = re.findall(r'<div class="tile[^"]*">([^<]*)<b>', page)
    assert len(tiles) == len(set(tiles)) <= 4
    for part in ("Confusion", "Labels", "Mistakes", "Training", "All figures", "About this run"):
        assert part in found.text


def test_too_few_clips_are_told_before_the_figures(tmp_path):
    few, enough = (as_html(make_report(single(0, count=n), "test", resamples=10), [], {}) for n in (6, 60))
    assert few.index("Too few clips to say much") < few.index("test: 6 clips") < few.index('class="tile')
    assert "Too few" not in enough
    assert "its 95 % interval" in enough
    assert "its 95 % interval" not in as_html(make_report(single(0), "test", resamples=0), [], {})


def test_every_confused_pair_leads_to_its_clips(page):
    found = pages.check(page)
    p = single(0)
    wrong = {(int(t), int(g)) for t, g in zip(p.targets.argmax(1), p.scores.argmax(1), strict=True) if t != g}
    assert {anchor(pair) for pair in wrong} <= set(found.ids())
    links = {str(a["href"]) for a in found.all("a")}
    assert {f"#{anchor(pair)}" for pair in wrong} <= links
    rows = re.findall(r'<tbody id="pair-[^"]*">(.*?)</tbody>', page, re.DOTALL)
    assert sum(row.count("<audio") for row in rows) == sum(p.targets.argmax(1) != p.scores.argmax(1))


def test_a_player_plays_what_the_encoder_hears_ten_seconds_at_most(page, sounds):
    lengths = []
    for player in pages.check(page).all("audio"):
        samples, rate = soundfile.read(io.BytesIO(base64.b64decode(player["src"].partition(",")[2])))
        assert rate == 16000
        lengths.append(len(samples))
        own = next(c for c in sounds if player["aria-label"].startswith(c.name.replace("\udcff", "�")))
        original = soundfile.read(own.path)[0][: len(samples)]
        assert np.abs(samples - original).max() < 0.5 / 1000  # 66 dB below the loudest
    assert max(lengths) <= 160_000


def test_the_surest_are_heard_first_and_what_is_not_is_said(tmp_path, sounds):
    p = single(0)
    report, found = make_report(p, "test", resamples=0), in_clips(p, sounds, None, 16000)
    few = written(tmp_path, report, found, players=3)
    assert few.count("<audio") == 3
    assert few.count("no player") == found.total - 3
    heard = {a["aria-label"].rsplit(",", 1)[0] for a in pages.check(few).all("audio")}
    assert heard == {m.clip.key.replace("\udcff", "�") for m in found.listed[:3]}
    assert f"3 of {found.total} can be heard" in few
    none = written(tmp_path, report, found, players=0)
    assert "<audio" not in none
    assert "data:audio" not in none
    assert "evaluate.players=0" in none


def test_a_clip_that_is_gone_is_listed_without_a_player(tmp_path, sounds):
    p = single(0)
    gone = [Clip(tmp_path / "gone.wav", c.name) for c in sounds]
    text = written(tmp_path, make_report(p, "test", resamples=0), in_clips(p, gone, None, 16000))
    assert "<audio" not in text
    assert "0 of " in text


def test_bad_recordings_are_listed_and_the_rest_counted(page):
    assert "Recordings that could not be used: 300" in page
    assert page.count("the file is &lt;empty&gt;") == 200
    assert "And 100 more, see bad_files.csv." in page


def test_several_labels_lead_to_what_was_missed_and_made_up(tmp_path, sounds):
    p = multi(0)
    report, found = make_report(p, "test", resamples=10), in_clips(p, sounds, None, 16000)
    text = written(tmp_path, report, found, players=1)
    page = pages.check(text)
    assert {a["href"] for a in page.all("a")} >= {"#pair-0-none", "#pair-none-0"}
    assert "threshold" in page.text
    assert 'class="matrix"' not in text
    assert re.search(r"Finds \d+ of 100 labels that clips have; \d+ of 100 that it gives are right; weakest", page.text)


def test_events_lead_to_what_was_missed_and_made_up(tmp_path, sounds):
    true = [Event("dog", 1, 2), Event("cat", 4, 5)]
    heard = [Heard("a", 20.0, true, [Event("dog", 1.5, 2.5, 0.9), Event("cat", 8, 9, 0.8)])]
    labels = ("cat", "dog")
    report = make_event_report(labels, heard, [(np.ones((2, 2)) / 2, np.eye(2))], "test", (0.5, 0.5), resamples=0)
    found = in_events(labels, heard, [sounds[0]], 16000)
    assert [(m.pair, m.times, m.clip.start, m.clip.end) for m in found.listed] == [
        ((-1, 0), (8, 9), 7.0, 10.0),
        ((0, -1), (4, 5), 3.0, 6.0),
    ]
    text = written(tmp_path, report, found)
    page = pages.check(text)
    assert len(page.all("audio")) == 2
    assert "cat: 1 event in which nothing was found" in page.text
    assert "Finds " in page.text


@pytest.mark.parametrize(("classes", "count"), [(2, 40), (20, 200), (21, 200), (120, 400), (500, 4000)])
def test_a_confusion_matrix_of_any_size_is_valid_svg(classes, count):
    report = make_report(single(0, count=count, classes=classes), "test", resamples=0)
    counts = np.array(report.confusion)
    everywhere = {anchor((i, j)) for i, j in np.argwhere(counts).tolist()}
    text = matrix(report.labels, report.confusion, everywhere)
    picture = ElementTree.fromstring(text)
    texts = ["".join(t.itertext()) for t in picture.iter("text")]
    assert all(label in texts for label in report.labels) == (classes <= 120)
    assert (str(np.diag(counts).max()) in texts) == (classes <= 20)
    linked = [a.get("href") for a in picture.iter("a")]
    off = int((counts > 0).sum() - (np.diag(counts) > 0).sum())
    assert len(linked) == (off if (counts > 0).sum() <= 2000 else len(linked))
    drawn = sum(p.get("d").count("M") for p in picture.iter("path"))
    rects = sum(1 for r in picture.iter("rect") if r.get("fill") != "none")
    assert drawn + rects == (counts > 0).sum()


def test_the_kept_epoch_is_marked_and_epochs_are_whole():
    picture = charts.loss_chart(HISTORY, kept=3)
    assert "kept: epoch 3" in picture
    assert "kept" not in charts.loss_chart(HISTORY)
    for epochs in (1, 2, 30):
        rows = [{"kind": "valid", "step": i, "epoch": float(i), "loss": 1.0 / i} for i in range(1, epochs + 1)]
        figure = charts._lines(rows, "loss", {"valid": ("loss",)}, kept=1)
        ticks = figure.axes[0].get_xticks()
        assert (ticks == np.round(ticks)).all()


def test_a_picture_is_the_same_again_and_ids_of_two_do_not_meet():
    first, again = charts.loss_chart(HISTORY), charts.loss_chart(HISTORY)
    assert first == again
    same = {"train": ("loss",), "valid": ("loss",)}
    other = charts._chart("another", lambda: charts._lines(HISTORY, "loss", same))
    clip = r'clipPath id="([^"]+)"'
    assert not set(re.findall(clip, first)) & set(re.findall(clip, other))


def test_pictures_have_colours_that_go_dark_with_the_page(page):
    svg = "".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL))
    assert not re.findall(r"(?:fill|stroke): #[0-9a-f]{6}", svg)
    assert "prefers-color-scheme: dark" in page
