from __future__ import annotations

import re
import warnings
from xml.etree import ElementTree

import numpy as np
import pytest
from made_predictions import multi, predictions, single

from audioft.evaluation import charts
from audioft.evaluation.clip_report import make_report
from audioft.evaluation.html import as_html, write_html

EVIL = ("<script>alert(1)</script>", "$\\frac{$", "犬 & \"'", "\x1b]\n")
HISTORY = [{"kind": "train", "step": i, "epoch": i / 10, "loss": 2 / (i + 1), "lr": 1e-4} for i in range(50)]
HISTORY += [{"kind": "valid", "step": 10 * i, "epoch": float(i), "loss": 1.0, "accuracy": 0.1 * i} for i in range(5)]
HISTORY += [{"kind": "train", "step": 51, "epoch": 5.1, "loss": float("nan"), "lr": None}]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    p = single(0)
    report = make_report(predictions(p.scores, p.targets, labels=EVIL), "test", resamples=10)
    path = tmp_path_factory.mktemp("html") / "new" / "report.html"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_html(path, report, HISTORY, {"title": "<i>", "data": {"path": "<b>\udcff"}, "seed": 7, "x": None})
    return path.read_text(encoding="utf-8")


def test_it_needs_no_network(page):
    addresses = set(re.findall(r"https?://[^\s\"'<>)]+", page))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    references = re.findall(r"(?:src|href)\s*=\s*\"([^\"]*)|url\(([^)]*)\)", page)
    assert all(a.startswith(("data:", "#")) if a else b.startswith("#") for a, b in references)


def test_what_a_user_wrote_is_text_and_never_markup(page):
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<b>" not in page.split("About this run")[1]
    assert "<i>" not in page
    assert "\x1b" not in page


def test_it_has_pictures_tables_and_what_was_told(page):
    assert page.count("<svg") == 5
    assert "data.path" in page
    for word in ("learning rate", "accuracy", "Confusion", "F1 by label", "犬 &amp;"):
        assert word in page


def test_too_few_clips_are_told_before_the_figures(tmp_path):
    few, enough = (as_html(make_report(single(0, count=n), "test", resamples=10), [], {}) for n in (6, 60))
    assert few.index("Too few clips to say much") < few.index("test: 6 clips") < few.index('class="card')
    assert "Too few" not in enough
    assert "its 95 % interval" in enough
    assert "its 95 % interval" not in as_html(make_report(single(0), "test", resamples=0), [], {})


def test_without_training_and_with_several_labels_it_has_no_curves(tmp_path):
    write_html(tmp_path / "r.html", make_report(multi(0), "test", resamples=0), [], {})
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 1
    assert "threshold" in page


@pytest.mark.parametrize("classes", [2, 15, 16, 100])
def test_a_confusion_matrix_of_any_size_is_valid_svg(classes):
    report = make_report(single(0, count=200, classes=classes), "test", resamples=0)
    picture = charts.confusion_chart(report)
    ElementTree.fromstring(picture)
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", picture)
    assert all(label in texts for label in report.labels)
    diagonal = str(np.diag(report.confusion).max())
    assert (diagonal in texts) == (classes <= 15)


def test_a_picture_is_the_same_again_and_ids_of_two_do_not_meet():
    first, again = charts.loss_chart(HISTORY), charts.loss_chart(HISTORY)
    assert first == again
    same = {"train": ("loss",), "valid": ("loss",)}
    other = charts._chart("another", lambda: charts._lines(HISTORY, "loss", same))
    clip = r'clipPath id="([^"]+)"'
    assert not set(re.findall(clip, first)) & set(re.findall(clip, other))
