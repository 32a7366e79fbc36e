"""The clips of a run are read from its folder as they were written."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest

from audioft.assembly import kept_sides
from audioft.data import manifest as manifests
from audioft.data.clip import Clip
from audioft.data.sides import Split


@pytest.mark.parametrize("several", [False, True])
def test_clips_with_their_sides_and_labels(trained, tmp_path, several):
    shutil.copy(trained.folder / "config.yaml", tmp_path)
    assert not kept_sides.there(tmp_path)
    root = kept_sides.of(trained.folder).root
    labels = (("a;b", "c"), (), ("?d",)) if several else (("a;b",), ("[c]",), ("d, e",))
    clips = tuple(Clip(root / f"{i}.wav", f"{i}.wav", i, i + 1.5 if i else None, own) for i, own in enumerate(labels))
    if several:
        clips = (*clips[:2], dataclasses.replace(clips[2], labels=("c",), unknown=("d",)))
    manifest = manifests.Manifest(root, clips, (), several, "table")
    split = Split(np.array([0]), np.array([1]), np.array([2]))
    manifests.save(manifest, split, tmp_path / kept_sides.TABLE)
    found = kept_sides.of(tmp_path)
    assert kept_sides.there(tmp_path)
    assert found.multilabel == several
    for clip, own, side in zip(found.clips, clips, ("train", "valid", "test"), strict=True):
        assert (clip.key, clip.path, clip.labels, clip.unknown) == (own.key, own.path, own.labels, own.unknown)
        assert clip.split == side
