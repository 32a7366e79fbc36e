"""What a round predicts: clusters of its frames and the texture of their spectra, found once and kept in its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from audioft.audio.spectra import log_mel, texture
from audioft.configuration.config import PretrainConfig
from audioft.data.batching import StepPlan, loader
from audioft.models.encoder import Encoder
from audioft.models.loading import load_encoder
from audioft.tasks.pretrain import rounds, teacher
from audioft.tasks.pretrain.parts import Parts, crops_of
from audioft.tasks.pretrain.rounds import RoundPlan
from audioft.training import clusters as clustering
from audioft.training.clusters import Scale
from audioft.training.latent import LatentMasking
from audioft.training.likeness import Likeness
from audioft.training.masked import BANDS, Cepstra, LayerStates, MaskedPrediction, grid_of

TAUGHT = 512  # crops by which the teacher's states are scaled


def masking(config: PretrainConfig) -> LatentMasking:
    """Spans that hide about the asked share; so many more are laid as will overlap."""
    o = config.objective
    return LatentMasking(time=float(-np.log1p(-o.mask)), time_length=o.mask_frames)


def make_objective(parts: Parts, encoder: Encoder, plan: RoundPlan, place: Path) -> MaskedPrediction:
    """The round's targets, found once and kept in its folder, and the objective over them."""
    o = parts.config.objective
    device = parts.processes.device
    source = _source(parts, encoder, plan)
    path = place / "targets.safetensors"
    if parts.processes.main and not path.is_file():
        _find_targets(parts, encoder, source, plan, path)
    parts.processes.wait()
    found, scales = clustering.load(path)
    features = scales.get("features")
    return MaskedPrediction(
        source,
        None if found is None else found.to(device),
        None if found is None else masking(parts.config),
        grid_of(encoder),
        None if features is None else features.to(device),
        o.masked_texture,
        o.visible_texture,
        min(o.visible_layer, encoder.num_layers),
        Likeness(o.like_sound, o.like_recording, o.like_up_to) if o.like_sound or o.like_recording else None,
        teacher.teaching(parts.config, parts.teacher, grid_of(encoder), scales, device),
        o.masked_clusters,
    )


def _source(parts: Parts, encoder: Encoder, plan: RoundPlan) -> Any:
    """What gives the features that are clustered; None where nothing is."""
    if plan.targets == "teacher":
        return None
    if plan.targets == "mfcc":
        return Cepstra(grid_of(encoder))
    before, _ = load_encoder(str(parts.folder / plan.before)) if plan.before else rounds.first_encoder(parts.config)
    assert plan.layer is not None
    return LayerStates(before.to(parts.processes.device), plan.layer)


def _find_targets(parts: Parts, encoder: Encoder, source: Any, plan: RoundPlan, path: Path) -> None:
    """Clusters of a sample of undisturbed frames, and the scales of their texture and of the teacher's states."""
    config = parts.config
    crops = crops_of(parts, encoder)
    each = max(1, round(config.data.crop_seconds * encoder.sample_rate) // grid_of(encoder).stride)
    wanted = max(config.objective.sample_frames, 10 * plan.clusters) if plan.clusters else TAUGHT * each
    shares = parts.data.shares[parts.data.learnt]
    drawn = StepPlan(len(crops), 16, config.seed, shares, draws=-(-wanted // each)).epoch(-2)
    regress = config.objective.masked_texture > 0 or config.objective.visible_texture > 0
    frames, textures = [], []
    taught: list[list[torch.Tensor]] = []
    with parts.console.job(f"{plan.name}: finding clusters", len(drawn)) as job, torch.inference_mode():
        for i, batch in enumerate(loader(crops, drawn, config.data.workers)):
            if not len(batch):
                continue
            batch = batch.to(parts.processes.device)
            lengths = encoder.backbone.frame_lengths(batch.lengths)
            most = int(lengths.max())
            own = torch.arange(most, device=lengths.device)[None] < lengths[:, None]
            if source is not None:
                frames.append(source(batch.clean, batch.lengths, most)[own].cpu())
            if regress:
                spectrum = log_mel(batch.clean, grid_of(encoder), most, BANDS, batch.lengths)
                textures.append(texture(spectrum, most)[own].cpu())
            if parts.teacher is not None and 16 * len(taught) < TAUGHT:
                taught.append(parts.teacher(batch.taught))
            job.at(i + 1)
    scales = {"features": Scale.of(torch.cat(textures).clone()) if regress else None}
    scales |= teacher.scales([states for some in taught for states in some])
    found = None
    if source is not None:
        sample = torch.cat(frames).clone()
        found = clustering.fit(sample, min(plan.clusters, len(sample)), config.seed)
    clustering.save(path, found, **scales)
