"""`audioft enroll`: who a model knows, from which recordings, and the cohort of other people."""

from __future__ import annotations

import csv
import json
import shutil

import pytest

import audioft
from audioft.errors import UsageError


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


def test_wrong_calls_of_enroll(refused, model, voices, tmp_path):
    one = voices / "ada/0.wav"
    refused("enroll", model, "ada", code=2, said=("no recordings of 'ada' given", "after the name"))
    refused("enroll", model, code=2, said=("no speaker named", "--list"))
    refused("enroll", model, "ada", one, "--remove", code=2, said=("--remove takes 'ada' out",))
    refused("enroll", model, "ada", "--list", code=2, said=("--list shows everybody",))
    refused("enroll", model, "ada", "--remove", code=2, said=("'ada' is not enrolled",))
    refused("enroll", model, "ada", one, "--cohort", tmp_path / "no", code=2, said=("--cohort", "no such file"))
    assert not (model / "speakers.json").exists()
    with pytest.raises(UsageError, match="no recordings were given"):
        audioft.enroll(model, "ada", [])
    refused("enroll", model, "unknown", one, code=2, said=("stands for nobody",))


def test_a_model_of_sounds_enrols_nobody_without_being_told_to(audioft_command, refused, trained, voices, tmp_path):
    call = ("enroll", trained.model, "ada", voices / "ada/0.wav", "--speakers", tmp_path / "own.json")
    said = ("has not learnt to tell individuals apart", "'high', 'low'", "configs/speakers.yaml", "--anyway")
    refused(*call, code=2, said=said)
    assert not (tmp_path / "own.json").exists()
    code, out, err = audioft_command(*call, "--anyway")
    assert (code, out.startswith("ada: 1 recording(s)")) == (0, True)
    assert "note: the model was trained to tell 'high', 'low' apart; if these are no individuals" in err


def test_prototypes_of_folders_enrol_nobody_either_and_their_own_threshold_is_doubted(
    audioft_command, refused, two_tones, small_encoder, voices, tmp_path
):
    run, own = tmp_path / "run", ("--speakers", tmp_path / "own.json")
    train = ("train", two_tones, "--few-shot", "--encoder", small_encoder, "--out", run, "data.workers=0", "-q")
    code, _, err = audioft_command(*train, "data.valid=0.4", "data.test=null")
    assert code == 0, err
    assert "individuals" not in audioft.load_model(run).card.trained_on
    enroll = ("enroll", run, "ada", voices / "ada/0.wav")
    said = ("has not learnt to tell individuals apart", "'high', 'low'", "(--few-shot)", "a column speaker", "--anyway")
    refused(*enroll, *own, code=2, said=said)
    assert not (tmp_path / "own.json").exists()
    for verb in ((*enroll, "--anyway"), ("identify", run, voices / "cyd/0.wav")):
        code, _, err = audioft_command(*verb, *own)
        assert code == 0, err
        assert "note: the model was trained to tell 'high', 'low' apart; if these are no individuals" in err
    assert "note: the model's threshold was chosen on" in err
    code, _, err = audioft_command("identify", run, voices / "cyd/0.wav", *own, "--threshold", 0.9)
    assert (code, "note: the model" in err) == (0, False)


def test_prototypes_of_a_table_of_speakers_enrol(audioft_command, small_encoder, voices, tmp_path):
    table = tmp_path / "speakers.csv"
    rows = [f"{p.relative_to(voices).as_posix()},{p.parent.name}" for p in sorted(voices.rglob("*.wav"))]
    table.write_text("\n".join(["file_name,speaker", *rows]))
    call = (
        "train",
        table,
        f"data.audio_root={voices}",
        "data.label=speaker",
        "data.group=recording",
        "--few-shot",
        "--encoder",
        small_encoder,
    )
    code, _, err = audioft_command(
        *call, "--out", tmp_path / "run", "data.workers=0", "data.valid=null", "data.test=null"
    )
    assert code == 0, err
    assert audioft.load_model(tmp_path / "run").card.trained_on["individuals"] is True
    code, _, err = audioft_command("enroll", tmp_path / "run", "ada", voices / "ada/0.wav")
    assert code == 0, err
    assert "individuals" not in err
