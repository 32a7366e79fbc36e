"""Crops: each a function of its address, heard and clean in step, from files in which a crop is read quickly."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import soundfile
import torch

from audioft.audio import io
from audioft.augmentation import Chain, augmentations
from audioft.data.batching import StepPlan, loader
from audioft.data.clip import Clip
from audioft.data.crops import Crops, Mixing
from audioft.data.dataset import Draw, Preparation
from audioft.data.decoded import decoded
from audioft.errors import AudioError, AudioftError

RATE = 16000
RAW = Preparation(RATE, normalise=False, min_samples=400)
ALL = {
    "change": Chain([augmentations.build({"name": "speed", "p": 0.8})]),
    "disturb": Chain([augmentations.build({"name": "noise", "p": 0.8})]),
    "mixing": Mixing(p=0.8),
}


def sound(seconds: float, seed: int = 0, rate: int = RATE) -> np.ndarray:
    """A ramp in noise: where a cut was made can be told from it."""
    count = round(seconds * rate)
    return 0.1 * np.random.default_rng(seed).standard_normal(count) + np.linspace(-0.3, 0.3, count)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for i in range(6):
        soundfile.write(folder / f"{i}.wav", sound(0.2 + 0.3 * i, i), RATE, subtype="PCM_16")
    return [Clip(folder / f"{i}.wav", f"{i}.wav") for i in range(6)], [0.2 + 0.3 * i for i in range(6)]


def make(clips, crop=0.5, seed=0, prepare=RAW, **options) -> Crops:
    return Crops(*clips, prepare, crop, seed, **options)


def test_a_crop_is_a_part_of_its_recording(clips):
    whole = io.read(clips[0][5].path, RATE)
    beginnings = np.lib.stride_tricks.sliding_window_view(whole, 50)
    starts = set()
    for epoch in range(6):
        found = make(clips)[Draw(5, epoch)].clean
        assert len(found) == RATE // 2
        start = int(np.abs(beginnings - found[:50].numpy()).sum(1).argmin())
        assert np.array_equal(found.numpy(), whole[start : start + RATE // 2])
        starts.add(start)
    assert len(starts) == 6
    assert torch.equal(make(clips)[Draw(0)].clean, torch.from_numpy(io.read(clips[0][0].path, RATE)))


def test_a_clips_own_start_and_end_are_kept(clips):
    cut = dataclasses.replace(clips[0][5], start=1.0, end=1.3)
    found = make(([cut], [0.3]))[Draw(0)].clean
    assert np.array_equal(found.numpy(), io.read(cut.path, RATE, 1.0, 1.3))
    whole = io.read(cut.path, RATE)
    for epoch in range(4):
        found = make(([dataclasses.replace(cut, end=1.6)], [0.6]), crop=0.2)[Draw(0, epoch)].clean.numpy()
        assert any(np.array_equal(found, whole[i : i + 3200]) for i in range(16000, 22401))


def test_what_is_drawn_is_a_function_of_the_address(clips):
    first, second = make(clips, **ALL), make(clips, **ALL)
    second[Draw(3, 1)], second[Draw(2)]
    for draw in (Draw(5, 0), Draw(5, 0, 1), Draw(4, 1)):
        assert torch.equal(first[draw].heard, second[draw].heard)
        assert torch.equal(first[draw].clean, second[draw].clean)
        assert first[draw].address == second[draw].address
    assert not torch.equal(first[Draw(5, 0)].heard[:100], first[Draw(5, 0, 1)].heard[:100])
    assert not torch.equal(first[Draw(5, 0)].heard[:100], first[Draw(5, 1)].heard[:100])
    assert not torch.equal(first[Draw(5, 0)].heard[:100], make(clips, seed=1, **ALL)[Draw(5, 0)].heard[:100])


def test_workers_change_nothing(clips):
    steps = StepPlan(6, 3, seed=0, weights=np.ones(6), draws=9).epoch(0)
    batches = [list(loader(make(clips, **ALL), steps, workers)) for workers in (0, 2)]
    assert len(batches[0]) == 3
    for a, b in zip(*batches, strict=True):
        assert torch.equal(a.waveforms, b.waveforms)
        assert torch.equal(a.clean, b.clean)
        assert (a.indices, a.addresses) == (b.indices, b.addresses)


def test_other_settings_draw_the_same_crop(clips):
    """What is done to a crop does not decide which one it is."""
    plain = make(clips)[Draw(5, 2)]
    assert torch.equal(plain.heard, plain.clean)
    assert torch.equal(plain.clean, make(clips, disturb=ALL["disturb"], mixing=Mixing(p=1))[Draw(5, 2)].clean)


def test_what_is_heard_stays_in_step_with_what_is_clean(clips):
    crops = make(clips, prepare=Preparation(RATE, True, 400), **ALL)
    disturbed = 0
    for index in range(6):
        for epoch in range(4):
            c = crops[Draw(index, epoch)]
            assert len(c.heard) == len(c.clean) <= RATE // 2
            for wave in (c.heard, c.clean):
                assert float(wave.mean()) == pytest.approx(0, abs=1e-4)
                assert float(wave.square().mean()) == pytest.approx(1, abs=1e-3)
            disturbed += not torch.equal(c.heard, c.clean)
            lag = torch.fft.irfft(torch.fft.rfft(c.heard) * torch.fft.rfft(c.clean).conj()).argmax()
            assert int(lag) == 0
    assert 12 < disturbed < 24


def test_a_disturbance_must_keep_the_length(clips):
    with pytest.raises(ValueError, match="a disturbance made 10 samples of"):
        make(clips, disturb=lambda wave, rate, rng: wave[:10])[Draw(5)]


def test_mixing_at_its_level():
    wave, other = (torch.from_numpy(sound(1.0, seed)).float() for seed in (1, 2))
    for low, high in ((-5.0, 15.0), (10.0, 10.0)):
        mixing = Mixing(max_share=0.5, min_db=low, max_db=high)
        lengths, levels, places = [], [], []
        for seed in range(60):
            before = wave.clone()
            mixed = mixing(wave, other, np.random.default_rng(seed))
            assert torch.equal(wave, before)
            added = (mixed - wave).numpy()
            at = np.nonzero(added)[0]
            part = added[at[0] : at[-1] + 1]
            lengths.append(len(part) / len(wave))
            places.append(at[0])
            levels.append(20 * math.log10(float(wave.square().mean().sqrt()) / math.sqrt((part**2).mean())))
        assert 0.1 - 1e-3 < min(lengths) < max(lengths) < 0.5 + 1e-3
        assert low - 0.05 < min(levels) <= max(levels) < high + 0.05
        assert max(levels) - min(levels) > 0.7 * (high - low)
        assert max(places) > 8000


def test_silence_sets_no_level():
    wave, silence = torch.from_numpy(sound(0.2)).float(), torch.zeros(3200)
    for a, b in ((wave, silence), (silence, wave), (wave, wave[:1])):
        mixed = Mixing(max_share=1.0)(a, b, np.random.default_rng(0))
        assert mixed.isfinite().all()
        assert len(mixed) == len(a)
    assert torch.equal(Mixing()(wave, silence, np.random.default_rng(0)), wave)
    assert torch.equal(Mixing()(silence, wave, np.random.default_rng(0)), silence)


def test_how_often_and_with_what_is_mixed(clips):
    shares = np.array([0, 0, 0, 0, 1.0, 0])
    crops = make(clips, mixing=Mixing(p=0.5, min_db=0, max_db=0), shares=shares)
    read: list[int] = []
    inner = crops._read
    crops._read = lambda index, rng: read.append(index) or inner(index, rng)  # type: ignore[method-assign]
    mixed = [not torch.equal((c := crops[Draw(5, e)]).heard, c.clean) for e in range(60)]
    assert 18 < sum(mixed) < 42
    assert set(read) == {4, 5}
    assert read.count(4) == sum(mixed)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"p": 1.5}, "p: 1.5 is not a share"),
        ({"max_share": 0}, "max_share: 0 is not above 0"),
        ({"min_db": 20}, "min_db: 20 is above max_db, 15"),
    ],
)
def test_ranges_of_mixing(given, said):
    settings = {"p": 0.5, "max_share": 0.5, "min_db": -5.0, "max_db": 15.0} | given
    assert [said in s for s in Mixing.validate(**settings)] == [True]
    assert Mixing.validate(0.5, 0.5, -5.0, 15.0) == []


def test_failures_are_set_apart(clips, tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"RIFF nothing")
    broken = ([*clips[0], Clip(tmp_path / "bad.wav", "bad.wav")], [*clips[1], 1.0])
    crops = make(broken)
    batch = crops.collate([crops[Draw(i)] for i in (6, 5, 0)])
    assert batch.indices == (5, 0)
    assert batch.lengths.tolist() == [8000, 3200]
    assert batch.waveforms.shape == batch.clean.shape == (2, 8000)
    assert not batch.waveforms[1, 3200:].any()
    assert [i for i, _ in batch.failures] == [6]
    assert isinstance(batch.failures[0][1], AudioError)
    assert len(crops.collate([crops[Draw(6)]])) == 0
    # a bad second recording is no failure of the first
    always = make(broken, mixing=Mixing(p=1), shares=np.eye(7)[6])[Draw(5)]
    assert always.failure is None
    assert torch.equal(always.heard, always.clean)


def test_a_bad_file_of_noises_is_told_with_the_recording(clips):
    def fails(wave, rate, rng):
        raise AudioError("noises/a.wav", "open", "not there")

    for options in ({"change": fails}, {"disturb": fails}):
        failure = make(clips, **options)[Draw(2)].failure
        assert failure is not None
        assert (failure.stage, failure.reason) == ("augment", "noises/a.wav: not there")


FORMATS = [  # name, rate, channels, subtype, whether a crop of it is read in place
    ("a.wav", RATE, 1, "PCM_16", True),
    ("a.flac", RATE, 1, "PCM_16", True),
    ("b.flac", RATE, 1, "PCM_24", True),
    ("b.wav", RATE, 1, "FLOAT", True),
    ("c.wav", RATE, 2, "PCM_16", False),
    ("d.wav", 22050, 1, "PCM_16", False),
    ("e.wav", RATE, 1, "MS_ADPCM", False),
    ("a.ogg", RATE, 1, "VORBIS", False),
    ("a.mp3", RATE, 1, "MPEG_LAYER_III", False),
]


def test_recordings_in_which_a_seek_is_slow_are_decoded_once(tmp_path):
    clips = []
    for i, (name, rate, channels, subtype, _) in enumerate(FORMATS):
        soundfile.write(tmp_path / name, np.stack([sound(1.0, i, rate)] * channels, 1), rate, subtype=subtype)
        clips.append(Clip(tmp_path / name, name))
    clips.append(Clip(tmp_path / "a.ogg", "cut.ogg", 0.25, 0.75))
    folder, done = tmp_path / "decoded", []
    folder.mkdir()
    found = decoded(clips, [1.0] * len(clips), folder, RATE, done.append)
    assert done == list(range(1, len(clips) + 1))
    for before, after, (*_, raw) in zip(clips, found, [*FORMATS, (False,)], strict=True):
        assert (after is before) == raw, before.name
        assert (after.path.parent == folder) == (not raw)
        assert after.key == before.key
        info = io.probe(after.path)
        assert (info.rate, info.channels) == (RATE, 1)
        ours, wanted = (
            io.read(after.path, RATE, after.start, after.end),
            io.read(before.path, RATE, before.start, before.end),
        )
        assert len(ours) == len(wanted)
        assert np.abs(ours - wanted).max() <= (0 if raw else 1 / 32768), before.name
    assert len(list(folder.iterdir())) == 6
    # the same files again, none of them made anew
    times = {p: p.stat().st_mtime_ns for p in folder.iterdir()}
    assert decoded(clips[::-1], [1.0] * len(clips), folder, RATE, done.append) == found[::-1]
    assert {p: p.stat().st_mtime_ns for p in folder.iterdir()} == times


def test_a_recording_that_has_changed_is_decoded_anew(tmp_path):
    def samples(level):
        soundfile.write(tmp_path / "a.ogg", level * sound(0.5), RATE)
        (clip,) = decoded([Clip(tmp_path / "a.ogg", "a.ogg")], [0.5], tmp_path, RATE, lambda done: None)
        return io.read(clip.path, RATE)

    assert samples(1.0).std() == pytest.approx(2 * samples(0.5).std(), rel=0.02)


def test_a_folder_that_cannot_be_written(tmp_path):
    soundfile.write(tmp_path / "a.ogg", sound(0.2), RATE)
    with pytest.raises(AudioftError, match="cannot write"):
        decoded([Clip(tmp_path / "a.ogg", "a.ogg")], [0.2], tmp_path / "none", RATE, lambda done: None)


def test_a_teacher_hears_the_same_few_crops_again_and_again(clips):
    """Undisturbed, and changed as the crop was; what disturbs the student is drawn anew."""
    plain = Preparation(RATE, normalise=False, min_samples=400)
    made = make(clips, prepare=dataclasses.replace(plain, normalise=True), teacher=plain, fixed=np.full(6, 2), **ALL)
    found = [made[Draw(5, epoch, repeat)] for epoch in range(4) for repeat in range(3)]
    assert len({c.taught.numpy().tobytes() for c in found}) == 2
    assert len({c.clean.numpy().tobytes() for c in found}) == 2
    assert len({c.heard.numpy().tobytes() for c in found}) > 6
    assert not torch.equal(found[0].taught, found[1].taught)
    np.testing.assert_allclose(plain(found[0].taught.numpy()), found[0].taught)
    assert abs(float(found[0].taught.std()) - 1) > 0.1 > abs(float(found[0].clean.std()) - 1)
    batch = Crops.collate(found[:3])
    assert [len(w) for w in batch.taught] == batch.lengths.tolist()
    assert make(clips)[Draw(0)].taught is None
    assert Crops.collate([make(clips)[Draw(0)]]).taught == ()
