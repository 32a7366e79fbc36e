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
from audioft.tasks.pretrain import rounds
from audioft.tasks.pretrain.parts import Parts, crops_of
from audioft.tasks.pretrain.rounds import RoundPlan
from audioft.training import clusters as clustering
from audioft.training.clusters import Clusters, Scale
from audioft.training.latent import LatentMasking
from audioft.training.likeness import Likeness
from audioft.training.masked import BANDS, Cepstra, LayerStates, MaskedPrediction, grid_of


def masking(config: PretrainConfig) -> LatentMasking:
    """Spans that hide about the asked share; so many more are laid as will overlap."""
    o = config.objective
    return LatentMasking(time=float(-np.log1p(-o.mask)), time_length=o.mask_frames)


def make_objective(parts: Parts, encoder: Encoder, plan: RoundPlan, place: Path) -> MaskedPrediction:
    """The round's targets, found once and kept in its folder, and the objective over them."""
    o = parts.config.objective
    device = parts.processes.device
    grid = grid_of(encoder)
    source: Any
    if plan.targets == "mfcc":
        source = Cepstra(grid)
    else:
        teacher, _ = (
            load_encoder(str(parts.folder / plan.before)) if plan.before else rounds.first_encoder(parts.config)
        )
        assert plan.layer is not None
        source = LayerStates(teacher.to(device), plan.layer)
    path = place / "targets.safetensors"
    if parts.processes.main and not path.is_file():
        found, features = _find_targets(parts, encoder, source, plan)
        clustering.save(path, found, features)
    parts.processes.wait()
    found, features = clustering.load(path)
    if features is not None:
        features = Scale(features.mean.to(device), features.deviation.to(device))
    return MaskedPrediction(
        source,
        found.to(device),
        masking(parts.config),
        grid,
        features,
        o.masked_texture,
        o.visible_texture,
        min(o.visible_layer, encoder.num_layers),
        Likeness(o.like_sound, o.like_recording) if o.like_sound or o.like_recording else None,
    )


def _find_targets(parts: Parts, encoder: Encoder, source: Any, plan: RoundPlan) -> tuple[Clusters, Scale | None]:
    """Clusters of a sample of undisturbed frames, and the scale of their texture if that is regressed on."""
    config = parts.config
    wanted = max(config.objective.sample_frames, 10 * plan.clusters)
    crops = crops_of(parts, encoder)
    each = max(1, round(config.data.crop_seconds * encoder.sample_rate) // grid_of(encoder).stride)
    shares = parts.data.shares[parts.data.learnt]
    drawn = StepPlan(len(crops), 16, config.seed, shares, draws=-(-wanted // each)).epoch(-2)
    regress = config.objective.masked_texture > 0 or config.objective.visible_texture > 0
    frames, textures = [], []
    with parts.console.job(f"{plan.name}: finding clusters", len(drawn)) as job, torch.inference_mode():
        for i, batch in enumerate(loader(crops, drawn, config.data.workers)):
            if not len(batch):
                continue
            batch = batch.to(parts.processes.device)
            lengths = encoder.backbone.frame_lengths(batch.lengths)
            most = int(lengths.max())
            own = torch.arange(most, device=lengths.device)[None] < lengths[:, None]
            frames.append(source(batch.clean, batch.lengths, most)[own].cpu())
            if regress:
                spectrum = log_mel(batch.clean, grid_of(encoder), most, BANDS, batch.lengths)
                textures.append(texture(spectrum, most)[own].cpu())
            job.at(i + 1)
    sample = torch.cat(frames).clone()
    found = clustering.fit(sample, min(plan.clusters, len(sample)), config.seed)
    return found, Scale.of(torch.cat(textures).clone()) if regress else None
