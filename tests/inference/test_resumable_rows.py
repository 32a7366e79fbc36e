"""Tables that are gone on with."""

from __future__ import annotations

import csv
import errno
import json
import os
import shutil

import makers
import pytest

from audioft.errors import AudioftError, UsageError
from audioft.inference.resumable_rows import Failures, RowFile, begun, failed

COLUMNS = ("path", "label")


def table(path, *rows, end="\n"):
    with open(path, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])
        file.write(end.rstrip("\n"))
    return path


def test_what_is_whole_is_kept(tmp_path):
    path = table(tmp_path / "a.csv", ("a", "x"), ('b, "c"\n', "y"))
    size = path.stat().st_size
    found = begun(path, COLUMNS, several=False)
    assert (found.done, found.keep) == ({"a", 'b, "c"\n'}, size)
    assert found.last == {"path": 'b, "c"\n', "label": "y"}
    for cut in range(1, 6):
        path.write_bytes(path.read_bytes()[: size - cut])
        found = begun(path, COLUMNS, several=False)
        assert (found.done, found.keep) == ({"a"}, len("path,label\na,x\n"))


@pytest.mark.parametrize("size", range(12))
def test_a_table_cut_in_its_header_is_begun_anew(tmp_path, size):
    path = tmp_path / "a.csv"
    path.write_text("path,label\n"[:size])
    found = begun(path, COLUMNS, several=False)
    assert (found.done, found.keep) == (frozenset(), 11 if size >= 11 else 0)


def test_of_several_rows_those_of_the_last_recording_are_made_again(tmp_path):
    path = table(tmp_path / "a.csv", ("a", "x"), ("a", "y"), ("b", "x"), ("b", "y"))
    found = begun(path, COLUMNS, several=True)
    assert (found.done, found.keep) == ({"a"}, len("path,label\na,x\na,y\n"))


def test_json_lines(tmp_path):
    path = tmp_path / "a.jsonl"
    whole = "".join(json.dumps({"path": x}) + "\n" for x in "ab")
    path.write_text(whole + '{"path": "c')
    found = begun(path, None, several=False)
    assert (found.done, found.keep) == ({"a", "b"}, len(whole))


@pytest.mark.parametrize("text", ["path,score\n", "file\n", "path,label\na,x,y\n"])
def test_another_table_is_not_gone_on_with(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(UsageError, match=r"other columns|no row of a table"):
        begun(tmp_path / "a.csv", COLUMNS, several=False)


@pytest.mark.parametrize("line", ["[1]", "{}", "nothing", '{"path": 3}'])
def test_other_json_lines_neither(tmp_path, line):
    (tmp_path / "a.jsonl").write_text(line + "\n")
    with pytest.raises(UsageError, match="line 1: this is no row"):
        begun(tmp_path / "a.jsonl", None, several=False)


def test_a_row_that_finds_no_room_leaves_those_before_it(tmp_path, monkeypatch):
    file = RowFile(tmp_path / "a.csv")
    file.write("whole\n")
    write = os.write

    def full(handle, data):
        if len(data) > 3:
            return write(handle, data[:3])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(AudioftError, match=r"a\.csv \(8 bytes\): No space left"):
        file.write("cut off\n")
    monkeypatch.setattr(os, "write", write)
    assert (tmp_path / "a.csv").read_text() == "whole\n"
    file.write("next\n")
    file.close()
    assert (tmp_path / "a.csv").read_text() == "whole\nnext\n"


def test_failures_are_written_as_they_come(tmp_path):
    failures = Failures(tmp_path / "f.csv", [("a", "why")])
    assert failed(tmp_path / "f.csv", {"a", "b"}) == [("a", "why")]
    failures.add("b", "because")
    assert failed(tmp_path / "f.csv", {"b"}) == [("b", "because")]
    failures.close()
    assert Failures(tmp_path / "f.csv").written is None
    assert not (tmp_path / "f.csv").exists()


def test_resume_of_the_command(audioft_command, trained, two_tones, tmp_path):
    whole, out = tmp_path / "whole.csv", tmp_path / "out.csv"
    assert audioft_command("predict", trained.folder, two_tones, "--out", whole)[0] == 0
    rows = whole.read_bytes().splitlines(keepends=True)
    out.write_bytes(b"".join(rows[:5]) + rows[5][:9])
    assert audioft_command("predict", trained.folder, two_tones, "--out", out, "--resume")[0] == 0
    assert out.read_bytes() == whole.read_bytes()
    assert audioft_command("predict", trained.folder, two_tones, "--out", out, "--resume")[0] == 0
    assert out.read_bytes() == whole.read_bytes()
    new = makers.tone(tmp_path / "new.wav")
    assert audioft_command("predict", trained.folder, new, two_tones, "--out", out, "--resume")[0] == 0
    assert out.read_bytes().startswith(whole.read_bytes())
    assert len(out.read_bytes().splitlines()) == len(rows) + 1


def test_resume_of_another_models_table_is_refused(refused, trained, two_tones, tmp_path):
    first = sorted(two_tones.rglob("*.wav"))[0].as_posix()
    for row, why in (
        (f"{first},high,0.001000", "the table is of another model"),
        (f"{first},dog,0.900000", "the label 'dog' with the score '0.900000', which are not of this model"),
        (f"{first},high,xx", "the label 'high' with the score 'xx'"),
        (f"{first},high,nan", "the label 'high' with the score 'nan'"),
        (f"{first},high", "line 2: this is no row of a table of predictions (it has 2 cells, the header 3)"),
    ):
        (tmp_path / "out.csv").write_text(f"path,label,score\n{row}\n")
        said = (why,)
        refused("predict", trained.folder, two_tones, "--out", tmp_path / "out.csv", "--resume", code=2, said=said)
        assert (tmp_path / "out.csv").read_text() == f"path,label,score\n{row}\n"


@pytest.mark.parametrize("more", [(), ("--format", "raven", "--out", "a.txt"), ("--what", "segments")])
def test_resume_needs_a_table(refused, trained, two_tones, more, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(
        "predict", trained.folder, two_tones, "--resume", *more, code=2, said=("--resume goes on with a table", "--out")
    )


@pytest.mark.parametrize("what", ["windows", "segments", "summary"])
def test_resume_in_time(audioft_command, trained, two_tones, tmp_path, what):
    whole, out = tmp_path / "whole.csv", tmp_path / "out.csv"
    call = ("predict", trained.folder, two_tones, "--what", what, "--window", "0.2", "--threshold", "0.3")
    assert audioft_command(*call, "--out", whole)[0] == 0
    data = whole.read_bytes()
    for size in (0, 5, len(data) // 3, len(data) // 2, len(data) - 1, len(data)):
        out.write_bytes(data[:size])
        assert audioft_command(*call, "--out", out, "--resume")[0] == 0
        assert out.read_bytes() == data


def test_a_table_that_is_there_is_replaced_only_where_that_is_asked_for(
    audioft_command, refused, trained, two_tones, tmp_path
):
    out = tmp_path / "out.csv"
    call = ("predict", trained.folder, two_tones, "--out", out)
    assert audioft_command(*call)[0] == 0
    whole = out.read_bytes()
    out.write_bytes(whole[:-40])
    refused(*call, code=2, said=("is there already", "--resume", "--overwrite"))
    refused(*call, "--resume", "--overwrite", code=2, said=("give one of them",))
    assert out.read_bytes() == whole[:-40]
    assert audioft_command(*call, "--overwrite")[0] == 0
    assert out.read_bytes() == whole
    refused(*call, "--what", "segments", code=2, said=("is there already",))
    out.write_bytes(b"")  # as mktemp leaves it
    assert audioft_command(*call)[0] == 0
    assert out.read_bytes() == whole


@pytest.mark.slow
def test_label_files_are_replaced_only_where_that_is_asked_for(audioft_command, refused, trained, two_tones, tmp_path):
    call = ("predict", trained.folder, two_tones, "--format", "audacity", "--out", tmp_path / "labels")
    assert audioft_command(*call)[0] == 0
    mended = next((tmp_path / "labels").glob("*.txt"))
    mended.write_text("mended by hand")
    refused(*call, code=2, said=("holds label files already", "--overwrite"))
    assert mended.read_text() == "mended by hand"
    assert audioft_command(*call, "--overwrite")[0] == 0
    assert mended.read_text() != "mended by hand"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--window", "0.3"), "window: was 0.5, is 0.3"),
        (("--precision", "bf16"), "precision: was fp32, is bf16"),
        (("model",), "other weights, labels or thresholds"),
        (("--what", "summary", "--threshold", "0.9"), "thresholds: was [0.5, 0.5], is [0.9, 0.9]"),
    ],
)
def test_rows_of_other_models_and_settings_are_not_added(
    audioft_command, refused, trained, two_tones, tmp_path, more, said
):
    from safetensors.torch import load_file, save_file

    out, model = tmp_path / "out.csv", trained.model
    call = (two_tones, "--out", out, "--resume")
    timed = ("--what", "summary", "--threshold", "0.5") if "summary" in more else ("--window", "0.5")
    assert audioft_command("predict", model, *call, *timed)[0] == 0
    whole = out.read_bytes()
    out.write_bytes(whole[: len(whole) // 2])
    moved = shutil.copytree(model, tmp_path / "moved")
    if "model" in more:  # one that says nearly the same
        weights = load_file(moved / "model.safetensors")
        save_file(weights | {"classifier.bias": weights["classifier.bias"] + 1e-6}, moved / "model.safetensors")
        (moved / "hashes.json").unlink()
        refused("predict", moved, *call, *timed, code=2, said=(said, str(moved)))
    else:
        refused("predict", model, *call, *timed, *more, code=2, said=(said, "would mix two tables"))
        assert audioft_command("predict", moved, *call, *timed)[0] == 0  # the same model in another place
        assert out.read_bytes() == whole


def test_a_model_whose_scores_are_no_numbers_labels_nothing(audioft_command, trained, two_tones, tmp_path):
    from safetensors.torch import load_file, save_file

    model = shutil.copytree(trained.model, tmp_path / "model")
    weights = load_file(model / "model.safetensors")
    save_file(weights | {"classifier.bias": weights["classifier.bias"] * float("nan")}, model / "model.safetensors")
    (model / "hashes.json").unlink()
    for what in ((), ("--what", "windows"), ("--what", "segments"), ("--what", "summary")):
        code, out, err = audioft_command("predict", model, two_tones / "low", *what)
        assert code == 1
        assert "not finite" in err
        assert "its weights may have diverged" in err
        labels = [r["label"] for r in csv.DictReader(out.splitlines())]
        assert not any(labels), out


def test_a_score_of_zero_is_a_score(tmp_path):
    from audioft.inference.tables import PredictionWriter

    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"path": "a", "label": "x", "score": 0.0, "labels": []}\n{"path": "b", "label": "x", "score": 0}\n'
    )
    writer = PredictionWriter(path, ("x", "y"), True, resume=True)
    assert (writer.done, writer.again) == ({"a"}, "b")
