"""A card: figures of a suite on a small model, its files, going on after a kill, and what is refused."""

from __future__ import annotations

import csv
import json
import math
import os

import numpy as np
import pytest

import audioft
from audioft.assembly import labelled_clips
from audioft.configuration import config as configs
from audioft.core.progress import Console
from audioft.data.clip import Clip
from audioft.evaluation.intervals import Estimate
from audioft.tasks.robustness import advice, kept_rows, suite
from audioft.tasks.robustness.card_run import UnderTest
from audioft.tasks.robustness.disturbed import Disturber, Row, pieces
from audioft.tasks.robustness.figures import RowFigures, mean_corruption_error

QUIET = Console(quiet=True)
FEW = {"kinds": ["white", "clipping", "babble"], "severities": [1, 5], "console": QUIET, "resamples": 100}


@pytest.fixture(scope="module")
def card(trained, two_tones, tmp_path_factory):
    out = tmp_path_factory.mktemp("cards") / "card"
    return audioft.robustness(trained, two_tones, out=out, limit=24, players=False, **FEW), out


def test_a_card_has_a_row_a_kind_and_strength_with_intervals(card):
    found, out = card
    assert [str(r.row) for r in found.rows] == [f"{k}-{s}" for k in ("white", "babble", "clipping") for s in (1, 5)]
    for row in found.rows:
        assert row.score.low <= row.score.value <= row.score.high
        assert row.change.low <= row.change.value <= row.change.high
        assert math.isclose(row.score.value - found.clean.value, row.change.value, abs_tol=1e-9)
        assert row.clips == found.clips > 3
    assert all(kind in str(found) for kind in ("white", "babble", "clipping"))
    with open(out / "robustness.csv", newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert [(r["kind"], r["strength"], r["unit"]) for r in table][:2] == [
        ("white", "30", "dB SNR"),
        ("white", "0", "dB SNR"),
    ]
    kept = json.loads((out / "robustness.json").read_text(encoding="utf-8"))
    assert kept["rows"][1]["score"] == pytest.approx(found.rows[1].score.value)
    assert set(kept["holds"]) == {"white", "babble", "clipping"}


def test_what_is_done_is_not_done_again_and_gives_the_same(card, trained, two_tones, monkeypatch):
    found, out = card
    (out / "rows" / "white-5.npz").unlink()
    scored = []
    plain = UnderTest.scores
    monkeypatch.setattr(UnderTest, "scores", lambda self, row, at: scored.append(str(row)) or plain(self, row, at))
    again = audioft.robustness(trained, two_tones, out=out, limit=24, players=False, overwrite=True, **FEW)
    assert scored == ["None", "white-5"]
    assert again.table_rows() == found.table_rows()


def test_a_kept_row_of_another_address_is_none(tmp_path):
    rows = kept_rows.KeptRows(tmp_path / "rows", "a")
    rows.put("white-1", np.ones((2, 3)))
    assert rows.get("white-1", (2, 3)) is not None
    assert rows.get("white-1", (3, 3)) is None
    assert kept_rows.KeptRows(tmp_path / "rows", "b").get("white-1", (2, 3)) is None
    (tmp_path / "rows" / "white-1.npz").write_bytes(b"PK broken")
    assert rows.get("white-1", (2, 3)) is None


def test_results_are_not_replaced_unasked(card, refused, trained, two_tones):
    refused("robustness", os.fspath(trained), two_tones, "--out", card[1], code=2, said=("--overwrite",))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--kinds", "whit"), "did you mean 'white'"),
        (("--noise", "nowhere"), "there is no folder 'nowhere'"),
        (("--impulses", "nowhere"), "there is no folder 'nowhere'"),
    ],
)
def test_wrong_calls_are_told(refused, trained, two_tones, given, said):
    refused("robustness", os.fspath(trained), two_tones, *given, code=2, said=(said,))


def test_a_strength_that_there_is_not_is_told(audioft_command, trained, two_tones):
    code, _, err = audioft_command("robustness", os.fspath(trained), two_tones, "--severity", "4-6")
    assert (code, "expected 1 to 5" in err) == (2, True)


def test_reference_of_itself_is_one(trained, two_tones):
    own = FEW | {"kinds": ["white"], "severities": [5]}
    found = audioft.robustness(trained, two_tones, limit=12, reference=trained, **own)
    assert found.reference["mce"] == pytest.approx(1.0)


def test_clips_are_taken_evenly_over_labels():
    clips = [Clip(f"{i}.wav", f"{i}.wav", labels=("rare" if i < 3 else "often",)) for i in range(50)]
    taken, notes = labelled_clips.evenly(clips, 6, seed=0)
    assert sorted(c.labels[0] for c in taken) == ["often"] * 3 + ["rare"] * 3
    assert "6 clips of 50" in notes[0]


def test_long_recordings_are_disturbed_in_pieces():
    blocks = [np.arange(k, dtype=float) for k in (5, 1, 9, 0, 4)]
    assert [len(p) for p in pieces(blocks, 6)] == [6, 6, 6, 1]
    assert np.array_equal(np.concatenate(list(pieces(blocks, 6))), np.concatenate(blocks))


def test_mce_is_the_mean_over_kinds_of_shares_of_errors():
    def row(kind, severity, score):
        e = Estimate(score, score, score)
        return RowFigures(Row(kind, severity), e, e, e, 0.5, 10, np.zeros(1))

    own = [row("white", 1, 0.9), row("white", 2, 0.7), row("far", 1, 1.0)]
    other = [row("white", 1, 0.8), row("white", 2, 0.6), row("far", 1, 0.5)]
    assert mean_corruption_error(own, other) == pytest.approx((0.4 / 0.6 + 0) / 2)


def test_advice_is_a_section_that_training_takes():
    costs = dict.fromkeys(advice.AGAINST, -0.2)
    found = advice.section(costs)
    assert [part["name"] for part in found] == list(advice.SETTINGS)
    config = configs.load(None, [("data.source", "nowhere"), ("augment", found)])
    assert len(config.augment) == len(found)
    assert "augment='[{name: speed" in advice.told(costs)
    assert "comes near clipping" in advice.told({"clipping": -0.2})
    assert "nothing to add" in advice.told({"white": -0.01})


def test_one_group_alone_has_no_babble():
    from audioft.tasks.robustness.surroundings import Surroundings

    clips = [Clip("a.wav", f"a{i}.wav", group="one") for i in range(3)]
    rows, absent = suite.rows(["babble", "white"], [1], Surroundings(clips, 16000))
    assert [r.kind for r in rows] == ["white"]
    assert "--noise" in absent["babble"]


def test_the_address_of_a_disturbance_is_seed_clip_and_kind(tones):
    from audioft.audio.hearing import Hearing
    from audioft.data import manifest
    from audioft.data.dataset import Preparation
    from audioft.tasks.robustness.surroundings import Surroundings

    clips = manifest.load(tones).clips
    prepare, around = Preparation(16000, True, 400), Surroundings(clips, Hearing(16000))

    def sound(seed, clip, row):
        return np.concatenate(list(Disturber(prepare, 10.0, seed, around).blocks(clip, row)))

    row = Row("babble", 2)
    assert np.array_equal(sound(0, clips[0], row), sound(0, clips[0], row))
    assert not np.array_equal(sound(0, clips[0], row), sound(1, clips[0], row))
    assert not np.array_equal(sound(0, clips[0], row), sound(0, clips[0], Row("white", 2)))


def test_the_page_holds_every_row_and_players(card, trained, two_tones, tmp_path):
    how = FEW | {"kinds": ["white", "gsm"], "severities": [2, 4]}
    found = audioft.robustness(trained, two_tones, out=tmp_path / "card", **how)
    page = (tmp_path / "card" / "robustness.html").read_text(encoding="utf-8")
    assert page.count("<audio") == 5  # the clip as it is, and under each row
    for row in found.rows:
        assert row.row.told in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "<audio" not in page_of(card[1])


def page_of(folder):
    return (folder / "robustness.html").read_text(encoding="utf-8")


def test_several_labels_a_clip_are_measured_by_map(trained_several, chords):
    own = FEW | {"kinds": ["white"], "severities": [5]}
    found = audioft.robustness(trained_several, chords, limit=8, attack=True, attack_clips=2, **own)
    assert found.metric == "map"
    assert 0 <= found.rows[0].flips.value <= 1
    assert "Measure models of your own" in str(found)


def test_a_model_of_frames_is_refused_with_a_remedy(trained, two_tones, monkeypatch):
    from audioft.inference.predictor import Predictor

    predictor = Predictor(trained)
    predictor.model.frame_level = True
    monkeypatch.setattr("audioft.inference.predictor.Predictor", lambda *given, **how: predictor)
    with pytest.raises(audioft.AudioftError, match=r"events\.use=clips"):
        audioft.robustness(trained, two_tones, **FEW)


@pytest.mark.parametrize("kind", ["ast", "whisper"])
def test_encoders_of_spectra_and_models_of_others_are_disturbed(kind, tmp_path, two_tones):
    """A classifier that transformers wrote."""
    import tiny

    form = "ForAudioClassification"
    model = tiny.make_model(kind, form, num_labels=2, id2label={0: "high", 1: "low"}, label2id={"high": 0, "low": 1})
    model.save_pretrained(tmp_path / "theirs")
    tiny.make_extractor(kind).save_pretrained(tmp_path / "theirs")
    own = FEW | {"kinds": ["telephone", "speed"], "severities": [5]}
    found = audioft.robustness(tmp_path / "theirs", two_tones, limit=4, attack=True, attack_clips=1, **own)
    assert [r.clips for r in found.rows] == [found.clips] * 2


def test_few_clips_are_cautioned_about(trained, two_tones):
    found = audioft.robustness(trained, two_tones, limit=2, **(FEW | {"kinds": ["quiet"]}))
    assert found.caution.startswith("Too few clips")
    assert str(found).startswith(found.caution)


def test_a_long_recording_is_disturbed_in_the_memory_of_a_minute(trained, tmp_path):
    """Each piece has the SNR for itself, and no more than a piece is held."""
    import soundfile

    from audioft.audio.hearing import Hearing
    from audioft.data.dataset import Preparation
    from audioft.tasks.robustness.surroundings import Surroundings

    noise = 0.1 * np.random.default_rng(0).standard_normal(150 * 8000)
    soundfile.write(tmp_path / "long.wav", noise, 8000)
    clip = Clip(tmp_path / "long.wav", "long.wav")
    around = Surroundings([clip], Hearing(8000))
    disturber = Disturber(Preparation(8000, True, 400), 10.0, 0, around)
    plain, loud = (list(disturber.blocks(clip, row)) for row in (None, Row("white", 5)))
    assert [len(b) for b in loud] == [60 * 8000, 60 * 8000, 30 * 8000]
    for a, b in zip(plain, loud, strict=True):
        assert abs(10 * np.log10(np.mean(a**2) / np.mean((b - a) ** 2))) < 0.1
