"""Standard input labelled as it comes."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
import time

import makers
import pytest
import soundfile

RATE = makers.RATE


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def command(model, *arguments) -> list[str]:
    return [sys.executable, "-m", "audioft", "predict", str(model), *map(str, arguments)]


@pytest.mark.slow
def test_a_pipe_gives_the_rows_of_the_file(model, turns, tmp_path, predict):
    data, rate = soundfile.read(turns, dtype="int16")
    soundfile.write(tmp_path / "turns.wav", data, rate)
    expected = [r | {"path": "-"} for r in rows(predict(turns, "--what", "windows", "--window", 0.5)[0])]
    for call, given in (
        (("-", "--window", 0.5), (tmp_path / "turns.wav").read_bytes()),
        (("-", "--window", 0.5, "--raw", "16000,s16le,1"), data.tobytes()),
    ):
        done = subprocess.run(command(model, *call), input=given, capture_output=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        got = rows(done.stdout.decode())
        for r, e in zip(got, expected, strict=True):
            assert abs(float(r.pop("score")) - float(e["score"])) < 1e-5
            assert r == {k: v for k, v in e.items() if k != "score"}
    done = subprocess.run(command(model, "-"), input=b"", capture_output=True, timeout=120, check=False)
    assert done.returncode == 1
    assert b"no audio with a header arrives" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.slow
def test_a_line_is_out_a_second_after_its_window_at_most(model, turns):
    data, _ = soundfile.read(turns, dtype="int16")
    live = subprocess.Popen(
        command(model, "-", "--window", 0.5, "--raw", "16000,s16le,1"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert live.stdin is not None
    assert live.stdout is not None
    assert live.stdout.readline().startswith(b"path,start,end")  # the model is loaded: now the sound begins
    began = time.monotonic()
    late = []
    sent = 0
    for end in (0.5, 0.75, 1.0, 1.25, 1.5):
        upto = round((end + 0.1) * RATE)
        time.sleep(max(0.0, began + end + 0.1 - time.monotonic()))
        live.stdin.write(data[sent:upto].tobytes())
        live.stdin.flush()
        sent = upto
        line = live.stdout.readline().decode().split(",")
        assert float(line[2]) == pytest.approx(end)
        late.append(time.monotonic() - began - end)
    live.stdin.close()
    assert live.wait(60) == 0
    assert max(late) < 1.0
    assert live.stdout.read().startswith(b"-,1.100000,1.600000,")  # the last window is moved back


@pytest.mark.slow
def test_an_interrupted_pipe_is_labelled_to_where_it_came(model, turns):
    data, _ = soundfile.read(turns, dtype="int16")
    arguments = ("-", "--what", "segments", "--window", 0.5, "--raw", "16000,s16le,1")
    live = subprocess.Popen(command(model, *arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert live.stdin is not None
    assert live.stdout is not None
    assert live.stdout.readline().startswith(b"path,start,end")
    live.stdin.write(data[: 3 * RATE].tobytes())
    live.stdin.flush()
    time.sleep(1.5)
    live.send_signal(signal.SIGINT)
    live.stdin.write(data[3 * RATE : 4 * RATE].tobytes())
    live.stdin.flush()
    found = rows("path,start,end,label,score,error\n" + live.stdout.read().decode())
    assert live.wait(60) == 0
    assert [r["label"] for r in found] == ["high", "low"]
    assert 2.5 < float(found[-1]["end"]) < 3.5
