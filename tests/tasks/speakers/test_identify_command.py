"""`audioft identify`: the nearest of the enrolled, or none of them."""

from __future__ import annotations

import csv
import json
import re

import pytest

import audioft
from audioft.models.folder import store_verification


def rows(path):
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_speakers_are_enrolled_and_found_again(audioft_command, refused, model, voices, two_tones, tmp_path):
    for who in ("ada", "bob"):
        code, out, _ = audioft_command("enroll", model, who, voices / who / "0.wav", voices / who / "1.wav")
        assert (code, out) == (0, f"{who}: 2 recording(s), 1.0 s, in {model / 'speakers.json'}\n")
    wanted = [voices / p for p in ("ada/2.wav", "bob/3.wav", "cyd/0.wav")]
    refused("identify", model, *wanted, code=2, said=("no threshold",))
    code, out, _ = audioft_command("identify", model, *wanted, "--threshold", -1)
    assert code == 0
    found = list(csv.DictReader(out.splitlines()))
    assert [r["speaker"] for r in found[:2]] == ["ada", "bob"]
    assert [r["path"] for r in found] == [str(p) for p in wanted]
    strict = max(float(found[2]["score"]), float(found[1]["score"])) + 1e-4
    table = tmp_path / "out" / "who.csv"
    code, out, _ = audioft_command("identify", model, *wanted, "--threshold", strict, "--out", table)
    assert (code, out) == (0, "")
    assert [(r["speaker"], r["nearest"]) for r in rows(table)][1:] == [
        ("unknown", "bob"),
        ("unknown", found[2]["nearest"]),
    ]

    refused("enroll", model, "ada", wanted[0], code=2, said=("enrolled already, from 2 recording(s)", "--add"))
    assert "ada: 3 recording(s), 1.5 s" in audioft_command("enroll", model, "ada", wanted[0], "--add")[1]
    assert "ada: 1 recording(s), 0.5 s" in audioft_command("enroll", model, "ada", wanted[0], "--replace")[1]
    again = list(csv.DictReader(audioft_command("identify", model, wanted[0], "--threshold", 0)[1].splitlines()))
    assert float(again[0]["score"]) == pytest.approx(1, abs=1e-5)

    audioft_command("enroll", model, "bob", wanted[1], "--add", "--cohort", two_tones)
    assert len(json.loads((model / "speakers.json").read_text())["cohort"]) == 12
    stored = audioft_command("identify", model, *wanted, "--threshold", 0)[1]
    assert stored == audioft_command("identify", model, *wanted, "--threshold", 0, "--cohort", two_tones)[1]
    assert audioft.load_model(model).labels == ("high", "low")


def test_the_nearest_of_several_has_a_threshold_of_its_own(audioft_command, model, voices, trials):
    """By the number of the enrolled, and of their recordings; without one the pairs' is used, and that is said."""
    code, out, _ = audioft_command("verify", model, "--trials", trials, "--store")
    assert code == 0
    card = audioft.load_model(model).card.verification
    assert card is not None
    chosen = {(x["speakers"], x["recordings"]): x for x in card["identification"]}
    assert set(chosen) == {(1, 1), (2, 1), (1, 2), (2, 2), (1, 3), (2, 3)}
    assert re.search(r"^identifying +\S+ % wrong either way, 2 enrolled from 3 recording\(s\) each", out, re.M)
    for who in ("ada", "bob"):
        audioft_command("enroll", model, who, voices / who / "0.wav")
    wanted = [voices / who / f"{i}.wav" for who in ("ada", "bob", "cyd") for i in (1, 2, 3)]
    code, out, err = audioft_command("identify", model, *wanted)
    assert (code, err.count("note")) == (0, 1)
    assert "note: the model's threshold was chosen on 18 pairs of recordings of one, of 3 individuals" in err
    for row in csv.DictReader(out.splitlines()):
        known = float(row["score"]) >= chosen[2, 1]["threshold"]
        assert row["speaker"] == (row["nearest"] if known else "unknown")
    store_verification(model, {k: v for k, v in card.items() if k != "identification"})
    code, out, err = audioft_command("identify", model, *wanted)
    assert code == 0
    assert "with 2 speakers enrolled strangers pass it more often" in " ".join(err.split())
    for row in csv.DictReader(out.splitlines()):
        assert row["speaker"] == (row["nearest"] if float(row["score"]) >= card["threshold"] else "unknown")


def test_wrong_calls_of_identify(refused, model, voices):
    one = voices / "ada/0.wav"
    refused("identify", model, code=2, said=("no recordings given",))
    refused("identify", model, one, "--threshold", 0, code=2, said=("nobody is enrolled", "audioft enroll"))
