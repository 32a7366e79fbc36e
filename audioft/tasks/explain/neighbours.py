"""The training clips that sound to a model like a recording: by their embeddings, the head's own view of them."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from audioft.assembly import kept_sides
from audioft.core import disk_cache
from audioft.core.progress import Console
from audioft.core.storage import cache_file
from audioft.core.wording import counted
from audioft.data.check import default_cache
from audioft.data.clip import Clip
from audioft.errors import AudioftError
from audioft.evaluation.scoring import preparation
from audioft.inference.predictor import Predictor
from audioft.models.classifier import AudioClassifier
from audioft.models.weight_files import fingerprint_of

MOST = 2000  # training clips that are listened to; of more, every second, third, ...
GIGABYTES = 1.0
FOLDER = "neighbours"
NO_RUN = "its training clips are not known: the model does not lie in the folder of its run"


@dataclass(frozen=True)
class Near:
    """A training clip that sounds like a recording.

    Attributes:
        clip: with its name and labels; its recording may not be there.
        likeness: cosine of the two embeddings, -1 to 1.
    """

    clip: Clip
    likeness: float


@dataclass(frozen=True)
class Neighbours:
    """Embeddings of training clips.

    Attributes:
        clips: K of them.
        vectors: `(K, E)` float32, of length 1.
        why: why there are none; empty where there are.
    """

    clips: Sequence[Clip] = ()
    vectors: np.ndarray | None = None
    why: str = ""

    def near(self, vector: np.ndarray, most: int) -> tuple[Near, ...]:
        """The clips most like a vector `(E,)` of length 1, the nearest first."""
        if self.vectors is None or not len(self.clips):
            return ()
        likeness = self.vectors @ vector
        order = np.argsort(-likeness, kind="stable")[:most]
        return tuple(Near(self.clips[i], float(likeness[i])) for i in order.tolist())


def nearest(known: Neighbours, vector: np.ndarray, like: Sequence[Near], labels: Sequence[str]) -> str:
    """Which labels the nearest clips have, and how near the nearest of some labels is, as a sentence.

    Args:
        known: all training clips.
        vector: `(E,)` of length 1.
        like: those nearest to it.
        labels: of which the nearest is told, beside how near clips of that label have their nearest of it.
    """
    counts = Counter(", ".join(one.clip.labels) for one in like).most_common()
    said = [f"Of the {counted(len(like), 'training clip')} nearest to it " if len(like) > 1 else "The nearest is "]
    said += (
        [", ".join(f"{n} {'is' if n == 1 else 'are'} {name}" for name, n in counts)]
        if len(like) > 1
        else [counts[0][0]]
    )
    told = [text for label in labels if (text := _of_label(known, vector, label))]
    return "".join(said) + "." + "".join(f" {text}." for text in told)


def _of_label(known: Neighbours, vector: np.ndarray, label: str) -> str:
    assert known.vectors is not None
    own = known.vectors[[label in clip.labels for clip in known.clips]]
    if len(own) < 2:
        return ""
    among = own @ own.T
    np.fill_diagonal(among, -1.0)
    usual = float(np.median(among.max(1)))
    nearest_of = float((own @ vector).max())
    return f"The nearest {label} is {nearest_of:.2f} alike; half of its clips have another of {usual:.2f} or more"


def pooled_of(predictor: Predictor, samples: np.ndarray) -> np.ndarray:
    """What the head sees, `(D,)` float32, of one stretch as it reaches the encoder."""
    model = predictor.model
    device = next(model.parameters()).device
    waveform = preparation(model)(samples)[None].to(device)
    with torch.no_grad():
        return model.embed(waveform, torch.tensor([waveform.shape[1]], device=device))[0].float().cpu().numpy()


def vector_of(model: AudioClassifier, pooled: torch.Tensor) -> np.ndarray:
    """The embedding `(E,)` float32, of length 1, of what the head sees, `(D,)`."""
    with torch.no_grad():
        own = getattr(model.head, "embed", lambda vector: vector)(pooled[None])
        return F.normalize(own[0].double(), dim=-1).float().cpu().numpy()


def known(predictor: Predictor, console: Console, cache: bool = True) -> Neighbours:
    """Embeddings of the clips that a model was trained on, kept for the next call where `cache` says so.

    They are computed where the recordings are there; once they are kept, the recordings need not be there any more.
    """
    run = predictor.folder.parent
    if predictor.model.frame_level:
        return Neighbours(why="the model labels frames, and has no embedding of a clip")
    if not kept_sides.there(run):
        return Neighbours(why=NO_RUN)
    clips = [clip for clip in kept_sides.of(run).clips if clip.split == "train"]
    clips = clips[:: -(-len(clips) // MOST) or 1]
    place = default_cache().parent / FOLDER / f"{_name(predictor, clips)}.npy"
    if cache and (vectors := _kept(place)) is not None and len(vectors) == len(clips):
        disk_cache.used(place)
        good = np.isfinite(vectors).all(1)
        return Neighbours([c for c, g in zip(clips, good, strict=True) if g], vectors[good])
    there = [i for i, clip in enumerate(clips) if clip.path.is_file()]
    if not there:
        return Neighbours(why=f"the recordings of {run / 'manifest.csv'} are not there any more")
    with console.job("listening to training clips", round(sum(float(clips[i].columns["duration"] or 0) for i in there)),
                     unit=" s of sound") as job:  # fmt: skip
        found = predictor.embed([clips[i] for i in there], lambda heard: job.at(round(heard)))
    if not len(found.kept):
        return Neighbours(why=f"none of the recordings of {run / 'manifest.csv'} can be read any more")
    vectors = np.full((len(clips), found.vectors.shape[1]), np.nan, np.float32)
    own = found.vectors / np.linalg.norm(found.vectors, axis=1, keepdims=True)
    vectors[[there[i] for i in found.kept.tolist()]] = own
    if cache:
        _keep(place, vectors)
    if len(found.kept) < len(clips):
        console.say(f"note: {counted(len(clips) - len(found.kept), 'training clip')} cannot be heard any more")
    good = np.isfinite(vectors).all(1)
    return Neighbours([c for c, g in zip(clips, good, strict=True) if g], vectors[good])


def _name(predictor: Predictor, clips: Sequence[Clip]) -> str:
    named = [[clip.columns["sha256"], clip.start, clip.end] for clip in clips]
    parts: list[Any] = [fingerprint_of(predictor.model, predictor.model.spec), predictor.window, named]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _kept(place: Path) -> np.ndarray | None:
    try:
        return np.load(place, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None


def _keep(place: Path, vectors: np.ndarray) -> None:
    """What cannot be kept is computed again."""
    with contextlib.suppress(OSError, AudioftError):
        with cache_file(place) as file:
            np.save(file, vectors)
        disk_cache.trim(place.parent, round(GIGABYTES * 1e9), keep=[place])
