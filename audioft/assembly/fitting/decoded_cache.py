"""The training clips of a run as files of decoded samples, filled before the first step."""

from __future__ import annotations

from audioft.assembly import build
from audioft.core import disk_cache, places
from audioft.data.audio_cache import AudioCache, default_folder
from audioft.errors import ConfigError

_OTHERWISE = "set XDG_CACHE_HOME to a folder with more, or leave out cache.audio"


def filled(parts: build.Parts) -> AudioCache:
    """What reads the training clips of a run; all that can be decoded is there.

    Raises:
        ConfigError: it takes more than `cache.gigabytes`.
        AudioftError: there is no room for it.
    """
    data, how = parts.data, parts.model.encoder.hearing
    clips, index = data.clips("train"), data.side("train")
    digests = {c.path: data.checked[i].digest for c, i in zip(clips, index, strict=True)}
    cache = AudioCache(default_folder(), how, digests, whole=parts.model.frame_level)
    if parts.processes.first_here:
        missing = cache.missing(clips)
        wanted, size = _size(parts)
        parts.console.say(f"{_told(parts)}; {len(missing)} are decoded now")
        limit = _limit(parts)
        each = size / wanted
        disk_cache.trim(cache.folder, round(limit - each * len(missing)))
        _need(parts, each * len(missing))
        recordings = len({c.path for c in missing})
        with parts.console.job("decoding recordings", recordings) as job:
            cache.fill(missing, max(1, parts.config.data.workers), job.at)
    parts.processes.wait()
    return cache


def plan(parts: build.Parts) -> None:
    """Say what a run would keep, from headers, and refuse what it would refuse; which clips are there is not known.

    Raises:
        ConfigError: it would take more than `cache.gigabytes`.
        AudioftError: there would be no room for it, even if all that is kept already were of these clips.
    """
    _, size = _size(parts)
    parts.console.say(f"{_told(parts)}; those that are not there yet are decoded before the first step")
    _limit(parts)
    _need(parts, size - places.size_of(default_folder()))


def _size(parts: build.Parts) -> tuple[int, float]:
    """How many files are kept, and their bytes together."""
    clips = parts.data.clips("train")
    wanted = len({c.path for c in clips}) if parts.model.frame_level else len(clips)
    return wanted, 2 * parts.model.encoder.hearing.per_second * sum(parts.data.seconds("train"))


def _told(parts: build.Parts) -> str:
    wanted, size = _size(parts)
    return f"decoded clips: {wanted}, {size / 1e6:,.0f} MB in {default_folder()}"


def _limit(parts: build.Parts) -> int:
    """The most that may be kept, in bytes; a ConfigError where a run needs more."""
    size, limit = _size(parts)[1], round(parts.config.cache.gigabytes * 1e9)
    if size > limit:
        raise ConfigError(
            f"cache.audio: {size / 1e9:.1f} GB of decoded clips are more than "
            f"cache.gigabytes={limit / 1e9:g}; raise it, or set cache.audio=false"
        )
    return limit


def _need(parts: build.Parts, size: float) -> None:
    places.need(default_folder(), round(size), "the decoded clips take", _OTHERWISE)
