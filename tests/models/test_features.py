"""Features computed as tensors against those of transformers' own extractors."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchaudio.compliance.kaldi import fbank
from transformers import (
    ASTFeatureExtractor,
    ClapFeatureExtractor,
    SeamlessM4TFeatureExtractor,
    Wav2Vec2FeatureExtractor,
    WhisperFeatureExtractor,
)

from audioft.errors import ModelError
from audioft.models.features import front_end

RATE = 16000
EXTRACTORS = {
    "ast": lambda: ASTFeatureExtractor(),
    "ast short": lambda: ASTFeatureExtractor(max_length=200, num_mel_bins=64, mean=-6.6, std=5.2),
    "ast raw": lambda: ASTFeatureExtractor(max_length=300, do_normalize=False),
    "ast 22 kHz": lambda: ASTFeatureExtractor(max_length=300, sampling_rate=22050),
    "w2v-bert": lambda: SeamlessM4TFeatureExtractor(padding_value=1),  # as facebook/w2v-bert-2.0
    "w2v-bert 40": lambda: SeamlessM4TFeatureExtractor(feature_size=40, num_mel_bins=40, padding_value=0.5),
    "whisper": lambda: WhisperFeatureExtractor(),
    "whisper 128": lambda: WhisperFeatureExtractor(feature_size=128),
    "whisper 5 s": lambda: WhisperFeatureExtractor(chunk_length=5, hop_length=170, n_fft=512),
}
LENGTHS = {  # up to each family's limit, and just below it
    "ast": (164239, 164238, 164079),
    "ast short": (32399, 32398, 32000),
    "ast raw": (48399, 48239),
    "ast 22 kHz": (66550, 66331),
    "whisper": (480000, 479999, 479801),
    "whisper 5 s": (80000, 79999, 79745),
}
ONE_A_FAMILY = ["ast", "w2v-bert", "whisper"]


@pytest.fixture(params=EXTRACTORS)
def kind(request):
    return request.param


def noise(samples: int, level: float = 0.1, seed: int = 0) -> np.ndarray:
    """Noise under a slow swell, so that every band moves."""
    swell = 1 + 0.9 * np.sin(2 * np.pi * np.arange(samples) / 9000)
    return (level * swell * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


def chirp(samples: int) -> np.ndarray:
    seconds = np.arange(samples) / RATE
    return (0.9 * np.sin(2 * np.pi * (300 * seconds + 400 * seconds**2))).astype(np.float32)


def published(extractor, clip: np.ndarray) -> tuple[np.ndarray, int | None]:
    """Features `(F, D)` of one clip, and how many of them its attention mask counts; None where it makes none."""
    found = extractor(clip, sampling_rate=extractor.sampling_rate, return_tensors="np", return_attention_mask=True)
    values = found[extractor.model_input_names[0]][0]
    own = int(found["attention_mask"][0].sum()) if "attention_mask" in found else None
    return values.T if isinstance(extractor, WhisperFeatureExtractor) else values, own


def ours(front, *clips: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    lengths = torch.tensor([len(c) for c in clips])
    waveforms = torch.zeros(len(clips), int(lengths.max()) + 777)  # a batch may be wider than its longest clip
    for row, clip in zip(waveforms, clips, strict=True):
        row[: len(clip)] = torch.from_numpy(clip)
    return front(waveforms, lengths)


def assert_as_published(extractor, clip: np.ndarray, within: float = 1e-4) -> None:
    features, lengths = ours(front_end(extractor), clip)
    expected, own = published(extractor, clip)
    assert features.dtype == torch.float32
    assert lengths.dtype == torch.int64
    assert features.shape[1:] == expected.shape
    assert np.abs(features[0].numpy() - expected).max() < within
    if own is not None:
        assert int(lengths[0]) == own


def test_clips_of_all_lengths_are_as_published(kind):
    extractor = EXTRACTORS[kind]()
    for samples in (8000, 8001, 8160, 8159, 16543, 30000, *LENGTHS.get(kind, ())):
        assert_as_published(extractor, noise(samples))


def test_the_shortest_clips_are_as_published(kind):
    extractor = EXTRACTORS[kind]()
    shortest = front_end(extractor).shortest
    for samples in (shortest, shortest + 1, shortest + 160):
        # it rises, as w2v-BERT's few frames must differ: over two nearly equal ones its float32 is 1e-4 off itself
        assert_as_published(extractor, noise(samples) * np.logspace(-4, 0, samples, dtype=np.float32))


@pytest.mark.parametrize(
    "clip", [chirp(30001), noise(30001, 3.0), noise(30001).clip(-0.1, 0.1) * 10, noise(30001, 1e-5)]
)
def test_pure_loud_clipped_and_faint_sounds_are_as_published(kind, clip):
    assert_as_published(EXTRACTORS[kind](), clip)


def test_sound_between_silences_and_beside_an_offset_is_as_published(kind):
    clip = np.zeros(30001, np.float32)
    clip[9000:12000] = noise(3000)
    assert_as_published(EXTRACTORS[kind](), clip)
    assert_as_published(EXTRACTORS[kind](), noise(30001, 1e-3) + np.float32(0.5))


def test_silence_is_as_published(kind):
    extractor = EXTRACTORS[kind]()
    # numpy's mean of equal float32 values is one last place (1e-6) off, or not, depending on how many they are, and
    # w2v-BERT's features are its multiples of 1 / sqrt(1e-7)
    within = 0.00302 if kind.startswith("w2v-bert") else 1e-6
    for samples in (8000, 30001, 32000):
        assert_as_published(extractor, np.zeros(samples, np.float32), within)


@pytest.mark.parametrize("clip", [np.zeros(30001, np.float32), noise(560), chirp(560), np.full(9000, 0.37, np.float32)])
def test_w2v_bert_takes_exact_statistics_of_the_published_levels(clip):
    extractor = SeamlessM4TFeatureExtractor(padding_value=1)
    levels = extractor(clip, sampling_rate=RATE, return_tensors="np", do_normalize_per_mel_bins=False)
    own = levels["input_features"][0, : int(levels["attention_mask"].sum())].reshape(-1, 80).astype(np.float64)
    frames = (len(clip) - 400) // 160 + 1
    if frames % 2:  # the last frame, of which the pair is not a clip's own, counts
        own = np.concatenate([own, levels["input_features"][0, -1:, :80]])
    expected = (own - own.mean(0)) / np.sqrt(own.var(0, ddof=1) + 1e-7)
    found = ours(front_end(extractor), clip)[0].reshape(-1, 80)[:frames]
    assert np.abs(found.numpy() - expected).max() < 1e-5


def test_float32_would_not_do_for_w2v_bert():
    """The same formula by torchaudio: in float32 bands that a pure sound leaves silent hold rounding."""
    clip = chirp(30001)
    extractor = SeamlessM4TFeatureExtractor(padding_value=1)
    expected, own = published(extractor, clip)
    found = {}
    for dtype in (torch.float32, torch.float64):
        levels = fbank(torch.from_numpy(clip)[None].to(dtype) * 2**15, num_mel_bins=80).double()
        normed = (levels - levels.mean(0)) / (levels.var(0) + 1e-7).sqrt()
        found[dtype] = np.abs(normed[: 2 * own].reshape(own, 160).numpy() - expected[:own]).max()
    assert found[torch.float64] < 1e-4
    assert found[torch.float32] > 0.01
    assert_as_published(extractor, clip, within=1e-5)


def test_a_clip_is_the_same_alone_and_beside_others(kind):
    extractor = EXTRACTORS[kind]()
    front = front_end(extractor)
    most = min(front.longest or 40000, 40000)
    clips = [
        noise(front.shortest),
        noise(16543, seed=1),
        chirp(most),
        noise(most // 2, 2.0),
        np.zeros(9000, np.float32),
    ]
    together, lengths = ours(front, *clips)
    assert torch.equal(lengths, front.frames(torch.tensor([len(c) for c in clips])))
    for clip, row, frames in zip(clips, together, lengths, strict=True):
        alone, own = ours(front, clip)
        assert own[0] == frames
        beyond = len(row) - alone.shape[1]
        torch.testing.assert_close(row[: len(row) - beyond], alone[0], atol=1e-5, rtol=0)
        if beyond:  # only w2v-BERT's features end with the longest clip
            assert (row[alone.shape[1] :] == extractor.padding_value).all()


def test_frames_are_counted_as_spectra_are_made():
    samples = torch.tensor([400, 559, 560, 719, 720, 879, 880])
    assert front_end(EXTRACTORS["ast"]()).frames(samples).tolist() == [1, 1, 2, 2, 3, 3, 4]
    assert front_end(EXTRACTORS["w2v-bert"]()).frames(samples).tolist() == [0, 0, 1, 1, 1, 1, 2]
    assert front_end(EXTRACTORS["whisper"]()).frames(torch.tensor([1, 160, 161, 480000])).tolist() == [1, 1, 2, 3000]
    assert [front_end(EXTRACTORS[k]()).hop for k in ONE_A_FAMILY] == [160, 320, 160]
    assert [front_end(EXTRACTORS[k]()).size for k in ONE_A_FAMILY] == [128, 160, 80]


def test_lengths_that_give_no_features_or_lose_sound_are_refused(kind):
    front = front_end(EXTRACTORS[kind]())
    with pytest.raises(ValueError, match=f"{front.shortest - 1} samples .* {front.shortest}$"):
        front(torch.zeros(2, 9000), torch.tensor([9000, front.shortest - 1]))
    if front.longest is not None:
        with pytest.raises(ValueError, match=f"{front.longest + 1} samples .* {front.longest}$"):
            front(torch.zeros(2, front.longest + 1), torch.tensor([front.longest + 1, 9000]))
    with pytest.raises(ValueError, match=r"9001 samples .* 9000$"):
        front(torch.zeros(2, 9000), torch.tensor([9001, 9000]))


@pytest.mark.parametrize("name", ONE_A_FAMILY)
def test_what_is_just_beyond_the_limits_is_cut_or_void_as_published(name):
    """Where the limits lie is read from the published extractor."""
    extractor = EXTRACTORS[name]()
    front = front_end(extractor)
    assert front.longest == (LENGTHS[name][0] if name in LENGTHS else None)
    if front.longest is not None:
        clip = noise(front.longest + 1)
        np.testing.assert_array_equal(published(extractor, clip)[0], published(extractor, clip[: front.longest])[0])
    if name == "ast":
        uncut = ASTFeatureExtractor(max_length=1025, do_normalize=False)
        assert published(uncut, clip)[0][-1].any()
        assert not published(uncut, clip[: front.longest])[0][-1].any()
    if name == "w2v-bert":
        with np.errstate(all="ignore"), pytest.warns(RuntimeWarning, match="Degrees of freedom"):
            assert np.isnan(published(extractor, noise(front.shortest - 1))[0]).any()
        assert np.isfinite(published(extractor, noise(front.shortest))[0]).all()


@pytest.mark.parametrize("name", ONE_A_FAMILY)
def test_precision_is_kept_under_autocast(name):
    front, clip = front_end(EXTRACTORS[name]()), noise(16000)
    expected, _ = ours(front, clip)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(ours(front, clip)[0], expected)


@pytest.mark.parametrize("name", ONE_A_FAMILY)
@pytest.mark.parametrize("clip", [noise(8000), np.zeros(8000, np.float32)])
def test_gradients_reach_the_waveform(name, clip):
    front = front_end(EXTRACTORS[name]())
    with torch.inference_mode():
        front(torch.from_numpy(clip)[None], torch.tensor([8000]))
    waveforms = torch.from_numpy(clip)[None].clone().requires_grad_()
    features, _ = front(waveforms, torch.tensor([8000]))
    features.square().sum().backward()
    assert torch.isfinite(waveforms.grad).all()
    assert bool(waveforms.grad.any()) == bool(clip.any())


def test_constants_that_came_to_a_device_in_inference_serve_training_too():
    """On torch's device without numbers, as there may be no other."""
    front, lengths = front_end(EXTRACTORS["whisper"]()), torch.tensor([8000])
    waveforms = torch.zeros(1, 8000, device="meta")
    with torch.inference_mode():
        assert front(waveforms.clone(), lengths)[0].shape == (1, 3000, 80)
    waveforms.requires_grad_()
    front(waveforms, lengths)[0].sum().backward()
    assert waveforms.grad is not None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same(kind):
    front, clip = front_end(EXTRACTORS[kind]()), torch.from_numpy(np.stack([noise(30001), chirp(30001)]))
    lengths = torch.tensor([30001, 16000])
    clip[1, 16000:] = 0
    with torch.inference_mode():
        found, own = front(clip.cuda(), lengths.cuda())
    expected, frames = front(clip, lengths)
    torch.testing.assert_close(found.cpu(), expected, atol=1e-4, rtol=0)
    assert torch.equal(own.cpu(), frames)
    front(clip.cuda().requires_grad_(), lengths.cuda())[0].sum().backward()


@pytest.mark.parametrize(
    ("extractor", "words"),
    [
        (Wav2Vec2FeatureExtractor, "Wav2Vec2FeatureExtractor are not supported; supported are ASTFeatureExtractor"),
        (ClapFeatureExtractor, "ClapFeatureExtractor are not supported"),
        (lambda: SeamlessM4TFeatureExtractor(stride=3), "stack 3 frames"),
        (lambda: SeamlessM4TFeatureExtractor(padding_side="left"), "padded on the left"),
        (lambda: WhisperFeatureExtractor(dither=1e-4), "dither 0.0001"),
        (lambda: WhisperFeatureExtractor(padding_value=1.0), "padded with 1.0"),
        (lambda: WhisperFeatureExtractor(padding_side="left"), "on the left"),
    ],
)
def test_what_cannot_be_computed_is_refused(extractor, words):
    with pytest.raises(ModelError, match=words):
        front_end(extractor())
