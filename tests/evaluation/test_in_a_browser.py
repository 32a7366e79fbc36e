"""The page in a real browser, where there is one: nothing sticks out at any width, and the players play."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess

import makers
import numpy as np
import pytest
from made_predictions import predictions

from audioft.data.clip import Clip
from audioft.evaluation.clip_report import make_report
from audioft.evaluation.html import Beside, as_html
from audioft.evaluation.mistakes import in_clips

BROWSER = next((b for b in ("chromium", "chromium-browser", "google-chrome") if shutil.which(b)), None)
#: Asks the page for its widths and every player for its length; the page itself lets nothing run, so a copy is asked.
ASK = """<script>
const players = [...document.querySelectorAll("audio")];
const length = p => new Promise(done => {
  p.onloadedmetadata = () => done(p.duration); p.onerror = () => done(-1); p.preload = "metadata"; p.load(); });
Promise.all(players.map(length)).then(lengths => { document.body.innerHTML =
  "<pre>" + JSON.stringify([...widths, lengths]) + "</pre>"; });
const widths = [document.documentElement.scrollWidth, innerWidth];
</script>"""


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("browser")
    labels = ("a" * 70, "dog", "rain", "犬の声")
    clips = [Clip(makers.tone(folder / f"{i}.wav", 440, 0.5 + i), f"{'deep/' * 9}{i}.wav") for i in range(4)]
    p = predictions(np.eye(4)[[1, 2, 3, 0]], np.eye(4), labels=labels)
    history = [{"kind": "valid", "step": i, "epoch": float(i), "loss": 1.0, "accuracy": 0.5} for i in range(1, 4)]
    beside = Beside(in_clips(p, clips, None, 16000), bad=[["x" * 200, "", "", "open", "no such file"]], kept=2)
    return as_html(make_report(p, "test", resamples=0), history, {"title": "b" * 200}, beside)


@pytest.mark.skipif(BROWSER is None, reason="no chromium here")
@pytest.mark.parametrize("width", [500, 1000, 1500])  # chromium has no narrower window
def test_nothing_sticks_out_and_the_players_play(page, tmp_path, width):
    asked = re.sub(r"<meta http-equiv[^>]*>", "", page).replace("</body>", ASK + "</body>")
    (tmp_path / "page.html").write_text(asked, encoding="utf-8")
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'own'}"]
    command += [f"--window-size={width},900", "--virtual-time-budget=10000", "--dump-dom"]
    command += [f"file://{tmp_path}/page.html"]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=100)
    found = re.search(r"<pre>(.*?)</pre>", shown.stdout, re.DOTALL)
    assert found, shown.stderr[-2000:]
    needed, there, lengths = json.loads(html.unescape(found[1]))
    assert needed <= there
    assert sorted(lengths) == pytest.approx([0.5, 1.5, 2.5, 3.5], abs=0.01)
