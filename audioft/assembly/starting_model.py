"""A run that goes on from a classifier: which labels it has, and what is kept of the head."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audioft.configuration.config import Config, spell
from audioft.core.wording import counted
from audioft.errors import ConfigError, DataError, UsageError

if TYPE_CHECKING:
    from audioft.core.registry import Spec
    from audioft.models.classifier import AudioClassifier
    from audioft.models.folder import ModelCard


@dataclass(frozen=True)
class Start:
    """The classifier that a run goes on from.

    Attributes:
        name: as it was given.
        model, card: what it is.
        encoder: where its encoder can be loaded from.
        extend: keep its labels, and add those of the data.
        place: its folder.
    """

    name: str
    model: AudioClassifier
    card: ModelCard
    encoder: str
    extend: bool
    place: Path

    def labels(self, found: tuple[str, ...], multilabel: bool) -> tuple[str, ...]:
        """The labels of the run, given those of the data.

        Raises:
            DataError: labels can only be added where both give one label a clip, or both any number.
        """
        kind = {False: "exactly one label a clip", True: "any number of labels a clip"}
        if self.extend and multilabel != self.card.multilabel:
            raise DataError(
                f"start.extend: {self.name} gives {kind[self.card.multilabel]}, the data {kind[multilabel]}; "
                "write the data the same way, or leave --extend out"
            )
        own = self.card.labels
        if self.extend:
            return (*own, *(label for label in found if label not in own))
        return own if set(own) == set(found) else found

    def spec(self, config: Config, labels: tuple[str, ...]) -> tuple[str | int, Spec, Spec]:
        """Layers, pooling and head: the model's own where the config does not ask for others.

        A head with labels of several rows is one of its labels: added ones get a row, others get the head within it.
        """
        from audioft.models.heads import merged_rows

        asked, own = config.model, self.model.spec
        if asked.model_dump(exclude={"start"}) == type(asked)().model_dump(exclude={"start"}):
            head = merged_rows.inner(own["head"])
            if set(self.card.labels) <= set(labels):
                head = merged_rows.with_labels(own["head"], self._rows(labels))
            return own["layers"], own["pooling"], head
        return asked.layers, asked.pooling, asked.head

    def _rows(self, labels: tuple[str, ...]) -> list[int | None]:
        """For each label its position among the model's own; None for a new one."""
        own = self.card.labels
        return [own.index(label) if label in own else None for label in labels]

    def fill(self, model: AudioClassifier, labels: tuple[str, ...], multilabel: bool) -> tuple[bool, str]:
        """Take over what can be kept of the head; whether something was, and a sentence on what was kept and made.

        Raises:
            ConfigError: labels were to be added to a head of another form.
        """
        from audioft.models.heads.kept_head import keep_head, same_head

        own = self.card.labels
        continues = set(own) <= set(labels) and multilabel == self.card.multilabel
        if not continues or not same_head(model, self.model):
            if self.extend:
                asked, there = (", ".join(f"{k} {spell(v)}" for k, v in m.spec.items()) for m in (model, self.model))
                raise ConfigError(
                    f"start.extend: the config asks for {asked}, and {self.name} has {there}: its labels "
                    "cannot be kept in another head; leave these settings out, or --extend"
                )
            why = "the data has other labels" if not continues else "the config asks for another head"
            return False, f"encoder kept from {self.name}; the head is made new, as {why}"
        keep_head(model, self.model, self._rows(labels))
        new = [label for label in labels if label not in own]
        made = f"; newly made for {len(new)}: {', '.join(new)}" if new else ""
        return True, f"encoder and head kept from {self.name}, for {counted(len(own), 'label')}{made}"


def load(config: Config) -> Start | None:
    """What the config's `start` names; None for nothing.

    Raises:
        UsageError, ModelError: it is no classifier that can be read.
    """
    from audioft.models import folder
    from audioft.models.ensembles import ensemble_folder
    from audioft.models.ensembles.ensemble import Ensemble
    from audioft.models.hub import model_folder

    if config.start.model is None:
        return None
    place: Path = model_folder(config.start.model)
    if folder.is_small(place):
        raise UsageError(
            f"start.model: {config.start.model} holds an adapter without its encoder; make it whole first, "
            f"`audioft merge {config.start.model} --out WHOLE`, and go on from that"
        )
    model, card = folder.load(place)
    if isinstance(model, Ensemble):
        member = place / ensemble_folder.MEMBERS / "0"
        raise UsageError(
            f"start.model: {config.start.model} holds {counted(len(model.members), 'model')} joined into one, and "
            f"training goes on from a single one: give a run, or a member as {member}"
        )
    if model.encoder.compressed:
        raise UsageError(
            f"start.model: {config.start.model} was compressed and learns nothing more; go on from the model that it "
            "was made of, and compress again"
        )
    encoder = str(ensemble_folder.encoder_place(place))
    return Start(config.start.model, model, card, encoder, config.start.extend, place)
