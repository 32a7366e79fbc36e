"""Which layer and pooling a run takes that leaves them to audioft: those on which the probe it begins with does best.

All are heard in one pass over the training side. Where the whole encoder stays frozen the pass is that of the cache of
what is frozen, which keeps them all; runs of the same encoder share it, whatever they choose.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from audioft.assembly import build, recipe
from audioft.assembly.fitting import probe_start
from audioft.assembly.fitting.frozen_states import Cache
from audioft.configuration.config import Config
from audioft.configuration.values import AUTO
from audioft.core.runtime import generator
from audioft.core.wording import counted
from audioft.evaluation import choosing
from audioft.models import freezing
from audioft.models.candidates import Candidates, Way, undecided
from audioft.models.classifier import Layers

MOST = 2000  # clips that the choice is made on


def ways(parts: build.Parts) -> list[Way]:
    """What a run may choose among, the simplest first: what its model has now, then deviations, then lower layers."""
    config, model = parts.config, parts.model
    asked = config.model
    if not probe_start.wanted(parts) or model.frame_level or model.layer_sum is not None:
        return []
    pooling, last = model.spec["pooling"], model.spec["layers"]
    if not isinstance(pooling, str) or (asked.pooling != AUTO and pooling != "stats"):
        return []
    layers: list[Layers] = [last]
    if asked.layers == AUTO and (config.freeze == "all" or len(parts.data.side("train")) < recipe.FEW):
        layers += range(model.encoder.num_layers - 1, _lowest(config) - 1, -1)
    taken = ("stats", "mean") if asked.pooling == AUTO else ("stats",)
    found = dict.fromkeys([Way(last, pooling), *(Way(layer, name) for layer in layers for name in taken)])
    return list(found) if len(found) > 1 else []


def _lowest(config: Config) -> int:
    """The lowest layer that the encoder may end with: all that `freeze` counts from above are left to it."""
    if config.freeze == "all":
        return 0
    policies = freezing.plan(config.freeze).values()
    return max([1, *(policy["top"] for policy in policies if isinstance(policy, Mapping))])


def open_to(parts: build.Parts, chosen: Mapping[str, Any]) -> Candidates | None:
    """Have the model of a run hear all that is chosen among; None where there is nothing to choose.

    Args:
        parts: of the run; its model is changed.
        chosen: by a run that goes on, see `recipe.kept`.
    """
    among = ways(parts)
    before = _before(parts, chosen)
    if among and before is not None and before not in among:  # an older audioft had other ways
        _take(parts, before)
        return None
    return undecided(parts.model, among) if among else None


def settle(
    parts: build.Parts, cache: Cache | None, candidates: Candidates, chosen: Mapping[str, Any]
) -> probe_start.Examples | None:
    """Choose, and give the run the model of the choice.

    Args:
        parts: of the run, with the model that `open_to` has changed; config and model are those of the choice then.
        cache: of what is frozen, which gives only what was chosen from then on.
        candidates: from `open_to`.
        chosen: by a run that goes on; empty for a new one.

    Returns:
        What the probe is fitted to; None for a run that goes on.
    """
    examples, before = None, _before(parts, chosen)
    if before is not None:
        index = candidates.ways.index(before)
    else:
        examples = probe_start.clips_of(parts, cache)
        index = parts.processes.gather([_best(parts, candidates, examples)])[0]
        examples = examples.of(examples.features[:, candidates.part(index)])
    if cache is not None:
        cache.part = candidates.part(index)
    _take(parts, candidates.ways[index])
    return examples


def _before(parts: build.Parts, chosen: Mapping[str, Any]) -> Way | None:
    """The way that a run took which goes on, whether it chose both or was asked for one."""
    if not chosen:
        return None
    layers, pooling = (chosen.get(key, recipe.value(parts.config, key)) for key in recipe.OF_THE_MODEL)
    return Way(layers, pooling)


def _take(parts: build.Parts, way: Way) -> None:
    for key, value in zip(recipe.OF_THE_MODEL, (way.layers, way.pooling), strict=True):
        parts.config = recipe.put(parts.config, key, value)
    model = build.head_anew(parts.config, parts.model.encoder, parts.data.manifest.labels)
    parts.model = model.to(parts.processes.device)


def _best(parts: build.Parts, candidates: Candidates, examples: probe_start.Examples) -> int:
    """The position of the simplest way that is as good as any; the first where that cannot be told."""
    rows = np.sort(generator(parts.config.seed, "choice").permutation(len(examples.labels))[:MOST])
    features, labels, groups = examples.features[rows], examples.labels[rows], np.array(examples.groups)[rows]
    usable = np.isfinite(features).all() and len(labels) > 1
    seen = [features[:, candidates.part(i)] for i in range(len(candidates.ways))]
    content = hashlib.sha256(features.tobytes() + labels.targets.tobytes() + labels.known.tobytes())
    about = "choice", content.hexdigest(), tuple(candidates.ways), tuple(groups.tolist()), parts.config.seed

    def found_out() -> int | None:
        return choosing.simplest(seen, labels, groups, parts.config.seed) if usable else None

    found = parts.shared.once(about, found_out)
    way = candidates.ways[found or 0]
    if found is not None:
        named = "the last layer" if way.layers == "last" else f"layer {way.layers} of {parts.model.encoder.num_layers}"
        parts.console.say(
            f"chosen by the probe on {counted(len(labels), 'clip')}: {named}, pooling {way.pooling}, of "
            f"{len(candidates.ways)} ways{_format(parts, way)}"
        )
    return found or 0


def _format(parts: build.Parts, way: Way) -> str:
    """What to set for a model that transformers reads, where this one is none."""
    own = way.pooling == parts.model.encoder.own_pooling and way.layers == "last"
    return "" if own else " (for transformers' pipeline: model.layers=last model.pooling=own)"
