"""Runs on ultrasound and infrasound: heard as asked, by every verb, at the recordings' own times."""

from __future__ import annotations

import json

import bats
import makers
import numpy as np
import pytest
import soundfile
import tiny
import torch
import transformers

import audioft
from audioft.annotations.event import Event
from audioft.assembly import hearings, resolve
from audioft.assembly.run_folder import refuse
from audioft.audio.hearing import Hearing
from audioft.configuration.sections import DataSection
from audioft.core.progress import Console
from audioft.data.clip import Clip
from audioft.data.dataset import Draw, read_exactly
from audioft.data.frames import FrameGrid, TrainingWindows
from audioft.errors import CheckpointError, ConfigError, UsageError
from audioft.evaluation.scoring import preparation, preparation_of
from audioft.inference.predictor import Predictor
from audioft.inference.table_provenance import made_with
from audioft.models.families import save_model
from audioft.models.folder import load
from audioft.models.loading import load_encoder
from audioft.tasks.pretrain.resolve import settings as pretrain_settings

QUIET = Console(quiet=True)
SETTINGS = {"slow": {"data.time_expansion": 10}, "band": {"data.band": [18_000, 80_000]}}
HOW = {"slow": Hearing(16000, 10.0), "band": Hearing(16000, None, (18_000.0, 80_000.0))}
BOTH = pytest.mark.parametrize("way", ["slow", "band"])


@pytest.fixture(scope="module")
def passes(tmp_path_factory):
    """Two species; not to be changed."""
    return bats.folder(tmp_path_factory.mktemp("bats") / "bats", 6)


@pytest.fixture(scope="module")
def runs(passes, small_encoder, tmp_path_factory):
    """A run a way of hearing; not to be changed."""
    place = tmp_path_factory.mktemp("runs")
    return {way: makers.train(passes, small_encoder, place / way, **_keys(more)) for way, more in SETTINGS.items()}


def _keys(settings):
    return {k.replace(".", "__"): v for k, v in settings.items()}


@BOTH
def test_the_model_folder_keeps_how_it_hears(runs, way):
    run = runs[way]
    model, card = load(run.model)
    assert model.encoder.hearing == HOW[way]
    assert model.encoder.seconds_per_frame == pytest.approx(0.02 / HOW[way].expansion)
    assert card.window == pytest.approx(0.4, abs=0.01 / HOW[way].expansion)
    about = json.loads((run.model / "audioft.json").read_text())["preprocessing"]
    assert (about["time_expansion"], about["band"]) == ((10, None) if way == "slow" else (None, [18_000, 80_000]))
    told = f"recordings are heard: {HOW[way]}"
    assert told in (run.model / "README.md").read_text()
    assert str(HOW[way]) in (run.folder / "report.html").read_text()
    made = made_with(Predictor(run), (0.4, 0.4))
    assert made["hearing"] == str(HOW[way])


def test_a_plain_model_says_nothing_of_it(trained):
    for name in ("audioft.json", "preprocessor_config.json", "README.md"):
        text = (trained.model / name).read_text()
        assert "time_expansion" not in text
        assert "are heard" not in text
    assert "hearing" not in made_with(Predictor(trained), (0.4, 0.4))


@BOTH
def test_predictions_of_files_arrays_and_streams_agree(runs, passes, way, tmp_path):
    predictor, path = Predictor(runs[way]), passes / "noctule" / "0.wav"
    samples, rate = soundfile.read(path, dtype="float32")
    soundfile.write(tmp_path / "stereo.flac", np.stack([samples, samples], 1), rate)
    (of_file,) = predictor.predict(path)
    assert (of_file.error, of_file.label in bats.SPECIES) == (None, True)
    assert of_file.seconds == pytest.approx(0.4, abs=1e-4)
    others = [*predictor.predict(samples, rate=rate), *predictor.predict(tmp_path / "stereo.flac")]
    for other in others:
        assert other.scores == pytest.approx(of_file.scores, abs=1e-5)
    timeline = predictor.timeline(path, window=0.1, hop=0.05)
    assert timeline.error is None
    assert timeline.windows.starts.tolist() == pytest.approx([0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3], abs=1e-4)
    assert timeline.windows.ends[-1] == pytest.approx(0.4, abs=1e-4)
    blocks = np.array_split(samples, 13)
    live = list(predictor.stream(blocks, rate, window=0.1, hop=0.05))
    assert np.concatenate([s.scores for s in live]) == pytest.approx(timeline.windows.scores, abs=1e-5)
    with pytest.raises(UsageError, match="how many samples a second"):
        list(predictor.stream(blocks))


@BOTH
def test_transformers_gives_the_same_for_what_audioft_hears(runs, passes, way):
    path = passes / "pipistrelle" / "1.wav"
    (ours,) = Predictor(runs[way]).predict(path)
    pipeline = transformers.pipeline("audio-classification", model=str(runs[way].model))
    samples = read_exactly(Clip(path, "x"), HOW[way], 0.0, None)
    theirs = {p["label"]: p["score"] for p in pipeline({"raw": samples, "sampling_rate": 16_000})}
    assert theirs == pytest.approx(dict(ours.scores), abs=1e-4)


def test_evaluate_hears_it_too(runs, passes, audioft_command):
    code, out, err = audioft_command("evaluate", runs["slow"].folder, passes)
    assert code == 0, err
    assert "12 clips" in out
    assert "left out" not in err


def test_a_run_of_another_hearing_is_no_resume(runs, passes, small_encoder):
    def config(**more):
        return resolve.settings(runs["slow"].config.data.source, config=runs["slow"].config, overrides=more)

    refuse(runs["slow"].folder, config(), resume=True, overwrite=False)
    with pytest.raises(CheckpointError, match=r"data\.time_expansion: was 10\.0, is 20\.0"):
        refuse(runs["slow"].folder, config(**{"data.time_expansion": 20}), resume=True, overwrite=False)
    with pytest.raises(CheckpointError, match=r"data\.band: was null, is \[18000\.0, 80000\.0\]"):
        refuse(runs["slow"].folder, config(**SETTINGS["band"]), resume=True, overwrite=False)


def test_what_is_gone_on_with_decides_unless_told_otherwise(runs, passes, audioft_command):
    def told(*more):
        code, out, err = audioft_command("train", passes, "--from", runs["slow"].folder, "--dry-run", *more)
        assert code == 0, err
        return [line for line in (out + err).splitlines() if "are heard" in line or "is left" in line]

    assert told() == ["recordings are heard: slowed down by 10"]
    assert told("data.band=[18000,80000]") == [f"recordings are heard: {HOW['band']}"]
    (lost,) = told("data.time_expansion=1")
    assert "nothing of it is left below 8 kHz" in lost


@pytest.mark.parametrize("kind", ["wav2vec2", "ast", "whisper"])
@BOTH
def test_an_encoder_folder_keeps_how_it_hears(kind, way, tmp_path, encoder_folder):
    encoder, _ = load_encoder(str(encoder_folder(kind)))
    plain = encoder.preprocessing
    assert hearings.known(DataSection(), str(encoder_folder(kind))) == Hearing(16000)
    encoder.hear(HOW[way].time_expansion, HOW[way].band)
    (tmp_path / "saved").mkdir()
    save_model(encoder.model, tmp_path / "saved")
    encoder.preprocessing.extractor().save_pretrained(tmp_path / "saved")
    again, _ = load_encoder(str(tmp_path / "saved"))
    assert (again.preprocessing, again.hearing) == (encoder.preprocessing, HOW[way])
    assert again.preprocessing.features == plain.features
    assert hearings.known(DataSection(), str(tmp_path / "saved")) == HOW[way]
    assert hearings.known(DataSection(time_expansion=1), str(tmp_path / "saved")) == Hearing(16000, 1)
    hearings.give(DataSection(time_expansion=20), again)
    assert again.hearing == Hearing(16000, 20)
    if again.max_samples is not None:
        assert again.max_seconds == pytest.approx(again.max_samples / 16_000 / 20, abs=0.01)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"data.time_expansion": 0}, "data.time_expansion: 0 is not between 0.01 and 1000"),
        ({"data.band": [80_000, 18_000]}, "is not below the highest"),
        ({"data.band": [18_000]}, r"data.band: expected the lowest and the highest frequency in Hz"),
        ({"data.band": [-1, 5]}, "data.band: expected the lowest"),
        ({"data.band": "ultrasound"}, "data.band"),
    ],
    ids=str,
)
def test_settings_that_cannot_be(settings, said, tmp_path):
    for made in (resolve.settings, pretrain_settings):
        with pytest.raises(ConfigError) as raised:
            made(tmp_path, overrides=settings)
        assert said in str(raised.value)


def test_a_band_that_is_too_wide_says_what_it_needs(passes, refused, small_encoder, tmp_path):
    more = ("data.time_expansion=2", "data.band=[18000,80000]", "--encoder", small_encoder, "--out", tmp_path / "out")
    refused("train", passes, *more, code=2, said=("needs a time expansion of 7.75 at least, not 2",))


def test_bats_are_refused_where_nothing_of_them_is_heard(passes, train):
    said = ("of 12 clips", "more than data.max_bad", "nothing of it is left below 8 kHz", "data.time_expansion=10")
    err = train(passes, code=1, said=said)
    assert "data.band=" in err


@BOTH
def test_frames_lie_where_the_calls_are(small_encoder, tmp_path, way):
    """The loud frames of a training window are those whose targets say so, to within a frame."""
    rng = np.random.default_rng(3)
    sound, times = bats.recording("noctule", rng, 2.0)
    soundfile.write(tmp_path / "night.wav", sound, bats.RATE, subtype="PCM_24")
    encoder, _ = load_encoder(str(small_encoder))
    encoder.hear(HOW[way].time_expansion, HOW[way].band)
    grid = FrameGrid(encoder.convolutions, encoder.hearing.per_second)
    assert grid.seconds == encoder.seconds_per_frame
    clips = [Clip(tmp_path / "night.wav", "night.wav", at, at + 0.5) for at in (0.0, 0.5, 1.0, 1.5)]
    windows = TrainingWindows(
        clips,
        {"night.wav": [Event("noctule", *t) for t in times]},
        ("noctule",),
        grid,
        seconds=[0.5] * 4,
        targets=np.ones((4, 1), np.float32),
        known=np.ones((4, 1), bool),
        prepare=preparation_of(encoder),
        max_seconds=0.5,
        seed=0,
    )
    for index in range(4):
        item = windows[Draw(index)]
        assert abs(len(item.waveform) - 0.5 * encoder.hearing.per_second) <= 1
        frames, true = grid.count(len(item.waveform)), item.targets[:, 0].numpy() > 0
        assert (len(true), 5 < true.sum() < frames / 2) == (frames, True)
        stride = encoder.backbone.samples_per_frame
        level = item.waveform[: frames * stride].reshape(frames, stride).square().mean(1).numpy()
        loud = level > 0.1 * level.max()
        near = np.convolve(true, [1, 1, 1], "same") > 0
        assert not (loud & ~near).any()
        middle = np.convolve(true, np.ones(3), "same") == 3
        assert loud[middle].mean() > 0.3
        assert torch.isfinite(item.waveform).all()


def test_infrasound_is_sped_up(small_encoder, tmp_path):
    """Rumbles of 12 and 30 Hz, as 120 and 300 Hz; a window of 2 s for the encoder is 20 s of the recording."""
    rng = np.random.default_rng(0)
    time = np.arange(20 * 2000) / 2000
    for label, hz in (("elephant", 12), ("whale", 30)):
        (tmp_path / "low" / label).mkdir(parents=True)
        for i in range(6):
            sound = 0.3 * np.sin(2 * np.pi * hz * time) + rng.normal(0, 0.02, len(time))
            soundfile.write(tmp_path / "low" / label / f"{i}.wav", sound, 2000)
    run = makers.train(tmp_path / "low", small_encoder, tmp_path / "run", data__time_expansion=0.1)
    predictor = Predictor(run)
    assert predictor.window == pytest.approx(20.0)
    assert preparation(predictor.model).per_second == 1600
    timeline = predictor.timeline(tmp_path / "low" / "whale" / "0.wav", window=5, hop=5)
    assert timeline.windows.ends.tolist() == pytest.approx([5, 10, 15, 20])
    with pytest.raises(UsageError, match=r"give at least 0\.25 s"):
        predictor.grid(0.1)


def test_whisper_takes_as_much_as_it_hears(tmp_path, encoder_folder):
    encoder, _ = load_encoder(str(encoder_folder("whisper")))
    most = encoder.max_seconds
    encoder.hear(10, None)
    assert encoder.max_seconds == pytest.approx(most / 10)
    assert round(encoder.max_seconds * encoder.hearing.per_second) <= encoder.max_samples
    assert encoder.sample_rate == tiny.RATE


@pytest.mark.slow
@pytest.mark.parametrize("more", [{"data.time_expansion": 10}, {"data.band": [18_000, 80_000]}], ids=str)
def test_species_are_told_apart(more, tmp_path):
    """With the encoder of the package, frozen; that their calls are found in time `benchmarks/ultrasound.py` shows."""
    data, out = bats.folder(tmp_path / "bats", 20), tmp_path / "run"
    settings = makers.QUICK | more | {"freeze": "all", "train.epochs": 15, "data.test": 0.3}
    report = audioft.finetune(data, out=out, overrides=settings, console=QUIET).report
    assert report.metrics["accuracy"].value >= 0.95
