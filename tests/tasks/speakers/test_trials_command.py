"""`audioft trials`: lists of pairs, drawn, and never written over something else."""

from __future__ import annotations


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
