"""The quick config on the sample voices ends with a model that is right: what `make demo` shows."""

from __future__ import annotations

from pathlib import Path

import pytest

import audioft

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def voices(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "speakers"
    console = audioft.Console(quiet=True)
    return audioft.finetune(
        ROOT / "samples" / "speakers", config=ROOT / "configs" / "quick_cpu.yaml", out=out, console=console
    )


def test_voices_in_other_sentences_are_told_apart(voices):
    assert voices.report.side == "test"
    assert voices.report.figures["accuracy"] >= 0.85


def test_new_recordings_are_labelled_by_their_voice(voices):
    found = {Path(p.path).name: p.label for p in audioft.predict(voices, ROOT / "samples" / "recordings")}
    assert len(found) == 6
    assert found == {name: name.split("_")[0] for name in found}


def test_long_recordings_of_other_things_get_a_row_each(voices):
    found = list(audioft.predict(voices, ROOT / "samples" / "long"))
    assert [p.error for p in found] == [None, None]
    assert all(p.seconds > 10 for p in found)


def test_what_happens_when_is_found_in_the_long_recordings(tmp_path):
    run = audioft.finetune(
        ROOT / "samples" / "outdoors",
        config=ROOT / "configs" / "events.yaml",
        out=tmp_path / "run",
        overrides={"train.epochs": 8},
        console=audioft.Console(quiet=True),
    )
    report = audioft.evaluate(run, ROOT / "samples" / "long" / "events.csv", console=audioft.Console(quiet=True))
    assert report.clips == 2
    assert report.metrics["segment_f1"].value > 0.65  # 0.89 after the config's 20 epochs
    assert report.metrics["event_f1"].value > 0.3
