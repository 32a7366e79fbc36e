"""An ensemble on disk: `members/0` to `members/N`, and `encoders/`, where each encoder lies once.

A member's folder is a model folder whose encoder lies elsewhere (`encoder_at` in its `audioft.json`), so that it can
also be used by itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from audioft.core.storage import read_json
from audioft.errors import ModelError
from audioft.models.card import ModelCard
from audioft.models.classifier import AudioClassifier
from audioft.models.encoder import Encoder
from audioft.models.ensembles.combining import made
from audioft.models.ensembles.ensemble import Ensemble, Member

MEMBERS, ENCODERS = "members", "encoders"
OWN = "encoder"  # where an encoder lies in the folder of a model that has it alone

WriteMember = Callable[[AudioClassifier, ModelCard, Path, dict[str, Any]], None]
WriteEncoder = Callable[[Encoder, Path], None]
ReadMember = Callable[[Path], tuple[AudioClassifier, ModelCard]]


def encoder_place(folder: Path) -> Path:
    """Where the encoder of a plain model folder lies, or of a member's: `folder` itself where it has none apart."""
    about = read_json(folder / "audioft.json", ModelError) if (folder / "audioft.json").is_file() else {}
    place = Path(os.path.normpath(folder / str(about.get("encoder_at", OWN))))
    return place if (place / "config.json").is_file() else folder


def told(model: Ensemble) -> dict[str, Any]:
    """What `audioft.json` says of it."""
    return {"ensemble": {**model.head.combination.told, "members": [name for name, _ in model.about]}}


def write(model: Ensemble, folder: Path, member: WriteMember, encoder: WriteEncoder) -> None:
    """Write members and encoders into the folder of the ensemble.

    Args:
        model: the ensemble.
        folder: of it.
        member: writes a classifier into a folder, its encoder aside, with what else is to be said of it.
        encoder: writes an encoder into a folder.
    """
    held = sorted(set(model.carriers))
    for number, carrier in enumerate(held):
        encoder(model.leaves[carrier].encoder, folder / ENCODERS / str(number))
    heard = []
    for carrier, depth in zip(model.carriers, model.depths, strict=True):
        of_it = {} if depth == model.depths[carrier] else {"layers": depth[0]}  # where it is to be cut
        heard.append((str(held.index(carrier)), of_it))
    _write_members(model, folder, "", iter(heard), member)


def _write_members(
    model: Ensemble, folder: Path, up: str, heard: Iterator[tuple[str, dict[str, Any]]], member: WriteMember
) -> None:
    for i, (inner, (_, card)) in enumerate(zip(model.members, model.about, strict=True)):
        assert isinstance(inner, AudioClassifier)
        place, above = folder / MEMBERS / str(i), f"{up}../../"
        if isinstance(inner, Ensemble):
            member(inner, card, place, {})
            _write_members(inner, place, above, heard, member)
        else:
            number, of_it = next(heard)
            member(inner, card, place, {"encoder_at": f"{above}{ENCODERS}/{number}", **of_it})


def read(folder: Path, about: Mapping[str, Any], card: ModelCard, member: ReadMember) -> Ensemble:
    """The ensemble whose combination's own weights are still to be loaded.

    Raises:
        ModelError: members are missing, or do not go together.
    """
    ensemble = about["ensemble"]
    try:
        names = [str(name) for name in ensemble["members"]]
        combination = made(ensemble, len(names), len(card.labels), card.multilabel)
        members = [Member(name, *member(folder / MEMBERS / str(i))) for i, name in enumerate(names)]
        return Ensemble(members, card.labels, combination)
    except (ValueError, KeyError, TypeError) as e:
        raise ModelError(f"{folder / 'audioft.json'}: its ensemble cannot be used: {e}") from e
