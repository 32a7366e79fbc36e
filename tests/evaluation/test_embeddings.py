"""Features of clips: one frozen pass, the mean over windows, kept on disk and never mistaken for others."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import makers
import numpy as np
import pytest
import soundfile
import tiny
import torch

from audioft.core import disk_cache
from audioft.data.clip import Clip
from audioft.data.dataset import beginning
from audioft.errors import AudioError
from audioft.evaluation import embeddings
from audioft.evaluation.embedding_store import Store, default_store, fingerprint
from audioft.evaluation.probe import embed
from audioft.evaluation.scoring import preparation_of
from audioft.models.encoder import Encoder, Preprocessing


def made(seed: int = 0, **settings) -> Encoder:
    return Encoder(tiny.make_model("wav2vec2", seed=seed, **settings), Preprocessing(), name="x")


@pytest.fixture(scope="module")
def encoder():
    return made()


@pytest.fixture
def clips(tmp_path) -> list[Clip]:
    return [makers.clip(makers.tone(tmp_path / f"{i}.wav", 300 + 100 * i, 0.3 + 0.1 * i)) for i in range(4)]


@pytest.fixture
def passes(monkeypatch) -> list[int]:
    """How many windows go through the encoder, a number a pass."""
    counted: list[int] = []

    def counting(encoder, waveforms, *rest):
        counted.append(len(waveforms))
        return embed(encoder, waveforms, *rest)

    monkeypatch.setattr(embeddings, "embed", counting)
    return counted


def embed_clips(encoder, clips, *, max_seconds: float, store: Path | None = None, **how) -> embeddings.Embeddings:
    """A pass, with a store that is open meanwhile."""
    with contextlib.ExitStack() as stack:
        kept = store and stack.enter_context(Store(store, encoder, max_seconds))
        return embeddings.embed_clips(encoder, clips, max_seconds=max_seconds, store=kept, **how)


def expected(encoder: Encoder, clip: Clip, start: float = 0, seconds: float = 60) -> np.ndarray:
    prepare = preparation_of(encoder)
    heard = beginning(Clip(clip.path, clip.name, clip.start + start, clip.end), prepare.sample_rate, seconds)
    return embed(encoder, [prepare(heard)]).reshape(4, 64)


def test_features_are_those_of_the_probe_in_the_order_of_the_clips(encoder, clips):
    told: list[int] = []
    found = embed_clips(encoder.train(), clips, max_seconds=5, batch_seconds=0.9, progress=told.append)
    assert encoder.training
    assert (found.features.shape, found.features.dtype) == ((4, 4, 64), np.float32)
    for clip, row in zip(clips, found.features, strict=True):
        np.testing.assert_allclose(row, expected(encoder, clip), atol=1e-4)
    assert (told[0], told[-1]) == (0, 4)
    assert told == sorted(told)
    assert found.usable.all()
    assert not found.failures
    assert found.took > 0
    assert found.heard == pytest.approx(0.3 + 0.4 + 0.5 + 0.6)
    assert (found.layer(-1) == found.features[:, 3]).all()


def test_a_long_clip_has_the_mean_over_its_windows(encoder, clips):
    found = embed_clips(encoder, clips[-1:], max_seconds=0.4, batch_seconds=0.1)
    windows = [expected(encoder, clips[-1], 0, 0.4), expected(encoder, clips[-1], 0.2, 0.4)]
    np.testing.assert_allclose(found.features[0], np.mean(windows, 0), atol=1e-4)
    assert found.heard == pytest.approx(0.8)


def test_what_cannot_be_read_is_told_and_the_others_go_on(encoder, clips, tmp_path):
    (tmp_path / "no.wav").write_bytes(b"not a recording")
    broken = makers.clip(tmp_path / "no.wav")
    nan = np.full(8000, 0.1, np.float32)
    nan[7000] = np.nan
    soundfile.write(tmp_path / "nan.wav", nan, 16000, subtype="FLOAT")
    found = embed_clips(
        encoder, [clips[0], broken, clips[1], makers.clip(tmp_path / "nan.wav")], max_seconds=0.2, store=tmp_path / "s"
    )
    assert found.usable.tolist() == [True, False, True, False]
    assert isinstance(found.failures[1], AudioError)
    assert "nan.wav" in str(found.failures[3])
    assert np.isfinite(found.features).all((1, 2)).tolist() == [True, False, True, False]
    assert np.isnan(found.features[[1, 3]]).all()
    np.testing.assert_allclose(
        found.features[2], embed_clips(encoder, clips[1:2], max_seconds=0.2).features[0], atol=1e-4
    )
    assert len(list((tmp_path / "s").rglob("*.safetensors"))) == 2


def test_kept_features_are_used_again_and_nothing_is_computed(encoder, clips, tmp_path, passes):
    first = embed_clips(encoder, clips[:3], max_seconds=5, store=tmp_path / "s")
    told: list[int] = []
    again = embed_clips(encoder, clips, max_seconds=5, store=tmp_path / "s", progress=told.append)
    assert passes == [3, 1]
    assert (again.reused, told[0]) == (3, 3)
    assert again.heard == pytest.approx(0.6)
    assert np.array_equal(again.features[:3], first.features)
    copied = tmp_path / "elsewhere" / "other.wav"
    copied.parent.mkdir()
    copied.write_bytes(clips[0].path.read_bytes())
    assert embed_clips(encoder, [makers.clip(copied)], max_seconds=5, store=tmp_path / "s").reused == 1
    assert passes == [3, 1]


def test_kept_features_are_of_these_weights_and_this_sound_only(encoder, clips, tmp_path, passes):
    store = tmp_path / "s"
    embed_clips(encoder, clips, max_seconds=5, store=store)
    others = [made(seed=1), Encoder(encoder.model, Preprocessing(normalise=False), name="x")]
    assert [embed_clips(e, clips, max_seconds=5, store=store).reused for e in others] == [0, 0]
    assert embed_clips(encoder, clips, max_seconds=0.4, store=store).reused == 0
    parts = [Clip(c.path, c.name, 0.05) for c in clips] + [Clip(c.path, c.name, 0, 0.2) for c in clips]
    assert embed_clips(encoder, parts, max_seconds=5, store=store).reused == 0
    makers.tone(clips[0].path, 800)
    assert embed_clips(encoder, clips, max_seconds=5, store=store).reused == 3
    assert fingerprint(made()) == fingerprint(encoder) != fingerprint(made(seed=1))
    assert fingerprint(made(layer_norm_eps=1e-3)) != fingerprint(encoder)


def test_a_damaged_or_foreign_entry_is_computed_again(encoder, clips, tmp_path, passes):
    store = tmp_path / "s"
    first = embed_clips(encoder, clips, max_seconds=5, store=store)
    entries = sorted(store.rglob("*.safetensors"))
    flipped = bytearray(entries[0].read_bytes())
    flipped[-3] ^= 1
    entries[0].write_bytes(flipped)
    entries[1].write_bytes(entries[1].read_bytes()[:-100])
    entries[2].write_bytes(entries[3].read_bytes())
    again = embed_clips(encoder, clips, max_seconds=5, store=store)
    assert again.reused == 1
    np.testing.assert_allclose(again.features, first.features, atol=1e-5)
    assert embed_clips(encoder, clips, max_seconds=5, store=store).reused == 4
    assert passes == [4, 3]


def test_a_store_that_cannot_be_written_stops_nothing(encoder, clips, tmp_path):
    (tmp_path / "file").write_text("here")
    found = embed_clips(encoder, clips, max_seconds=5, store=tmp_path / "file")
    assert found.usable.all()
    assert "file" in str(found.unkept)


def test_digests_that_are_known_are_not_computed(encoder, clips, tmp_path, monkeypatch):
    store = tmp_path / "s"
    embed_clips(encoder, clips, max_seconds=5, store=store)
    digests = [embeddings.content(c.path) for c in clips]
    monkeypatch.setattr(embeddings, "content", lambda path: pytest.fail("read"))
    assert embed_clips(encoder, clips, max_seconds=5, store=store, digests=digests).reused == 4


def test_the_default_store_lies_in_the_users_cache(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default_store() == Path("/somewhere/audioft/embeddings")


def test_a_pass_throws_away_what_was_used_longest_ago_and_nothing_of_its_own(encoder, clips, tmp_path, monkeypatch):
    monkeypatch.setattr(disk_cache, "GRACE", 0)
    store, other = tmp_path / "s", made(seed=1)
    embed_clips(other, clips[:1], max_seconds=5, store=store)
    (first,) = store.rglob("*.safetensors")
    embed_clips(other, clips, max_seconds=5, store=store)
    entries = [first, *(p for p in store.rglob("*.safetensors") if p != first)]
    for hours, path in zip((9, 8, 7, 6), entries, strict=True):
        os.utime(path, (time.time() - 3600 * hours,) * 2)
    size = sum(p.stat().st_size for p in entries)
    monkeypatch.setenv("AUDIOFT_EMBEDDINGS_GB", str(1.6 * size / 1e9))  # six entries
    embed_clips(other, clips[:1], max_seconds=5, store=store)
    embed_clips(encoder, clips, max_seconds=5, store=store)
    assert [p.exists() for p in entries] == [True, False, False, True], "the first one was used again"
    assert embed_clips(encoder, clips, max_seconds=5, store=store).reused == 4


def test_two_processes_may_keep_the_same_clip_at_once(encoder, clips, tmp_path, monkeypatch):
    """While one writes, the other has written and renamed the same file."""
    from audioft.core import storage

    row, real = np.ones((4, 64), np.float32), os.fsync
    with Store(tmp_path / "s", encoder, 5) as store:
        name = store.name(clips[0], "abc")

        def fsync(handle: int) -> None:
            monkeypatch.setattr(storage.os, "fsync", real)
            monkeypatch.setattr(storage.os, "getpid", lambda: 1)
            store.put(name, row)
            monkeypatch.undo()
            real(handle)

        monkeypatch.setattr(storage.os, "fsync", fsync)
        store.put(name, row)
        assert store.failure is None
        assert np.array_equal(store.get(name), row)


def test_a_limit_that_is_no_number_is_told_before_anything_is_done(monkeypatch, refused, tones):
    monkeypatch.setenv("AUDIOFT_EMBEDDINGS_GB", "lots")
    refused("probe", tones, code=2, said=("AUDIOFT_EMBEDDINGS_GB=lots: expected a number of GB",))
    refused("learning-curve", tones, code=2, said=("AUDIOFT_EMBEDDINGS_GB=lots: expected a number of GB",))


def test_the_encoder_is_left_as_it_was(encoder, clips):
    before = {k: v.clone() for k, v in encoder.state_dict().items()}
    encoder.train()
    embed_clips(encoder, clips, max_seconds=5)
    assert all(torch.equal(v, before[k]) for k, v in encoder.state_dict().items())


def test_log_mel_spectra_go_the_same_way(clips, tmp_path):
    from audioft.audio.spectra import log_mel
    from audioft.models.log_mel import LogMel

    together = embed_clips(LogMel(), clips, max_seconds=5, store=tmp_path / "s")
    assert together.features.shape == (4, 1, 160)
    for clip, row in zip(clips, together.features, strict=True):
        encoder = LogMel()
        waveform = preparation_of(encoder)(beginning(clip, 16000, 5))
        frames = int(encoder.grid.frames(torch.tensor(len(waveform))))
        spectrum = log_mel(waveform[None], encoder.grid, frames, 80)[0]
        np.testing.assert_allclose(row[0, :80], spectrum.mean(0), atol=1e-4)
        np.testing.assert_allclose(row[0, 80:], spectrum.std(0), atol=1e-4)
    assert embed_clips(LogMel(), clips, max_seconds=5, store=tmp_path / "s").reused == 4
