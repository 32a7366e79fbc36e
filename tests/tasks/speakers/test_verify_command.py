"""`audioft verify`: two recordings, and how well many pairs are told apart; the threshold a training leaves behind."""

from __future__ import annotations

import csv
import re

import makers
import pytest

import audioft


def rows(path):
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_trials_are_measured_and_the_threshold_stored_for_later(
    audioft_command, refused, model, voices, trials, tmp_path
):
    one, same, other = (voices / p for p in ("ada/0.wav", "ada/1.wav", "cyd/0.wav"))
    refused(
        "verify", model, one, same, code=2, said=("no threshold to tell speakers apart by", "--threshold", "--store")
    )
    scores = tmp_path / "scores.csv"
    code, out, err = audioft_command("verify", model, "--trials", trials, "--out", scores, "--store")
    assert code == 0, err
    assert "trials       66: 18 of the same speaker; 3 speakers" in out
    assert re.search(r"EER +\d+\.\d\d % \(\d+\.\d\d to \d+\.\d\d\), at the threshold", out)
    assert re.search(r"same session .* 6 pairs.*\n *different session .* 12 pairs", out)
    assert "minDCF 0.01" in out
    assert out.startswith("Too few speakers to say much: 3 speakers.")
    assert str(model / "audioft.json") in err
    assert len(rows(scores)) == 66
    stored = audioft.load_model(model).card.verification
    assert stored is not None
    assert stored["threshold"] == pytest.approx(float(re.search(r"threshold (\S+)", out)[1]), abs=1e-4)
    assert stored["chosen_on"] == {
        "source": "trials.csv",
        "trials": 66,
        "targets": 18,
        "speakers": 3,
        "at": "equal error rate",
    }
    by_pair = {(r["enrol"], r["test"]): float(r["score"]) for r in rows(scores)}
    for second in (same, other):
        code, out, _ = audioft_command("verify", model, one, second)
        score = next(s for (a, b), s in by_pair.items() if a.endswith("ada/0.wav") and str(second).endswith(b[-9:]))
        expected = "same" if score >= stored["threshold"] else "different"
        assert (code, out) == (0, f"{expected} {score:.4f} (threshold {stored['threshold']:.4f})\n")


def test_spectra_are_measured_on_the_same_trials(audioft_command, refused, voices, trials, tmp_path):
    scores = tmp_path / "scores.csv"
    code, out, err = audioft_command("verify", "log-mel", "--trials", trials, "--out", scores)
    assert code == 0, err
    assert re.search(r"^trials       66: 18 of the same speaker; 3 speakers$", out, re.M)
    eer = re.search(r"^EER +(\S+) % ", out, re.M)
    assert eer is not None
    assert float(eer[1]) < 10  # the voices are tones far apart
    found = rows(scores)
    same, other = ([float(r["score"]) for r in found if r["target"] == t] for t in "10")
    assert (len(same), len(other)) == (18, 48)
    assert sum(same) / 18 > 0 > sum(other) / 48
    more = ("verify", "log-mel", "--trials", trials)
    refused(*more, "--store", code=2, said=("log-mel is no model folder", "no stored threshold"))
    refused(*more, "--cohort", voices, code=2, said=("log-mel is no model folder",))


def test_a_threshold_for_rare_targets(audioft_command, model, trials):
    code, out, _ = audioft_command("verify", model, "--trials", trials, "--store", "--p-target", 0.2)
    assert code == 0
    stored = audioft.load_model(model).card.verification
    assert f"minDCF 0.2   {stored['min_dcf']['0.2']:.4f}" in out
    assert stored["chosen_on"]["at"] == "lowest cost at p_target 0.2"


def test_a_cohort_normalises_and_thresholds_are_not_mixed(audioft_command, refused, model, voices, trials, two_tones):
    code, out, _ = audioft_command("verify", model, "--trials", trials, "--cohort", two_tones, "--store")
    assert code == 0
    assert "normalised by a cohort" in out
    one, two = voices / "ada/0.wav", voices / "ada/1.wav"
    refused("verify", model, one, two, code=2, said=("is for cosines normalised by a cohort", "--cohort"))
    assert audioft_command("verify", model, one, two, "--cohort", two_tones)[0] == 0
    plain, normalised = (
        audioft_command("verify", model, one, two, "--threshold", -0.5, *more)[1]
        for more in ((), ("--cohort", two_tones))
    )
    assert plain.endswith("(threshold -0.5000)\n")
    assert plain != normalised
    err = audioft_command("verify", model, one, two, "--cohort", voices)[2]
    assert "2 recordings of the cohort are themselves compared: left out" in err
    assert "a cohort of 10 recordings makes unsteady scores; better 200" in err
    refused(
        "verify", model, one, two, "--threshold", 0, "--cohort", one, code=1, said=("a cohort of 0", "at least two")
    )


@pytest.mark.parametrize(("kind", "missing"), [("1", "different speakers"), ("0", "the same speaker")])
def test_a_list_of_one_kind_is_refused_before_anything_is_heard(refused, model, voices, tmp_path, kind, missing):
    trials = tmp_path / "short.csv"
    pairs = ("1.wav", "2.wav") if kind == "1" else ("../bob/1.wav", "../cyd/1.wav")
    rows = [f"{voices / 'ada/0.wav'},{voices / 'ada' / second},{kind}" for second in pairs]
    trials.write_text("\n".join(["enrol,test,target", *rows]))
    said = (f"{trials}: no pair of {missing} is among its 2 trials", "`audioft trials DATA --out LIST`", "add rows of")
    refused("verify", model, "--trials", trials, code=1, said=said)


def test_wrong_calls_of_verify(refused, model, voices, trials, tmp_path):
    one = voices / "ada/0.wav"
    refused("verify", model, one, code=2, said=("1 recordings given; expected two",))
    refused("verify", model, one, one, "--store", code=2, said=("--store and --p-target go with --trials",))
    refused("verify", model, "--trials", trials, one, code=2, said=("give neither recordings",))
    refused("verify", model, "--trials", trials, "--out", "x.txt", code=2, said=("ending in .csv",))
    refused("verify", model, "--trials", tmp_path / "no.csv", code=2, said=("no.csv",))
    before = trials.read_bytes()
    refused("verify", model, "--trials", trials, "--out", trials, code=2, said=("is the list of trials itself",))
    assert trials.read_bytes() == before


def test_training_a_head_that_embeds_leaves_a_threshold(small_encoder, two_tones, tmp_path, audioft_command):
    settings = {"model__head": "cosine", "train__loss": "aam_softmax", "data__valid": 0.4, "data__test": None}
    run = makers.train(two_tones, small_encoder, tmp_path / "run", **settings)
    found = audioft.load_model(run.folder).card.verification
    assert found is not None
    assert found["normalised"] is False
    assert -1 <= found["threshold"] <= 1
    assert found["chosen_on"]["source"] == "the validation side, whose labels were trained on"
    assert found["chosen_on"]["speakers"] == 2
    # it is used, and is that of the pairs of the validation side
    with open(run.folder / "manifest.csv", newline="", encoding="utf-8") as f:
        valid = [two_tones / r["path"] for r in csv.DictReader(f) if r["split"] == "valid"]
    assert found["chosen_on"]["trials"] == len(valid) * (len(valid) - 1) // 2
    code, out, _ = audioft_command("verify", run.folder, valid[0], valid[1])
    assert code == 0
    assert f"(threshold {found['threshold']:.4f})" in out
    plain = makers.train(two_tones, small_encoder, tmp_path / "plain", data__valid=0.4, data__test=None)
    assert audioft.load_model(plain.folder).card.verification is None
    few = makers.train(two_tones, small_encoder, tmp_path / "few", **settings | {"data__valid": 0.1})
    assert audioft.load_model(few.folder).card.verification is None
