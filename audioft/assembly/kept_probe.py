"""The probe that a comparison of encoders leaves: everything a model is made of without hearing a recording again.

The folder `classifier` beside the tables of `audioft probe --out`: `classifier.safetensors`, what it is in
`classifier.json`, which clips it learnt from in `manifest.csv` and `heard.csv`; and where a side was tested, what came
of that in `report.json` and `predictions.csv`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audioft.assembly import probed_encoder
from audioft.assembly.probed_encoder import EncoderOf
from audioft.configuration import config as configs
from audioft.configuration.config import Config
from audioft.core import storage
from audioft.errors import ConfigError, ModelError, UsageError

if TYPE_CHECKING:
    import numpy as np

    from audioft.assembly.recordings import Data
    from audioft.evaluation.choosing import Choice
    from audioft.evaluation.linear import Linear
    from audioft.models.classifier import AudioClassifier

FOLDER = "classifier"
ABOUT, WEIGHTS = "classifier.json", "classifier.safetensors"
VERSION = 1
MANIFEST, HEARD, REPORT, PREDICTIONS = "manifest.csv", "heard.csv", "report.json", "predictions.csv"
COMPARISON = "probe.json"  # beside the folder
_LISTED = (ABOUT, WEIGHTS, MANIFEST, HEARD, REPORT, PREDICTIONS)
#: Settings that say nothing of the model, and may be other than those that it was probed with.
FREE = ("data.workers", "evaluate.players", "evaluate.resamples", "train.device", "train.tensorboard", "start.probe")


@dataclass(frozen=True)
class Figure:
    """What the probe reached, its layer, pooling and penalty chosen within the clips that were learnt from.

    Attributes:
        metric: `accuracy` or `map`.
        value, low, high: with its 95 % interval; None where it is not known.
        tested: on what, in words.
    """

    metric: str
    value: float
    low: float | None
    high: float | None
    tested: str

    def __str__(self) -> str:
        bounds = "" if self.low is None or self.high is None else f" ({self.low:.3f} to {self.high:.3f})"
        return f"{self.metric} {self.value:.3f}{bounds}, {self.tested}"


@dataclass(frozen=True)
class Kept:
    """A probe in a folder, as `classifier.json` says it.

    Attributes:
        place: the folder.
        encoder, figure: see there.
        labels, multilabel: as of a model.
        layer, pooling, penalty: see `choosing.Choice`.
        longest: seconds of the longest clip.
        clips: how many, by side.
        hours: of the clips that were learnt from.
        individuals: whether the labels are known to be individuals, or not to be.
        thresholds: of each label; None where there was no validation side, or the highest score decides.
        settings: of a run that makes a model of it, by dotted keys.
    """

    place: Path
    encoder: EncoderOf
    figure: Figure
    labels: tuple[str, ...]
    multilabel: bool
    layer: int
    pooling: str
    penalty: float
    longest: float
    clips: dict[str, int]
    hours: float
    individuals: bool | None
    thresholds: tuple[float, ...] | None
    settings: dict[str, Any]


def write(
    place: Path,
    data: Data,
    scores: np.ndarray,
    learnt: tuple[Choice, Linear],
    encoder: EncoderOf,
    figure: Figure,
    config: Config,
    side: str | None,
) -> None:
    """Write a probe as the folder `place`, whole or not at all.

    Args:
        place: one that is there is replaced.
        data: N clips, with their sides: those on none, or on `train`, were learnt from.
        scores: `(N, C)`, its own.
        learnt: what it is.
        encoder, figure: see there.
        config: that the data was read by.
        side: that was tested; None where folds were.
    """
    from dataclasses import asdict

    import torch

    from audioft.evaluation.thresholds import choose_thresholds
    from audioft.models.weight_files import write_weights
    from audioft.speakers import individuals

    choice, classifier = learnt
    multilabel = data.manifest.multilabel
    thresholds = None
    if multilabel and len(data.side("valid")):
        thresholds = [float(t) for t in choose_thresholds(_predictions(data, "valid", scores))]
    about = {
        "format_version": VERSION,
        "comparison": storage.digest(of) if (of := place.parent / COMPARISON).is_file() else None,
        "encoder": asdict(encoder),
        "figure": asdict(figure) | {k: v if math.isfinite(v) else None for k, v in _bounds(figure).items()},
        "labels": list(data.manifest.labels),
        "multilabel": multilabel,
        "layer": choice.layer,
        "pooling": choice.pooling,
        "penalty": choice.penalty,
        "longest": max(c.seconds for c in data.checked),
        "clips": {side: len(data.side(side)) for side in ("train", "valid", "test")},
        "hours": round(sum(data.seconds("train")) / 3600, 4),
        "individuals": individuals.labelled(data.manifest.clips, multilabel, False),
        "thresholds": thresholds,
        "settings": _settings(config, encoder, choice),
    }
    arrays = {k: getattr(classifier, k) for k in ("mean", "scale", "weights", "bias")}
    with storage.new_folder(place, listed=_LISTED) as folder:
        storage.write_json(folder / ABOUT, about)
        write_weights(folder / WEIGHTS, {k: torch.from_numpy(v.copy()) for k, v in arrays.items()})
        data.save(folder / MANIFEST)
        data.heard().write(folder / HEARD)
        if side is not None and data.hearing.expansion * max(data.seconds(side)) <= config.data.max_seconds:
            _report(folder, data, side, scores, thresholds, config)


def _bounds(figure: Figure) -> dict[str, float]:
    return {k: math.nan if v is None else v for k, v in (("low", figure.low), ("high", figure.high))}


def _predictions(data: Data, side: str, scores: np.ndarray) -> Any:
    from audioft.assembly import side_scores

    return side_scores.predictions(data, side, list(enumerate(scores[data.side(side)])))


def _report(
    folder: Path, data: Data, side: str, scores: np.ndarray, thresholds: Sequence[float] | None, config: Config
) -> None:
    """What was measured on a side; a longer clip, which a model hears in windows, would have other scores."""
    from audioft.evaluation.clip_report import make_report

    notes = ["there is no test side: this is the validation side"] if side == "valid" else []
    notes += [*data.told_before(side), *data.before.notes]
    found = _predictions(data, side, scores)
    make_report(found, side, thresholds, config.evaluate.resamples, config.seed, notes).save(folder / REPORT)
    found.write(folder / PREDICTIONS, thresholds)


def _settings(config: Config, encoder: EncoderOf, choice: Choice) -> dict[str, Any]:
    source = os.path.abspath(os.path.expanduser(str(config.data.source)))
    kept = {k: v for k, v in configs.differing(config).items() if k.split(".")[0] in ("data", "events", "seed")}
    if config.data.audio_root is not None:
        kept["data.audio_root"] = os.path.abspath(os.path.expanduser(config.data.audio_root))
    own = {"model.layers": choice.layer, "model.pooling": choice.pooling, "model.head": "linear", "freeze": "all"}
    which = {"encoder.name": encoder.name} | ({"encoder.revision": encoder.revision} if encoder.revision else {})
    return kept | {"data.source": source} | which | own


def read(path: str | os.PathLike[str]) -> Kept:
    """The probe that `audioft probe --out` has left in a folder.

    Raises:
        UsageError: there is none.
        ModelError: it is damaged, or of another version.
    """
    given = Path(path).expanduser()
    place = given if (given / ABOUT).is_file() else given / FOLDER
    if not (place / ABOUT).is_file():
        remedy = f"`audioft probe DATA --out {given}"
        if not given.is_dir():
            where = "where it was moved, give its place today: --from-probe PLACE (and no --config)"
            raise UsageError(f"probe {given}: no such folder; {where}; {remedy}` makes one")
        old = (given / COMPARISON).is_file()
        why = "its probe was not kept, as by an older audioft" if old else "there is no probe in it"
        raise UsageError(f"probe {given}: {why}; {remedy}{' --overwrite' if old else ''}` makes one")
    about = storage.read_json(place / ABOUT, ModelError)
    version = about.get("format_version") if isinstance(about, dict) else None
    if version != VERSION:
        raise ModelError(f"{place}: format_version {version!r}, this audioft reads {VERSION}; probe again with it")
    if (found := storage.damaged(place, (ABOUT, WEIGHTS, MANIFEST))) is not None:
        raise ModelError(f"{found}. Copy the folder anew, or probe again (--overwrite)")
    beside = place.parent / COMPARISON
    if about.get("comparison") and beside.is_file() and storage.digest(beside) != about["comparison"]:
        raise ModelError(f"{place} is not of the comparison in {beside}; probe again (--overwrite)")
    try:
        about |= {"encoder": EncoderOf(**about["encoder"]), "figure": Figure(**about["figure"])}
        about |= {k: tuple(about[k]) for k in ("labels", "thresholds") if about[k] is not None}
        return Kept(place, **{k: about[k] for k in Kept.__dataclass_fields__ if k != "place"})
    except (KeyError, TypeError) as e:
        raise ModelError(f"{place / ABOUT} does not say everything ({e}); probe again (--overwrite)") from e


def contradictions(kept: Kept, config: Config) -> list[str]:
    """Settings that are others than those that were measured, as sentences that begin with the key."""
    own = configs.differing(configs.load(None, kept.settings))
    now, usual = configs.differing(config), configs.load().model_dump()
    found = []
    for key in sorted({*own, *now} - {*FREE}):
        if own.get(key) != now.get(key):
            section, _, name = key.partition(".")
            default = usual[section][name] if name else usual[section]
            asked, measured = (configs.spell(x.get(key, default)) for x in (now, own))
            found.append(f"{key}: {asked}, but the probe in {kept.place} was measured with {measured}; leave it out")
    return found


def classifier(kept: Kept, config: Config) -> tuple[AudioClassifier, list[str]]:
    """The model whose scores are the probe's: the encoder, cut to its layer, and a head with its weights.

    Returns:
        It, and what is to be said of its encoder.

    Raises:
        ModelError: the encoder cannot be had or is another one, or the weights do not fit it.
    """
    import torch
    from safetensors.numpy import load_file

    from audioft.evaluation.linear import Linear
    from audioft.models.classifier import AudioClassifier

    encoder, notes = probed_encoder.load(kept.encoder, kept.place, config.data)
    try:
        weights, bias = Linear(**load_file(kept.place / WEIGHTS), multilabel=kept.multilabel).folded()
        model = AudioClassifier(encoder, len(kept.labels), kept.layer, kept.pooling, "linear")
        folded = {"classifier.weight": weights, "classifier.bias": bias}
        model.head.load_state_dict({k: torch.from_numpy(v).float() for k, v in folded.items()})
    except (OSError, TypeError, ValueError, RuntimeError) as e:
        raise ModelError(f"{kept.place}: its classifier does not fit {kept.encoder.name!r}: {e}; probe again") from e
    return model.eval(), notes


def refuse(kept: Kept, config: Config) -> None:
    """Raise a ConfigError with all that contradicts the probe."""
    if found := contradictions(kept, config):
        raise ConfigError(found)
