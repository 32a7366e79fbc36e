"""Encoders compared: the command on tiny tones."""

from __future__ import annotations

import csv
import json
import shlex
import shutil

import makers
import pytest


def suggested(table):
    """The words of the command that is suggested."""
    return shlex.split(next(line for line in table.splitlines() if " --encoder " in line))


def test_encoders_on_tones(here, cache, two_tones, small_encoder, encoder_folder, audioft_command, tmp_path):
    other, out = encoder_folder("hubert"), tmp_path / "out"
    call = ("probe", two_tones, "--encoders", f"{small_encoder},{other}", "--out", out, "--layers")
    code, table, said = audioft_command(*call)
    assert code == 0, said
    assert here == [12, 12, 12]
    rows = {r["encoder"]: r for r in csv.DictReader((out / "probe.csv").open())}
    assert set(rows) == {str(small_encoder), str(other), "log-mel"}
    scores = [float(r["accuracy"]) for r in rows.values()]
    assert scores == sorted(scores, reverse=True)
    assert rows[str(other)]["width"] == "32"
    assert int(rows[str(other)]["parameters"]) > 10_000
    assert float(rows["log-mel"]["accuracy"]) == 1  # 300 and 2400 Hz
    layers = list(csv.DictReader((out / "layers.csv").open()))
    assert [r["layer"] for r in layers if r["encoder"] == str(other)] == ["0", "1", "2", "3"]
    told = json.loads((out / "probe.json").read_text())
    assert told["suggestion"]["command"] in table
    assert f"audioft train {two_tones} --encoder" in table
    assert "freeze=all" in told["suggestion"]["command"]
    assert (out / "probe.png").read_bytes().startswith(b"\x89PNG")
    assert "5 folds" in table
    assert "best of several encoders is chosen on the tested clips" in table
    assert table.splitlines()[-1] == f"  audioft train --from-probe {out}"
    figure = json.loads((out / "classifier" / "classifier.json").read_text())["figure"]
    assert "chosen among 2 on the tested clips" in figure["tested"]


def test_kept_embeddings_are_used_again_and_damaged_ones_are_not(
    here, cache, two_tones, small_encoder, audioft_command
):
    call = ("probe", two_tones, "--encoders", small_encoder)
    _, first, _ = audioft_command(*call)
    assert here == [12, 12]
    code, again, said = audioft_command(*call)
    assert (code, here) == (0, [12, 12])
    assert again.splitlines()[2:5] == first.splitlines()[2:5]  # the cost of the pass, too, is that of the first
    assert "embeddings of 12 of 12 clips were kept and are used again" in said
    entry = next(cache.rglob("*.safetensors"))
    entry.write_bytes(entry.read_bytes()[:-1])
    _, mended, _ = audioft_command(*call)
    assert here == [12, 12, 1]
    assert mended.splitlines()[2:5] == first.splitlines()[2:5]
    audioft_command(*call, "--no-cache")
    assert here == [12, 12, 1, 12, 12]


def test_an_encoder_that_was_trained_on_the_clips_is_told(
    here, cache, trained, small_encoder, two_tones, audioft_command, tmp_path
):
    code, table, said = audioft_command("probe", two_tones, "--encoders", trained.model)
    assert code == 0, said
    assert f"8 of 12 clips were trained on by {trained.model}: the figures are too good" in table
    given = tmp_path / "given.csv"
    names = sorted(p.relative_to(two_tones).as_posix() for p in two_tones.rglob("*.wav"))
    rows = [f"{n},{n.split('/')[0]},{'train' if i % 2 else 'test'}" for i, n in enumerate(names)]
    given.write_text("\n".join(["path,label,split", *rows, ""]))
    how = (f"data.audio_root={two_tones}", "--encoders", f"{trained.model},{small_encoder}")
    code, table, said = audioft_command("probe", given, *how)
    assert code == 0, said
    for text in (table, said):
        assert f"of 6 test clips were trained on by {trained.model}: the figures are too good" in text
        assert f"trained on by {small_encoder}" not in text


def test_a_split_and_settings_of_the_data(here, cache, chords, small_encoder, audioft_command, tmp_path):
    """Several labels a clip, and a test side that the table or a selection gives."""
    out = tmp_path / "out"
    code, table, said = audioft_command("probe", chords, "--encoders", small_encoder, "--out", out)
    assert code == 0, said
    assert "(test)" in table
    assert json.loads((out / "probe.json").read_text())["metric"] == "map"
    code, table, said = audioft_command("probe", chords, "data.test=place=place 1", "--encoders", small_encoder)
    assert code == 0, said
    assert "tested on 5 (test)" in table
    assert "data.test=place=place 1" in suggested(table)


def test_an_encoder_that_cannot_be_loaded_is_told_and_the_others_go_on(
    here, cache, two_tones, small_encoder, audioft_command
):
    names = f"./nowhere,{small_encoder}"
    code, table, said = audioft_command("probe", two_tones, "--encoders", names, "--clips", "10")
    assert code == 1
    assert "10 of 12 clips are chosen" in said
    lines = table.splitlines()
    assert any(line.startswith("./nowhere  FAILED: encoder './nowhere': no such folder") for line in lines)
    words = suggested(table)
    assert {"freeze=all", "model.head=linear"} < set(words)
    assert any(w.startswith("model.layers=") for w in words)
    assert "no tested clip has a say" in table
    assert "best of several encoders" not in table


def test_where_every_encoder_fails_nothing_is_written_and_it_is_told_once(
    here, cache, two_tones, small_encoder, audioft_command, tmp_path
):
    out = tmp_path / "new" / "out"
    code, table, said = audioft_command("probe", two_tones, "--encoders", "./nowhere", "--out", out)
    assert code == 1
    assert "audioft train" not in table
    assert "no tested clip has a say" not in table
    assert "log-mel" in table
    assert (table.count("no such folder"), said.count("no such folder")) == (1, 0)
    assert f"nothing is written to {out}" in said
    assert not (tmp_path / "new").exists()
    code, _, said = audioft_command("probe", two_tones, "--encoders", small_encoder, "--out", out)
    assert code == 0, said
    assert f"written to {out}" in said
    assert (out / "probe.png").is_file()


def test_clips_that_no_encoder_can_read_are_left_out_for_all(here, cache, tmp_path, small_encoder, audioft_command):
    data = makers.tones(tmp_path / "data", each=8)
    code, _, _ = audioft_command("probe", data, "--encoders", small_encoder)
    assert code == 0
    (data / "low" / "low_00.wav").write_bytes(b"RIFF")
    code, table, said = audioft_command("probe", data, "--encoders", small_encoder, "data.max_bad=0.5")
    assert code == 0
    assert "1 of 16 recordings cannot be used" in said
    assert "15 clips of 2 labels" in table


@pytest.mark.parametrize(
    ("each", "more", "settings"),
    [
        ({"high": 6, "low": 6}, (), []),
        ({"high": 6, "low": 2}, (), ["data.valid=null"]),
        ({"high": 6, "low": 2}, ("data.valid=0.3",), ["data.valid=0.3", "data.test=null"]),
        ({"high": 6, "low": 3}, ("data.test=0.2",), ["data.test=0.2"]),
    ],
)
def test_the_command_that_is_suggested_runs(
    here, cache, each, more, settings, small_encoder, audioft_command, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    for label, n in each.items():
        makers.tones(tmp_path / "data", each=n, labels=(label,))
    code, table, said = audioft_command("probe", "data", "--encoders", small_encoder, *more)
    assert code == 0, said
    words = suggested(table)
    assert [w for w in words if w.startswith("data.")] == settings
    assert ("class 'low' has 2 clips, too few" in table) == ("null" in str(settings))
    code, _, said = audioft_command(*words[1:], *makers.QUICK_ARGUMENTS, "--out", tmp_path / "run")
    assert code == 0, said


def test_the_same_recording_twice_is_kept_together(here, cache, two_tones, small_encoder, audioft_command, tmp_path):
    data = shutil.copytree(two_tones, tmp_path / "data")
    for i in range(6):
        shutil.copy(data / "low" / f"low_{i:02d}.wav", data / "low" / f"again_{i:02d}.wav")
    code, table, said = audioft_command("probe", data, "--encoders", small_encoder)
    assert code == 0, said
    # each pair is on one side of the split that is made, so that the model is measured
    assert "data.test=null" not in table
    assert "the same bytes on two sides" not in table
    assert "6 recordings are there under several names" in table + said


def test_the_probe_of_one_encoder_stays(two_tones, small_encoder):
    import audioft

    assert audioft.probe(small_encoder, two_tones, seconds=0.5).clips == 12
