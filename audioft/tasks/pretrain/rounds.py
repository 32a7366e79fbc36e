"""The rounds of a pretraining, with everything filled in, and the encoder that the first begins with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audioft.assembly import hearings
from audioft.configuration.config import PretrainConfig
from audioft.configuration.pretraining import Round
from audioft.errors import ModelError

if TYPE_CHECKING:
    from audioft.models.encoder import Encoder

DROPOUTS = ("hidden_dropout", "attention_dropout", "activation_dropout", "feat_proj_dropout")


@dataclass(frozen=True)
class RoundPlan:
    """One round, with everything filled in.

    Attributes:
        name: `round-1`, ...
        targets, clusters, layer: see `sections.Round`; `layer` is None for what is no layer of the encoder's own, and
            `clusters` 0 where only the teacher is learnt.
        measures: how many times it is measured.
        steps: a multiple of that.
        before: the folder of the encoder whose layer is clustered, below the run folder; None for the one that
            the pretraining began with.
    """

    name: str
    targets: str
    clusters: int
    layer: int | None
    measures: int
    steps: int
    before: str | None

    def spell(self) -> str:
        """In words."""
        if self.targets == "teacher":
            return f"the teacher's states, {self.steps} steps"
        what = "MFCCs with their deltas" if self.targets == "mfcc" else f"the encoder's own layer {self.layer}"
        return f"{self.clusters} clusters of {what}, {self.steps} steps"


def plan(config: PretrainConfig, encoder: Encoder) -> list[RoundPlan]:
    """The rounds of a pretraining, as set or as fits how it begins.

    Raises:
        ModelError: a round names a layer that the encoder has not.
    """
    asked = list(config.objective.rounds)
    if not asked:
        asked = [Round(targets="layer", clusters=200)]
        if config.teacher.encoder is not None:
            asked = [Round(targets="teacher")]
        elif config.encoder.start is None:
            asked.insert(0, Round(targets="mfcc", clusters=100))
    plans = []
    for i, r in enumerate(asked):
        layer = None
        if r.targets == "layer":
            layer = r.layer or max(1, (encoder.num_layers + 1) // 2)  # HuBERT's second round takes the middle one
            if layer > encoder.num_layers:
                raise ModelError(
                    f"objective.rounds.{i}.layer: {layer}, but the encoder has {encoder.num_layers} layers"
                )
        measures = min(config.train.measures, r.steps)
        steps = -(-r.steps // measures) * measures
        before = f"round-{i}/encoder" if i else None
        clusters = 0 if r.targets == "teacher" else r.clusters
        plans.append(RoundPlan(f"round-{i + 1}", r.targets, clusters, layer, measures, steps, before))
    return plans


def first_encoder(config: PretrainConfig) -> tuple[Encoder, str]:
    """The encoder to begin with, in training form, and its name.

    Raises:
        ModelError: it cannot be loaded.
    """
    from audioft.models.architecture import new_encoder
    from audioft.models.loading import load_encoder, require_mask_embedding

    e = config.encoder
    if e.start is None:
        shape = dict(e.architecture) | dict.fromkeys(DROPOUTS, e.dropout) | {"layerdrop": e.layerdrop}
        loaded, name = new_encoder(shape, config.seed), "nothing"
    else:
        loaded, _ = load_encoder(e.start, revision=e.revision, dropout=e.dropout, layerdrop=e.layerdrop)
        require_mask_embedding(loaded)
        name = e.start
    hearings.give(config.data, loaded)
    return loaded, name


def own_rates(config: PretrainConfig) -> dict[str, float]:
    """Dropouts and layer drop that the encoder is written with: what it began with, not those of the pretraining."""
    from transformers import AutoConfig

    from audioft.models.architecture import shape_config
    from audioft.models.loading import quiet_transformers, resolve

    if config.encoder.start is None:
        whole = shape_config(config.encoder.architecture)
    else:
        with quiet_transformers():
            whole = AutoConfig.from_pretrained(resolve(config.encoder.start), revision=config.encoder.revision)
    return {key: getattr(whole, key) for key in (*DROPOUTS, "layerdrop") if hasattr(whole, key)}
