"""The command that `audioft probe` prints, run word for word: a run of it begins with what the probe has told."""

from __future__ import annotations

import csv
import json
import math
import shlex
from dataclasses import dataclass
from pathlib import Path

import makers
import numpy as np
import pytest
import soundfile

import audioft


@pytest.fixture
def follow(here, cache, audioft_command, tmp_path, monkeypatch):
    """`follow(*arguments of audioft probe)`: the probe, and then the run that it suggests."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments) -> Followed:
        code, table, said = audioft_command("probe", *arguments, "--out", "probed")
        assert code == 0, said
        (command,) = (line for line in table.splitlines() if line.startswith("  audioft train") and "--encoder" in line)
        code, out, said = audioft_command(*shlex.split(command)[1:])
        assert code == 0, f"{command}\n{said}"
        told = json.loads(Path("probed/probe.json").read_text())
        return Followed(told["encoders"][0], told["metric"], audioft.Run(Path(out.splitlines()[0])), command)

    return call


@dataclass(frozen=True)
class Followed:
    """What a probe has told of its best encoder, and the run that it suggested."""

    told: dict
    metric: str
    run: audioft.Run
    command: str

    @property
    def start(self) -> float:
        """The figure of the validation before the first step."""
        first = next(r for r in self.run.history if r["kind"] == "valid")
        assert first["epoch"] == 0
        return first[self.metric]

    def check(self) -> None:
        """What was measured is what is trained, at the figure that was told, as far as the run's side can tell."""
        model = json.loads((self.run.model / "audioft.json").read_text())
        measured = self.told["layer"], self.told["choice"]["pooling"], "linear"
        assert (model["layers"], model["pooling"], model["head"]) == measured
        clips = sum(r["split"] == "valid" for r in self.rows())
        noise, score = 1 / math.sqrt(clips), self.told["score"]  # two standard deviations of a share at most
        assert score["value"] - noise <= self.start <= score["value"] + noise

    def rows(self) -> list[dict]:
        """The table of the run's clips."""
        return list(csv.DictReader((self.run.folder / "manifest.csv").open()))


def tone(path: Path, hz: float, rng: np.random.Generator, noise: float = 0.1) -> None:
    """A tone that is hard to hear in its noise."""
    time = np.arange(makers.RATE // 2) / makers.RATE
    wave = 0.1 * np.sin(2 * np.pi * hz * time + rng.uniform(0, 6)) + rng.normal(0, noise, len(time))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.3 * wave, makers.RATE)


def test_a_table_with_sides_and_names_that_must_be_quoted(follow, tmp_path):
    """The probe is tested on the side that the run is validated on, so that the figures are the same."""
    data, rng = tmp_path / 'it\'s "my" $data', np.random.default_rng(0)
    rows = ["file_name,label,split"]
    for label, hz in (("a tone", 2400), ("b; tone", 300)):
        for i in range(40):
            tone(data / f"{label} {i}.wav", hz, rng)
            rows.append(f"{label} {i}.wav,{label},{'train' if i % 4 else 'valid'}")
    (data / "metadata.csv").write_text("\n".join([*rows, ""]))
    encoder = makers.encoder(tmp_path / "an encoder's folder")
    found = follow(data.name, "--encoders", encoder.name, "data.rename={b; tone: 'it''s, b'}")
    found.check()
    assert {r["label"] for r in found.rows()} == {"a tone", "it's, b"}
    assert abs(found.start - found.told["score"]["value"]) < 0.11, "two of twenty clips"
    assert "freeze=all" in found.command


def test_a_folder_without_sides(follow, two_tones, small_encoder):
    follow(two_tones, "--encoders", small_encoder).check()


def test_several_labels_a_clip(follow, chords, small_encoder):
    follow(chords, "--encoders", small_encoder, "data.test=place=place 1").check()


def test_recordings_that_are_slowed_down(follow, tmp_path, small_encoder):
    for label, hz in (("high", 20000.0), ("low", 3000.0)):
        for i in range(8):
            time = np.arange(38400) / 96000
            wave = 0.3 * np.sin(2 * np.pi * hz * time) + np.random.default_rng([i, round(hz)]).normal(0, 0.02, 38400)
            (tmp_path / "bats" / label).mkdir(parents=True, exist_ok=True)
            soundfile.write(tmp_path / "bats" / label / f"{label} {i}.wav", wave, 96000)
    more = ("data.time_expansion=10", "data.exclude=[high 0.wav, 'low/low 1.wav']", "data.max_seconds=2", "seed=3")
    found = follow("bats", "--encoders", small_encoder, *more)
    found.check()
    assert len(found.rows()) == 14
    card = json.loads((found.run.model / "preprocessor_config.json").read_text())
    assert card["time_expansion"] == 10


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["whisper", "ast", "sew-d", "bert"])
def test_other_families(follow, two_tones, encoder_folder, kind):
    follow(two_tones, "--encoders", encoder_folder(kind), "data.max_seconds=2").check()


def test_windows_that_are_longer_than_an_encoder_takes_are_told_of_it(
    here, cache, two_tones, encoder_folder, small_encoder, audioft_command
):
    """Training refuses them, too."""
    encoders = f"{encoder_folder('whisper')},{small_encoder}"
    code, table, _ = audioft_command("probe", two_tones, "--encoders", encoders)
    assert code == 1
    assert "FAILED: data.max_seconds: 10 is more than" in table
    assert "takes at once; set data.max_seconds=2" in table
    assert f"--encoder {small_encoder}" in table


def test_labels_with_times(follow, small_encoder, tmp_path):
    rng = np.random.default_rng(1)
    for n in range(10):
        time = np.arange(4 * makers.RATE) / makers.RATE
        hz = np.where((time % 2) < 1, 300.0, 2400.0)
        wave = 0.3 * np.sin(2 * np.pi * hz * time) + rng.normal(0, 0.02, len(time))
        (tmp_path / "field").mkdir(exist_ok=True)
        soundfile.write(tmp_path / "field" / f"{n}.wav", wave, makers.RATE)
        rows = [f"{t}\t{t + 1}\t{'low' if t % 2 == 0 else 'high'}" for t in range(4)]
        (tmp_path / "field" / f"{n}.txt").write_text("\n".join([*rows, ""]))
    found = follow("field", "--encoders", small_encoder, "events.context=0.1")
    found.check()
    assert {r["end"] != "" for r in found.rows()} == {True}
