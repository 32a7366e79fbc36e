"""What a frozen pass costs is told of the data at hand, not of what came first."""

from __future__ import annotations

import json

import makers
import numpy as np
import pytest
import tiny

from audioft.data.clip import Clip
from audioft.evaluation.embeddings import Embeddings
from audioft.tasks.probe import pass_cost
from audioft.tasks.probe.pass_cost import Cost, Costs


class Clock:
    """An encoder's passes by a made speed: `each` seconds a window, and `rate` a second computed."""

    def __init__(self, monkeypatch, kind: str, folder, each: float = 0.0, rate: float = 0.0):
        self.encoder, self.folder, self.each, self.rate = tiny.make_encoder(kind), folder, each, rate
        self.anew: list[list[Clip]] = []
        monkeypatch.setattr(pass_cost, "embed_clips", self.embed)

    def embed(self, encoder, clips, *, max_seconds, batch_seconds):
        self.anew.append(list(clips))
        return self.passed([(c.end or 0) - c.start for c in clips], 0, max_seconds)

    def passed(self, seconds, reused, max_seconds) -> Embeddings:
        found = pass_cost.canvas.windows(seconds, max_seconds, pass_cost.canvas.length(self.encoder))
        took = self.each * found.count + self.rate * found.computed
        return Embeddings(np.zeros(0), {}, reused, found.sound, found.computed, took)

    def cost(self, seconds, reused: int = 0, max_seconds: float = 2.0, peak: int = 10**8) -> Cost:
        """Of a pass over clips of these lengths, so many of whose features had been kept."""
        clips = [Clip(f"{i}.wav", f"{i}.wav", 0.0, s) for i, s in enumerate(seconds)]
        costs = Costs(self.encoder, clips, seconds, max_seconds, None)
        costs.read(self.folder)
        return costs.of(self.passed(seconds[reused:], reused, max_seconds), lambda: peak)


def test_a_canvas_costs_the_same_a_clip_and_is_scaled_by_its_sound(monkeypatch, tmp_path):
    clock = Clock(monkeypatch, "whisper", tmp_path, each=0.9)
    assert clock.cost([0.5] * 10).seconds_per_minute == pytest.approx(108)
    for seconds, wanted in (([0.25] * 20, 216), ([2.0] * 20, 27), ([3600.0], 27)):
        assert clock.cost(seconds, reused=len(seconds)).seconds_per_minute == pytest.approx(wanted)
    assert clock.anew == []


def test_data_that_differ_much_are_measured_anew(monkeypatch, tmp_path):
    """Short clips take longer a second; what was measured once of either kind is told of that kind."""
    clock = Clock(monkeypatch, "wav2vec2", tmp_path, each=0.1, rate=0.01)
    short, long, hour = [0.8] * 40, [5.0] * 10, [3600.0]
    first = clock.cost(short, max_seconds=10.0)
    assert first.seconds_per_minute == pytest.approx(60 * (0.1 / 0.8 + 0.01))
    assert clock.cost(short, reused=40, max_seconds=10.0, peak=1) == first
    assert clock.cost([0.7] * 40, reused=40, max_seconds=10.0).seconds_per_minute == pytest.approx(
        60 * (0.1 / 0.8 + 0.01)
    )
    assert clock.anew == []
    for data, wanted in ((long, 0.1 / 5 + 0.01), (hour, 0.1 / 10 + 0.01)):
        for _ in range(2):
            found = clock.cost(data, reused=len(data), max_seconds=10.0)
            assert found.seconds_per_minute == pytest.approx(60 * wanted)
    assert len(clock.anew) == 4, "each once, after one clip that is not timed"
    (part,) = clock.anew[-1]
    assert part.end - part.start <= 40, "of an hour a few windows"
    assert clock.cost(short, reused=40, max_seconds=10.0) == first
    clock.cost(short, max_seconds=10.0)
    kept = json.loads((tmp_path / pass_cost.FILE).read_text())["costs"]
    assert sorted(round(entry["mean"], 3) for entry in kept) == [0.8, 5, 10], "one of each kind, the newest"


@pytest.mark.parametrize(
    "damage", ["", "{", "[1]", '{"version": 2, "costs": [3]}', '{"device": "cpu", "seconds_per_minute": 1}']
)
def test_what_is_damaged_or_older_is_measured_anew(monkeypatch, tmp_path, damage):
    clock = Clock(monkeypatch, "whisper", tmp_path, each=0.9)
    (tmp_path / pass_cost.FILE).write_text(damage)
    assert clock.cost([0.5] * 10, reused=10).seconds_per_minute == pytest.approx(108)
    assert len(clock.anew) == 2
    assert json.loads((tmp_path / pass_cost.FILE).read_text())["version"] == pass_cost.VERSION


def test_what_is_of_another_device_or_no_number_does_not_hold(monkeypatch, tmp_path):
    clock = Clock(monkeypatch, "whisper", tmp_path, each=0.9)
    clock.cost([0.5] * 10)
    told = json.loads((tmp_path / pass_cost.FILE).read_text())
    for key, value in (("device", "cuda"), ("seconds_per_minute", "x"), ("mean", -1), ("batch_seconds", 7)):
        (entry,) = told["costs"]
        changed = told | {"costs": [entry | {key: value}]}
        (tmp_path / pass_cost.FILE).write_text(json.dumps(changed))
        clock.anew.clear()
        clock.cost([0.5] * 10, reused=10)
        assert len(clock.anew) == 2, key


def test_what_says_nothing_is_not_kept(monkeypatch, tmp_path):
    clock = Clock(monkeypatch, "wav2vec2", tmp_path, each=0.1)
    assert clock.cost([0.1] * 5) == Cost(None, 10**8)
    assert not (tmp_path / pass_cost.FILE).exists()


def test_a_probe_tells_of_silence_before_a_pass_and_not_where_there_is_none(
    here, cache, encoder_folder, audioft_command, tmp_path
):
    data = makers.tones(tmp_path / "data")
    call = ("probe", data, "data.max_seconds=2", "--encoders")
    code, table, said = audioft_command(*call, encoder_folder("whisper"))
    assert code == 0, said
    note = f"note: {encoder_folder('whisper')}: every window is laid on a canvas of 2 s: 75% of what is computed is"
    assert said.count(note) == 1
    assert "under a minute for one pass over 12 windows" in said
    _, again, said = audioft_command(*call, encoder_folder("whisper"))
    assert "canvas" not in said
    assert again.splitlines()[2:5] == table.splitlines()[2:5]
    _, _, said = audioft_command(*call, encoder_folder("wav2vec2"))
    assert "canvas" not in said
