"""Labelled data that an encoder is probed on while it is pretrained."""

from __future__ import annotations

import os

from audioft.assembly import reading
from audioft.configuration.config import PretrainConfig
from audioft.data.manifest import Manifest
from audioft.errors import ConfigError

PROBED = "probe.data"  # the setting that says how it is read
_KEYS = {key.partition(".")[2]: key for key in reading.KEYS}


def probed_data(config: PretrainConfig, source: str) -> Manifest:
    """The clips of one of `probe.sources`.

    Raises:
        UsageError: no such path.
        DataError: what is wrong with it, in the words of `probe.data`.
    """
    with reading.spelt_as(PROBED):
        return _how(config).clips(os.path.expandvars(os.path.expanduser(source)), least_labels=2)


def problems(config: PretrainConfig) -> list[str]:
    """What is wrong with `probe.data`."""
    strange = [k for k in config.probe.data if k not in _KEYS]
    if strange:
        return [f"{PROBED}.{k}: unknown; known are {', '.join(_KEYS)}" for k in strange]
    try:
        _how(config)
    except ConfigError as e:
        return [reading.renamed(p, PROBED) for p in e.problems]
    return []


def _how(config: PretrainConfig) -> reading.Reading:
    return reading.of({_KEYS[k]: v for k, v in config.probe.data.items()}, "a probe trains nothing")
