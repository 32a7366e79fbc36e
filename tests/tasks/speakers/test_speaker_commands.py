"""What the verbs that tell speakers apart have in common: other models, broken recordings, nothing left behind."""

from __future__ import annotations

import csv
import json
import shlex
import shutil


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
