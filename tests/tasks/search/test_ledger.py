"""Who does which trial: each once, whoever is killed; what is drawn hangs on its number alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from audioft.configuration import config as configs
from audioft.errors import AudioftError, UsageError
from audioft.tasks.search import space, storage
from audioft.tasks.search.drawing import Drawing
from audioft.tasks.search.ledger import Ledger

SPACE = space.read(
    {"train.lr": {"log": [1e-5, 1e-1]}, "model.head": {"choice": ["own", "mlp", "linear"]}},
    lambda settings: configs.load(None, settings),
)
WORKER = Path(__file__).with_name("ledger_worker.py")


def ledger(folder, url=None):
    return Ledger(folder, url, SPACE, ["minimize"], "study")


def how(sampler="tpe", ahead=2):
    return Drawing(SPACE, sampler, ("minimize",), 0, ahead, ({},))


def value(settings):
    import math

    return abs(math.log10(settings.get("train.lr", 1.0)) + 3) + len(settings.get("model.head", ""))


def worked(found, most, order=lambda taken: taken, ahead=2, sampler="tpe"):
    """Take trials and end them, several at once, in an order of their own."""
    own, under_way = how(sampler, ahead), []
    while True:
        taken = found.take(own.settings, most, ahead)
        if taken is not None:
            under_way.append(taken)
            if len(under_way) <= ahead:
                continue
        if not under_way:
            return {e.number: e.settings for e in found.entries()}
        under_way = order(under_way)
        one = under_way.pop(0)
        found.end(one, "complete", [value(one.entry.settings)])


@pytest.mark.filterwarnings("error::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("sampler", ["tpe", "gp", "random"])
def test_the_same_trials_are_drawn_whatever_order_they_end_in(tmp_path, sampler):
    seen = []
    for name, order in (("a", lambda t: t), ("b", lambda t: t[::-1])):
        (tmp_path / name).mkdir()
        seen.append(worked(ledger(tmp_path / name), 16, order, sampler=sampler))
    assert seen[0] == seen[1]
    assert len({configs.spell(s) for s in seen[0].values()}) == 16
    assert seen[0][0] == {}


def test_one_after_the_other_gives_the_same_as_several_at_once(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    own, found = how(), ledger(tmp_path / "a")
    while (taken := found.take(own.settings, 14, 2)) is not None:
        found.end(taken, "complete", [value(taken.entry.settings)])
    alone = {e.number: e.settings for e in found.entries()}
    assert alone == worked(ledger(tmp_path / "b"), 14)


def test_a_sampler_learns_from_what_came_before(tmp_path):
    found = worked(ledger(tmp_path), 40)
    late = [value(found[n]) for n in range(25, 40)]
    early = [value(found[n]) for n in range(1, 11)]
    assert sorted(late)[7] < sorted(early)[5] - 1


def test_a_trial_whose_process_is_killed_is_taken_again_with_its_folder(tmp_path):
    worker = subprocess.Popen(
        [sys.executable, WORKER, tmp_path, "hold"], stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert worker.stdout.readline().strip() == "0"  # it has taken the first trial
    found = ledger(tmp_path)
    second = found.take(how().settings, 3, 2)
    assert second.entry.number == 1, "the first is another's"
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    again = found.take(how().settings, 3, 2)
    assert (again.entry.number, again.entry.settings) == (0, {})
    assert (again.folder / "kept").read_text() == "so far"
    found.end(again, "complete", [1.0])
    found.end(second, "complete", [2.0])
    assert [(e.number, e.state) for e in found.entries()] == [(0, "complete"), (1, "complete")]


def test_a_trial_that_ends_its_process_again_and_again_is_given_up(tmp_path):
    for _ in range(5):
        subprocess.run([sys.executable, WORKER, tmp_path, "die"], check=False, env=os.environ)
    found = ledger(tmp_path)
    assert found.take(how().settings, 2, 2).entry.number == 1
    (entry,) = [e for e in found.entries() if e.number == 0]
    assert entry.state == "failed"
    assert "ended 5 times" in entry.about["error"]


def test_what_is_put_back_is_not_counted_as_a_death(tmp_path):
    found = ledger(tmp_path)
    for _ in range(7):
        found.put_back(found.take(how().settings, 1, 2))
    assert found.take(how().settings, 1, 2).entry.number == 0


def test_several_processes_do_each_trial_once(tmp_path):
    workers = [subprocess.Popen([sys.executable, WORKER, tmp_path, "work", "12"], env=os.environ) for _ in range(3)]
    assert [w.wait() for w in workers] == [0, 0, 0]
    entries = ledger(tmp_path).entries()
    assert [e.number for e in entries] == list(range(12))
    assert {e.state for e in entries} == {"complete"}
    done = [json.loads(line) for p in tmp_path.glob("done-*") for line in p.read_text().splitlines()]
    assert sorted(n for n, _ in done) == list(range(12)), "none twice"
    (tmp_path / "other").mkdir()
    assert {e.number: e.settings for e in entries} == worked(ledger(tmp_path / "other"), 12)


def test_a_line_that_was_cut_off_is_taken_away(tmp_path):
    found = ledger(tmp_path)
    found.end(found.take(how().settings, 3, 2), "complete", [1.0])
    journal = tmp_path / storage.JOURNAL
    whole = journal.read_bytes()
    with open(journal, "ab") as file:
        file.write(b'{"op_code":6,"worker')
    again = ledger(tmp_path)
    again.end(again.take(how().settings, 3, 2), "complete", [2.0])
    assert journal.read_bytes().startswith(whole)
    assert [e.values for e in ledger(tmp_path).entries()] == [(1.0,), (2.0,)]


def test_a_damaged_journal_is_told(tmp_path):
    found = ledger(tmp_path)
    found.end(found.take(how().settings, 3, 2), "complete", [1.0])
    lines = (tmp_path / storage.JOURNAL).read_text().splitlines(keepends=True)
    (tmp_path / storage.JOURNAL).write_text("".join([lines[0], "not a line of it\n", *lines[1:]]))
    with pytest.raises(AudioftError, match="journal"):
        ledger(tmp_path).entries()


def test_a_database_does_as_well(tmp_path):
    url = f"sqlite:///{tmp_path}/study.db"
    assert len(worked(ledger(tmp_path, url), 6)) == 6
    assert len(ledger(tmp_path, url).entries()) == 6


def test_a_database_that_cannot_be_reached_is_told_without_its_password(tmp_path):
    with pytest.raises((AudioftError, UsageError)) as e:
        ledger(tmp_path, "postgresql://me:secret@127.0.0.1:1/x")
    assert "secret" not in str(e.value)
    assert "--storage postgresql://me@127.0.0.1:1/x" in str(e.value)


def test_a_file_system_over_a_network_is_refused(tmp_path, monkeypatch):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/root / ext4 rw 0 0\nhost:/x {tmp_path}/far nfs4 rw 0 0\n")
    assert storage.file_system(tmp_path / "far" / "study", mounts) == "nfs4"
    assert storage.file_system(tmp_path / "near", mounts) == "ext4"
    monkeypatch.setattr(storage, "file_system", lambda folder: "nfs4")
    with pytest.raises(UsageError, match="network file system"):
        ledger(tmp_path)


def test_where_all_settings_were_tried_there_are_no_more(tmp_path):
    small = space.read({"model.head": {"choice": ["own", "mlp"]}}, lambda s: configs.load(None, s))
    found = Ledger(tmp_path, None, small, ["minimize"], "study")
    own = Drawing(small, "tpe", ("minimize",), 0, 2, ({},))
    done = 0
    while (taken := found.take(own.settings, 50, 2)) is not None:
        found.end(taken, "complete", [1.0])
        done += 1
    assert (done, found.exhausted) == (3, True)


def test_without_optuna_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UsageError, match=r'pip install "audioft\[search\]"'):
        storage.require()


def test_drawing_is_quick(tmp_path):
    began = time.monotonic()
    worked(ledger(tmp_path), 25)
    assert time.monotonic() - began < 20
