"""What a search takes from a probe: its encoder, and as one of the first trials the layer and pooling that it chose."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from audioft.assembly import folds, probed_encoder, recipe
from audioft.assembly.kept_probe import Kept
from audioft.assembly.recordings import Data
from audioft.configuration import config as configs
from audioft.configuration.config import Config
from audioft.configuration.values import AUTO
from audioft.core.progress import Console
from audioft.core.wording import counted
from audioft.errors import UsageError
from audioft.models import heard
from audioft.tasks.search.space import Space
from audioft.tasks.search.trial import settings_of

if TYPE_CHECKING:
    from audioft.models.encoder import Encoder


def with_encoder(config: Config, kept: Kept) -> Config:
    """The config with the encoder of a probe.

    Raises:
        UsageError: it names another one, or a model to go on from.
    """
    if config.start.model is not None:
        raise UsageError(
            f"start.model: {config.start.model} brings an encoder of its own, and the probe in {kept.place} is of "
            f"{kept.encoder.name}; leave out --from or --from-probe"
        )
    own, probed = config.encoder, kept.encoder
    name = os.path.abspath(os.path.expanduser(own.name)) if os.path.isdir(os.path.expanduser(own.name)) else own.name
    for key, value, measured in (("name", name, probed.name), ("revision", own.revision, probed.revision)):
        if key in own.model_fields_set and value is not None and value != measured:
            raise UsageError(f"encoder.{key}: {value}, but the probe in {kept.place} is of {measured}; leave it out")
    return config.model_copy(
        update={"encoder": own.model_copy(update={"name": probed.name, "revision": probed.revision})}
    )


def start(kept: Kept, space: Space, config: Config, data: Data, console: Console) -> dict[str, Any] | None:
    """The settings of the trial that takes a probe's layer and pooling.

    Args:
        kept: the probe.
        space: what is searched.
        config: that the search begins with, see `with_encoder`.
        data: of the search.
        console: is told.

    Returns:
        None where they are given already, or the encoder is not to stay frozen, as it was for the probe; or where it is
        the last layer and trials begin with probes of their own: these take that, or what is simpler and as good.

    Raises:
        UsageError: the probe is of other clips, or has learnt from those that are to be tested.
        ModelError: it is of another encoder, or damaged.
    """
    encoder = _of_the_same(kept, data, config)
    asked = settings_of(config, space.fixed, {})
    wanted: dict[str, Any] = {"model.layers": kept.layer, "model.pooling": kept.pooling}
    if recipe.of_data(asked, len(folds.learnt(data))).freeze != "all":
        wanted["freeze"] = "all"
    free = all(_may_be(space, asked, key, value) for key, value in wanted.items())
    same = kept.layer == encoder.num_layers and asked.model.start == "probe"
    what = f"layer {kept.layer} and pooling {kept.pooling}"
    then = f"trial 1 takes its {what}"
    if not free:
        then = f"its {what} are not tried, as other settings stand for them"
    elif same:
        then = f"its {what} are among what each trial chooses from by itself"
    console.say(f"the probe in {kept.place}: {kept.figure}; {then}")
    return wanted if free and not same else None


def _of_the_same(kept: Kept, data: Data, config: Config) -> Encoder:
    """The encoder of a probe, which must be of the same clips and have learnt from none that is to be tested.

    Raises:
        UsageError: it is of other clips, or has learnt from those.
        ModelError: the encoder is another one today, or a file of the probe is damaged.
    """
    again = f"`audioft probe {config.data.source} --out DIR"
    if kept.labels != data.manifest.labels or kept.multilabel != data.manifest.multilabel:
        raise UsageError(
            f"the probe in {kept.place} is of other data: its labels are {_listed(kept.labels)}, here they are "
            f"{_listed(data.manifest.labels)}; {again}` makes one of these"
        )
    known = heard.of_folder(kept.place) or heard.Heard()
    here = {c.digest[: heard.DIGITS] for c in data.checked}
    learnt = [digest for digest, side in known.recordings.items() if side == "train"]
    if gone := [digest for digest in learnt if digest not in here]:
        raise UsageError(
            f"the probe in {kept.place} is of other data: {len(gone)} of the {counted(len(learnt), 'recording')} that "
            f"it has learnt from are not in {config.data.source}; {again}` makes one of these"
        )
    if told := known.told(data.asked("test"), "test clips", f"the probe in {kept.place}"):
        sides = " ".join(f"data.{side}={configs.spell(getattr(config.data, side))}" for side in ("valid", "test"))
        raise UsageError(f"{told[0]}; {again} {sides}` makes one that has not heard them")
    return probed_encoder.load(kept.encoder, kept.place, config.data)[0]


def _may_be(space: Space, config: Config, key: str, value: Any) -> bool:
    """Whether a trial may take a value: what is searched has it among its own, all else is left to audioft."""
    dimension = next((d for d in space.dimensions if d.key == key), None)
    if dimension is None:
        return recipe.value(config, key) == AUTO
    if dimension.form == "choice":
        return value in dimension.values and not dimension.when
    return dimension.values[0] <= value <= dimension.values[1] and not dimension.when


def _listed(labels: tuple[str, ...], most: int = 5) -> str:
    return ", ".join(labels[:most]) + (f" and {len(labels) - most} more" if len(labels) > most else "")
