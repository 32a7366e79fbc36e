"""The verbs that tell speakers apart: trials, verify, enroll, identify; and the threshold a training leaves behind."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil

import makers
import pytest

import audioft
from audioft.errors import UsageError
from audioft.models.folder import store_verification
from audioft.tasks.speakers import api


@pytest.fixture
def model(trained, tmp_path):
    """A model folder that may be written to."""
    return shutil.copytree(trained.model, tmp_path / "own model")


@pytest.fixture(scope="module")
def voices(tmp_path_factory):
    """Three speakers the model was not trained on, two days each."""
    folder = tmp_path_factory.mktemp("voices")
    rows = ["file_name,label,speaker,day,split"]
    for who, hz in (("ada", 300), ("bob", 1200), ("cyd", 4000)):
        for i in range(4):
            makers.tone(folder / who / f"{i}.wav", hz + 20 * i, seed=i)
            rows.append(f"{who}/{i}.wav,x,{who},{who}{i // 2},{'test' if i < 3 else 'train'}")
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def trials(audioft_command, voices, tmp_path):
    path = tmp_path / "trials.csv"
    code, out, _ = audioft_command("trials", voices, "--label", "speaker", "--session", "day", "--out", path)
    assert (code, out) == (0, f"66 trials, 18 of one speaker, in {path}\n")
    return path


def rows(path):
    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def test_lists_are_made_of_a_side_and_drawn(audioft_command, refused, voices, tmp_path):
    path = tmp_path / "lists" / "veri_test.txt"
    given = ("--label", "speaker", "--side", "test", "--same", 5, "--different", 7, "--out", path)
    assert audioft_command("trials", voices, *given)[0] == 0
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 12
    assert sum(line[0] == "1" for line in lines) == 5
    assert not any("/3.wav" in line for line in lines)
    before = path.read_bytes()
    refused("trials", voices, *given, "--seed", 1, code=2, said=(f"{path} is there already", "--overwrite", "--out"))
    assert path.read_bytes() == before
    assert audioft_command("trials", voices, *given, "--overwrite")[0] == 0
    assert path.read_bytes() == before
    assert audioft_command("trials", voices, *given, "--seed", 1, "--overwrite")[0] == 0
    assert path.read_bytes() != before


def test_trials_that_cannot_be_made(refused, voices, two_tones, tmp_path):
    out = ("--out", tmp_path / "new" / "l.csv")
    refused("trials", voices, "--label", "speeker", *out, code=2, said=("speeker", "speaker"))
    refused("trials", voices, "--label", "speaker", "--session", "dai", *out, code=2, said=("dai", "day"))
    refused("trials", two_tones, "--session", "day", *out, code=2, said=("'day': there is no such column", "folders"))
    refused("trials", two_tones, "--side", "test", *out, code=1, said=("no clip is on the side 'test'",))
    refused("trials", voices, "--label", "speaker", "--out", tmp_path, code=2, said=("is a folder",))
    (tmp_path / "own.csv").write_text("file_name,label\n")
    own = ("--label", "speaker", "--overwrite", "--out", tmp_path / "own.csv")
    refused("trials", voices, *own, code=2, said=("own.csv is no list of trials and is not replaced",))
    assert [p.name for p in tmp_path.iterdir()] == ["own.csv"]


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
    assert "3 speakers are too few" in out
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
    assert (code, "note" in err) == (0, False)
    for row in csv.DictReader(out.splitlines()):
        known = float(row["score"]) >= chosen[2, 1]["threshold"]
        assert row["speaker"] == (row["nearest"] if known else "unknown")
    store_verification(model, {k: v for k, v in card.items() if k != "identification"})
    code, out, err = audioft_command("identify", model, *wanted)
    assert code == 0
    assert "with 2 speakers enrolled strangers pass it more often" in " ".join(err.split())
    for row in csv.DictReader(out.splitlines()):
        assert row["speaker"] == (row["nearest"] if float(row["score"]) >= card["threshold"] else "unknown")


def test_speakers_of_another_model_are_refused(audioft_command, refused, model, trained_several, voices):
    audioft_command("enroll", model, "ada", voices / "ada")
    own = ("--speakers", model / "speakers.json")
    said = ("enrolled with another model", "--speakers")
    refused("identify", trained_several.folder, voices, *own, "--threshold", 0.5, code=1, said=said)
    refused("enroll", trained_several.folder, "bob", voices / "bob", *own, code=1, said=said)
    assert list(json.loads((model / "speakers.json").read_text())["speakers"]) == ["ada"]


def test_broken_recordings_are_named_and_the_rest_is_done(audioft_command, refused, model, voices, tmp_path):
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no sound")
    good = voices / "ada/0.wav"
    code, out, err = audioft_command("enroll", model, "ada", good, broken, tmp_path / "none.wav")
    assert code == 1
    assert "ada: 1 recording(s)" in out
    assert f"{broken}: " in err
    assert "none.wav: no such file" in err
    again = f"`audioft enroll {shlex.quote(str(model))} ada --add ...`"
    assert f"'ada' is enrolled with 1 recording; 2 failed: once mended, add them with {again}" in err
    err = audioft_command("enroll", model, "ada", good.with_name("1.wav"), broken, "--add")[2]
    assert "'ada' is enrolled with 2 recordings; 1 failed: once mended, add it with" in err
    refused("enroll", model, "bob", broken, code=1, said=("broken.wav",))
    assert list(json.loads((model / "speakers.json").read_text())["speakers"]) == ["ada"]
    refused("verify", model, good, broken, "--threshold", 0.5, code=1, said=("broken.wav",))
    refused("verify", model, good, tmp_path / "no.wav", "--threshold", 0.5, code=1, said=("no.wav", "no such file"))
    refused("verify", model, good, voices, "--threshold", 0.5, code=2, said=("12 recordings; expected one",))
    code, out, err = audioft_command("identify", model, broken, good, "--threshold", 0.5)
    found = list(csv.DictReader(out.splitlines()))
    assert code == 1
    assert [(r["speaker"], bool(r["error"])) for r in found] == [("", True), ("ada", False)]
    trials = tmp_path / "t.txt"
    lines = [f"1 {good} {voices / 'ada/1.wav'}", f"0 {good} {voices / 'bob/1.wav'}", f"0 {good} {broken}"]
    trials.write_text("\n".join(lines))
    code, out, err = audioft_command("verify", model, "--trials", trials)
    assert code == 1
    assert "left out     1 trials" in out
    assert f"{broken}: " in err
    shutil.copy(broken, tmp_path / "broken2.wav")
    trials.write_text(f"{lines[-1]}\n1 {broken} {tmp_path / 'broken2.wav'}")
    said = (f"{trials}: none of the 2 trials can be scored", "broken.wav")
    refused("verify", model, "--trials", trials, code=1, said=said)
    trials.write_text("\n".join([lines[0], lines[-1]]))
    said = (f"{trials}: no pair of different speakers is among the 1 of its 2 trials that can be scored", "add rows")
    refused("verify", model, "--trials", trials, code=1, said=said)


@pytest.mark.parametrize(("kind", "missing"), [("1", "different speakers"), ("0", "the same speaker")])
def test_a_list_of_one_kind_is_refused_before_anything_is_heard(refused, model, voices, tmp_path, kind, missing):
    trials = tmp_path / "short.csv"
    pairs = ("1.wav", "2.wav") if kind == "1" else ("../bob/1.wav", "../cyd/1.wav")
    rows = [f"{voices / 'ada/0.wav'},{voices / 'ada' / second},{kind}" for second in pairs]
    trials.write_text("\n".join(["enrol,test,target", *rows]))
    said = (f"{trials}: no pair of {missing} is among its 2 trials", "`audioft trials DATA --out LIST`", "add rows of")
    refused("verify", model, "--trials", trials, code=1, said=said)


def test_wrong_calls(refused, model, voices, trials, tmp_path):
    one = voices / "ada/0.wav"
    refused("verify", model, one, code=2, said=("1 recordings given; expected two",))
    refused("verify", model, one, one, "--store", code=2, said=("--store and --p-target go with --trials",))
    refused("verify", model, "--trials", trials, one, code=2, said=("give neither recordings",))
    refused("verify", model, "--trials", trials, "--out", "x.txt", code=2, said=("ending in .csv",))
    refused("verify", model, "--trials", tmp_path / "no.csv", code=2, said=("no.csv",))
    before = trials.read_bytes()
    refused("verify", model, "--trials", trials, "--out", trials, code=2, said=("is the list of trials itself",))
    assert trials.read_bytes() == before
    refused("enroll", model, "ada", code=2, said=("no recordings of 'ada' given", "after the name"))
    refused("enroll", model, code=2, said=("no speaker named", "--list"))
    refused("enroll", model, "ada", one, "--remove", code=2, said=("--remove takes 'ada' out",))
    refused("enroll", model, "ada", "--list", code=2, said=("--list shows everybody",))
    refused("enroll", model, "ada", "--remove", code=2, said=("'ada' is not enrolled",))
    refused("enroll", model, "ada", one, "--cohort", tmp_path / "no", code=2, said=("--cohort", "no such file"))
    refused("identify", model, code=2, said=("no recordings given",))
    assert not (model / "speakers.json").exists()
    with pytest.raises(UsageError, match="no recordings were given"):
        api.enroll(model, "ada", [])
    refused("enroll", model, "unknown", one, code=2, said=("stands for nobody",))
    refused("identify", model, one, "--threshold", 0, code=2, said=("nobody is enrolled", "audioft enroll"))


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


def test_wrong_calls_leave_no_folders_behind(refused, model, voices, trials, tmp_path):
    one, out = voices / "ada/0.wav", ("--out", tmp_path / "new" / "deep" / "x.csv")
    before = sorted(tmp_path.rglob("*"))
    refused("identify", model, one, "--threshold", 0, *out, code=2, said=("nobody is enrolled",))
    refused("verify", model, "--trials", voices / "metadata.csv", *out, code=2, said=("is no list of trials", "trials"))
    refused("verify", model, "--trials", tmp_path / "no.csv", *out, code=2, said=("no.csv",))
    refused("verify", "log-mel", "--trials", trials, "--store", *out, code=2, said=("is no model folder",))
    refused("enroll", model, "ada", "--speakers", tmp_path / "new" / "s.json", code=2, said=("no recordings",))
    (tmp_path / "file").touch()
    inside = tmp_path / "file" / "new" / "x.csv"
    refused("identify", model, one, "--threshold", 0, "--out", inside, code=2, said=(f"{inside} cannot be written",))
    assert sorted(tmp_path.rglob("*")) == sorted([*before, tmp_path / "file"])


def enrolled(model):
    return json.loads((model / "speakers.json").read_text(encoding="utf-8"))


def test_a_recording_counts_once(audioft_command, refused, model, voices, tmp_path):
    one, two, three = (voices / f"ada/{i}.wav" for i in range(3))
    copy = shutil.copy(one, tmp_path / "called otherwise.wav")
    code, out, err = audioft_command("enroll", model, "ada", one, copy, two)
    assert (code, out.split(",")[0]) == (0, "ada: 2 recording(s)")
    assert f"note: counted once, though given again: {copy}\n" in err
    before = (model / "speakers.json").read_bytes()
    said = ("'ada' is enrolled from all of these recordings already; give others",)
    assert "note" not in refused("enroll", model, "ada", "--add", copy, two, code=2, said=said)
    assert (model / "speakers.json").read_bytes() == before
    code, out, err = audioft_command("enroll", model, "--add", "ada", copy, three)
    assert (code, out.split(",")[0]) == (0, "ada: 3 recording(s)")
    assert f"though given again: {copy}\n" in err
    at_once = tmp_path / "at once.json"
    audioft_command("enroll", model, "ada", one, two, three, "--speakers", at_once)
    pair = [json.loads(p.read_text())["speakers"]["ada"] for p in (model / "speakers.json", at_once)]
    assert pair[0]["embedding"] == pytest.approx(pair[1]["embedding"], abs=1e-6)
    assert pair[0]["digests"] == pair[1]["digests"]
    err = audioft_command("identify", model, copy, voices / "cyd", "--threshold", 0)[2]
    said = "note: 1 of these recordings is one that speakers are enrolled from; scores there say nothing of how well"
    assert said in err
    assert "of course" not in err
    assert "of 5 recordings are of enrolled speakers, at the threshold 0.0000" in err
    assert "enrolled from" not in audioft_command("identify", model, voices / "cyd", "--threshold", 0)[2]
    assert "both are the same recording" in audioft_command("verify", model, one, copy, "--threshold", 0)[2]
    assert "both are the same" not in audioft_command("verify", model, one, two, "--threshold", 0)[2]
    # in their place, they count whether they were there or not
    assert "ada: 1 recording(s)" in audioft_command("enroll", model, "ada", copy, "--replace")[1]


def test_what_an_older_file_does_not_know_is_told(audioft_command, model, voices):
    one = voices / "ada/0.wav"
    audioft_command("enroll", model, "ada", one)
    about = enrolled(model)
    about["format_version"] = 1
    del about["cohort_digests"], about["speakers"]["ada"]["digests"]
    (model / "speakers.json").write_text(json.dumps(about))
    code, out, err = audioft_command("enroll", model, "ada", one, "--add")
    assert (code, out.split(",")[0]) == (0, "ada: 2 recording(s)")
    assert "an earlier audioft enrolled 'ada' and did not keep from which recordings" in err


def test_a_recording_is_not_of_two_speakers(audioft_command, refused, model, voices, tmp_path):
    one = voices / "ada/0.wav"
    audioft_command("enroll", model, "ada", one)
    copy = shutil.copy(one, tmp_path / "copy.wav")
    said = (f"{copy} is a recording that 'ada' is enrolled from", "audioft enroll MODEL ada --remove")
    refused("enroll", model, "bob", voices / "bob", copy, code=2, said=said)
    assert list(enrolled(model)["speakers"]) == ["ada"]


def test_who_is_enrolled_is_listed_and_taken_back(audioft_command, refused, model, voices):
    code, out, _ = audioft_command("enroll", model, "--list")
    assert (code, out) == (0, "speaker  recordings    seconds\n")
    for who, files in (("bob the second", ["bob/0.wav"]), ("ada", ["ada/0.wav", "ada/1.wav"])):
        audioft_command("enroll", model, who, *(voices / f for f in files))
    code, out, _ = audioft_command("enroll", model, "--list")
    assert code == 0
    assert out.splitlines() == [
        "speaker         recordings    seconds",
        "ada                      2        1.0",
        "bob the second           1        0.5",
    ]
    refused("enroll", model, "bob", "--remove", code=2, said=("speaker 'bob' is not enrolled",))
    code, out, _ = audioft_command("enroll", model, "--remove", "bob the second")
    assert (code, out) == (0, f"bob the second: removed from {model / 'speakers.json'}\n")
    assert list(enrolled(model)["speakers"]) == ["ada"]
    found = audioft_command("identify", model, voices / "bob/0.wav", "--threshold", -1)[1]
    assert [r["nearest"] for r in csv.DictReader(found.splitlines())] == ["ada"]


def test_a_cohort_is_of_other_people(audioft_command, refused, model, voices, two_tones, tmp_path):
    others = tmp_path / "others"
    shutil.copytree(two_tones, others)
    shutil.copy(voices / "cyd/0.wav", others / "cyd again.wav")
    shutil.copy(voices / "bob/0.wav", others / "bob again.wav")
    err = audioft_command("enroll", model, "cyd", voices / "cyd", "--cohort", others)[2]
    assert "note: 1 recording(s) of the cohort are of enrolled speakers, not of others: left out" in err
    assert "a cohort of 13 recordings makes unsteady scores; better 200" in err
    assert len(enrolled(model)["cohort"]) == len(enrolled(model)["cohort_digests"]) == 13
    assert "scores are normalised by 13 recordings of other people from now on" in err
    assert "normalised by 13 stored recordings" in audioft_command("enroll", model, "--list")[2]
    # who is enrolled later is no other person either
    err = audioft_command("enroll", model, "bob", voices / "bob")[2]
    assert "1 recording(s) of the stored cohort are of an enrolled speaker now: taken out of it" in err
    assert len(enrolled(model)["cohort"]) == len(enrolled(model)["cohort_digests"]) == 12
    wanted = (voices / "ada", "--threshold", 0)
    out, err = audioft_command("identify", model, *wanted, "--cohort", others)[1:]
    assert "2 recording(s) of the cohort are of enrolled speakers" in err
    stored = audioft_command("identify", model, *wanted)[1]
    told = (csv.DictReader(x.splitlines()) for x in (out, stored))
    for given, own in zip(*told, strict=True):  # other clips beside them round otherwise
        assert float(given.pop("score")) == pytest.approx(float(own.pop("score")), abs=1e-5)
        assert given == own
    said = ("a cohort of 0 recording(s) has no deviation",)
    refused("enroll", model, "ada", voices / "ada", "--cohort", voices / "cyd", code=1, said=said)
    assert list(enrolled(model)["speakers"]) == ["bob", "cyd"]


def test_a_cohort_that_is_large_is_taken_without_a_word(audioft_command, model, voices, tmp_path, monkeypatch):
    monkeypatch.setattr("audioft.speakers.enrolment_data.STEADY", 8)
    err = audioft_command("enroll", model, "ada", voices / "ada", "--cohort", voices)[2]
    assert "a cohort of 8" not in err
    assert len(enrolled(model)["cohort"]) == 8
