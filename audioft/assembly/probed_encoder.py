"""The encoder that a kept probe is of: told apart by its weights, and by all else that its output depends on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from audioft.configuration.sections import DataSection
from audioft.errors import ModelError, UsageError

if TYPE_CHECKING:
    from audioft.models.encoder import Encoder


@dataclass(frozen=True)
class EncoderOf:
    """Which encoder a probe is of.

    Attributes:
        name: as it is loaded; a folder by its absolute path.
        revision: on the hub.
        sha256: of its weights, see `adapting.fingerprint`.
        settings: see the function; empty where they are not known.
    """

    name: str
    revision: str | None
    sha256: str
    settings: dict[str, str] = field(default_factory=dict)


def settings(encoder: Encoder) -> dict[str, str]:
    """What its config and its preprocessor say, as JSON by key."""
    from audioft.evaluation.embedding_store import settings_of

    said = {"config.json": settings_of(encoder), "preprocessor_config.json": encoder.preprocessing.told()}
    features = said["preprocessor_config.json"].pop("features", None) or {}
    said["preprocessor_config.json"] |= features
    return {
        f"{k} ({file})": json.dumps(v, sort_keys=True, default=str) for file, x in said.items() for k, v in x.items()
    }


def load(which: EncoderOf, place: Path, data: DataSection) -> tuple[Encoder, list[str]]:
    """The encoder of the probe in `place`, hearing as the data asks for, and what is to be said of it.

    Raises:
        ModelError: it cannot be had, or is another one.
    """
    from audioft.assembly import hearings
    from audioft.models.adapting import fingerprint
    from audioft.models.loading import load_encoder

    try:
        encoder, report = load_encoder(which.name, revision=which.revision)
    except (ModelError, UsageError) as e:
        raise ModelError(f"the probe in {place} is of the encoder {which.name!r}, which is not there: {e}") from e
    other = f"the probe in {place} is of another encoder than {which.name!r} is today"
    if (found := fingerprint(encoder.model)) != which.sha256:
        raise ModelError(
            f"{other}: its weights have the hash {found[:12]}..., expected {which.sha256[:12]}...; probe again "
            "(--overwrite)"
        )
    hearings.give(data, encoder)
    now = settings(encoder)
    # a setting that only one of the two has came with another version of transformers
    if changed := [k for k, v in which.settings.items() if now.get(k, v) != v]:
        told = "; ".join(f"{k} was {which.settings[k]}, is {now[k]}" for k in changed[:3])
        raise ModelError(f"{other}: {told}; put them back as they were, or probe again (--overwrite)")
    return encoder, list(report.notes)
