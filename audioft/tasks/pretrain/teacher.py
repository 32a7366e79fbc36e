"""The teacher of a pretraining: which of its states are learnt, and where they are kept."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from audioft.assembly.fitting.frozen_cache import state_folder
from audioft.audio.spectra import FrameGrid
from audioft.configuration.config import PretrainConfig
from audioft.core import disk_cache
from audioft.core.runtime import Processes, choose_precision
from audioft.errors import ModelError
from audioft.models.encoder import Encoder
from audioft.models.loading import load_encoder
from audioft.training.clusters import Scale
from audioft.training.distillation import Teaching, wholes
from audioft.training.masked import grid_of
from audioft.training.teacher_states import TeacherStates


def load(config: PretrainConfig, student: Encoder, spare: Path, processes: Processes) -> TeacherStates | None:
    """The teacher, where one is set.

    Args:
        config: its section `teacher` is used.
        student: the encoder that learns.
        spare: takes its states where the user's cache cannot.
        processes: where it computes.

    Raises:
        ModelError: it cannot be loaded, lacks a layer that is asked for, or hears in another way than the student.
    """
    t = config.teacher
    if t.encoder is None:
        return None
    encoder, _ = load_encoder(t.encoder, revision=t.revision)
    if encoder.hearing != student.hearing:
        raise ModelError(
            f"teacher.encoder: {t.encoder} hears {encoder.hearing}, and the encoder that learns {student.hearing}; "
            "a student hears as its teacher does"
        )
    if not encoder.backbone.timed:
        raise ModelError(f"teacher.encoder: the states of {t.encoder} are not one after the other in time")
    beyond = [k for k in t.layers if not 0 <= k <= encoder.num_layers]
    if beyond:
        raise ModelError(f"teacher.layers: {beyond}, but the teacher has the layers 0 to {encoder.num_layers}")
    if t.canvas == "crop":
        encoder.shorten_canvas(round(config.data.crop_seconds * encoder.sample_rate))
    layers = sorted(set(t.layers)) or sorted({max(1, encoder.num_layers // 2), encoder.num_layers})
    precision = choose_precision(t.precision, processes.device)
    return TeacherStates(encoder.to(processes.device), layers, state_folder(spare), precision)


@contextlib.contextmanager
def kept(config: PretrainConfig, states: TeacherStates | None) -> Iterator[None]:
    """While the block runs nothing of the teacher's states is thrown away; then the cache comes within its limit."""
    if states is None:
        yield
        return
    with disk_cache.using(states.store.folder):
        yield
    disk_cache.trim(states.store.folder.parent, round(config.teacher.gigabytes * 1e9))


def teaching(
    config: PretrainConfig,
    states: TeacherStates | None,
    grid: FrameGrid,
    scales: Mapping[str, Scale],
    device: torch.device,
) -> Teaching | None:
    """What is learnt of the teacher in a round, by the scales that were found for it."""
    if states is None:
        return None
    t = config.teacher
    weights = t.frames, t.pooled, t.likeness, t.likeness_from
    frames, pooled = scales["teacher"].to(device), scales["teacher_pooled"].to(device)
    return Teaching(states, frames, pooled, grid, grid_of(states.encoder), *weights)


def scales(states: Sequence[Tensor]) -> dict[str, Scale | None]:
    """Of a sample of the teacher's states `(F_i, D)`, and of their means and deviations over time."""
    if not states:
        return {}
    return {"teacher": Scale.of(torch.cat(list(states))), "teacher_pooled": Scale.of(wholes(states))}


def fixed_crops(config: PretrainConfig, shares: np.ndarray) -> np.ndarray | None:
    """`(N,)`: from how many crops of each recording one is taken each time, by how often it is drawn; None for any."""
    if config.teacher.encoder is None:
        return None
    wanted = np.rint(config.teacher.crops * shares / shares.sum()).astype(int)
    return np.maximum(config.objective.crops, wanted)
