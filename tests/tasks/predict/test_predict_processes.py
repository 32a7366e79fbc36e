"""Two processes label what one labels: each recording once, all of it, in order."""

from __future__ import annotations

import json
import subprocess
import sys

import makers
import pytest

from audioft.tasks.predict.labelling import shares

#: The command, with rounds so short that there are several.
SCRIPT = (
    "import sys\nfrom audioft import cli\nfrom audioft.tasks.predict import labelling\n"
    "labelling.ROUND = 3\nsys.exit(cli.main(sys.argv[1:]))\n"
)


def test_shares_hold_each_position_once_and_weigh_alike():
    weights = [7, 1, 9, 3, 3, 8, 2, 2, 5]
    found = shares(weights, 3)
    assert sorted(i for share in found for i in share) == list(range(9))
    assert all(share == sorted(share) for share in found)
    sums = [sum(weights[i] for i in share) for share in found]
    assert max(sums) - min(sums) <= 2
    assert sorted(map(len, shares([0] * 7, 2))) == [3, 4]  # those of unknown weight by number


@pytest.fixture
def launch(tmp_path):
    """`launch(*arguments) -> the finished call` of two processes."""

    def call(*arguments):
        script = tmp_path / "command.py"
        script.write_text(SCRIPT)
        start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", str(script)]
        return subprocess.run(
            [*start, *map(str, arguments), "--device", "cpu"], capture_output=True, text=True, check=False, timeout=240
        )

    return call


@pytest.mark.slow
def test_two_processes_label_what_one_does(launch, audioft_command, trained, tmp_path):
    data = makers.tones(tmp_path / "data", each=7)
    for i in range(3):
        makers.tone(data / "long" / f"{i}.wav", 500, 2.5 - i, seed=i)
    (data / "broken.wav").write_bytes(b"RIFF nothing")
    nowhere = tmp_path / "nowhere.wav"
    code, one, told = audioft_command("predict", trained.folder, data, nowhere)
    assert code == 1
    two = launch("predict", trained.folder, data, nowhere, "--out", tmp_path / "two.csv", "-q")
    assert two.returncode == 1
    assert two.stdout == ""
    ours, theirs = one.splitlines(), (tmp_path / "two.csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in theirs] == [line.split(",")[:2] for line in ours]
    assert len(theirs) == 1 + 14 + 3
    for a, b in zip(ours[1:], theirs[1:], strict=True):
        assert float(a.rsplit(",", 1)[1]) == pytest.approx(float(b.rsplit(",", 1)[1]), abs=2e-6)
    failures = (tmp_path / "two.failures.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in failures] == ["path", str(data / "broken.wav"), str(nowhere)]
    assert "2 of 19 inputs" in told
    assert "2 of 19 inputs" in two.stderr


@pytest.mark.slow
def test_two_processes_measure_what_one_does(launch, audioft_command, trained, tmp_path):
    data = makers.tones(tmp_path / "data", each=5)
    how = ("--out", tmp_path / "one")
    code, one, _ = audioft_command("evaluate", trained.folder, data, *how)
    assert code == 0
    two = launch("evaluate", trained.folder, data, "--out", tmp_path / "two")
    assert two.returncode == 0, two.stderr
    assert two.stdout == one  # and one process speaks
    a, b = (json.loads((tmp_path / name / "report.json").read_text()) for name in ("one", "two"))
    assert a["figures"] == pytest.approx(b["figures"], abs=1e-5, nan_ok=True)
    assert len((tmp_path / "two" / "predictions.csv").read_text().splitlines()) == 11


@pytest.mark.slow
def test_what_happens_when_is_refused(launch, trained, tmp_path):
    data = makers.tones(tmp_path / "data", each=1)
    done = launch("predict", trained.folder, data, "--what", "segments")
    assert done.returncode != 0
    assert "leave out --what" in done.stderr
