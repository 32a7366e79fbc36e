"""How the recordings of a run reach its encoder: as its config says, or as the encoder has heard others before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audioft.audio import hearing as hearings
from audioft.audio.hearing import Hearing
from audioft.configuration.pretraining import PoolSection
from audioft.configuration.sections import DataSection
from audioft.errors import ConfigError

if TYPE_CHECKING:
    from audioft.assembly.starting_model import Start
    from audioft.models.encoder import Encoder, Preprocessing

Section = DataSection | PoolSection


def problems(data: Section) -> list[str]:
    """What is wrong with the settings by themselves."""
    return hearings.problems(data.time_expansion, data.band)


def known(data: Section, encoder: str | None, start: Start | None = None) -> Hearing:
    """How recordings will reach an encoder that is not loaded yet.

    Args:
        data: of the config.
        encoder: its name; None for a new one.
        start: the model that the run goes on from.

    Raises:
        ConfigError: the encoder does not hear as much as the band is wide.
    """
    from audioft.models.encoder import Preprocessing
    from audioft.models.loading import kept_preprocessing

    if start is not None:
        own = start.model.encoder.preprocessing
    else:
        own = Preprocessing() if encoder is None else kept_preprocessing(encoder)
    return _of(data, own)


def give(data: Section, encoder: Encoder, start: Start | None = None) -> None:
    """Have recordings reach an encoder that is loaded; arguments and errors are those of `known`."""
    how = _of(data, encoder.preprocessing if start is None else start.model.encoder.preprocessing)
    encoder.hear(how.time_expansion, how.band)


def same(before: Hearing, how: Hearing, name: str) -> None:
    """Raise a ConfigError where an encoder hears in another way than was known before it was loaded."""
    if before != how and not (before.plain and how.plain):
        band = None if how.band is None else [*how.band]
        raise ConfigError(
            f"{name} hears recordings {how}, which its folder did not tell: set data.time_expansion="
            f"{'null' if how.time_expansion is None else f'{how.time_expansion:g}'} data.band={band or 'null'}"
        )


def refuse_longer(max_seconds: float, encoder: Encoder, name: str) -> None:
    """Raise a ConfigError where windows of so many seconds, as the encoder hears them, are more than it takes."""
    most = round(encoder.max_seconds * encoder.hearing.expansion, 6)
    if max_seconds > most:
        raise ConfigError(
            f"data.max_seconds: {max_seconds:g} is more than {name} takes at once; set data.max_seconds={most:g}"
        )


def _of(data: Section, own: Preprocessing) -> Hearing:
    if data.time_expansion is None and data.band is None:
        return own.hearing
    band = None if data.band is None else (data.band[0], data.band[1])
    try:
        return Hearing(own.sample_rate, data.time_expansion, band)
    except ValueError as e:
        raise ConfigError(str(e)) from None
