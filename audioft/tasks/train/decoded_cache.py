"""The training clips of a run as files of decoded samples, filled before the first step."""

from __future__ import annotations

import shutil

from audioft.assembly import build
from audioft.core import disk_cache
from audioft.data.audio_cache import AudioCache, default_folder
from audioft.errors import AudioftError, ConfigError


def filled(parts: build.Parts) -> AudioCache:
    """What reads the training clips of a run; all that can be decoded is there.

    Raises:
        ConfigError: it takes more than `cache.gigabytes`.
        AudioftError: there is no room for it.
    """
    data, rate = parts.data, parts.model.encoder.sample_rate
    clips, index = data.clips("train"), data.side("train")
    digests = {c.path: data.checked[i].digest for c, i in zip(clips, index, strict=True)}
    cache = AudioCache(default_folder(), rate, digests, whole=parts.model.frame_level)
    if parts.processes.first_here:
        missing = cache.missing(clips)
        wanted = len(digests) if cache.whole else len(clips)
        size = 2 * rate * sum(data.seconds("train")) / wanted
        parts.console.say(
            f"decoded clips: {wanted}, {size * wanted / 1e6:,.0f} MB in {cache.folder}; {len(missing)} are decoded now"
        )
        limit = round(parts.config.cache.gigabytes * 1e9)
        if size * wanted > limit:
            raise ConfigError(
                f"cache.audio: {size * wanted / 1e9:.1f} GB of decoded clips are more than "
                f"cache.gigabytes={limit / 1e9:g}; raise it, or set cache.audio=false"
            )
        disk_cache.trim(cache.folder, round(limit - size * len(missing)))
        _room(cache, size * len(missing))
        recordings = len({c.path for c in missing})
        with parts.console.job("decoding recordings", recordings) as job:
            cache.fill(missing, max(1, parts.config.data.workers), job.at)
    parts.processes.wait()
    return cache


def _room(cache: AudioCache, size: float) -> None:
    place = cache.folder
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if size > free:
        raise AudioftError(
            f"the decoded clips take about {size / 1e9:.1f} GB, and {place} has {free / 1e9:.1f} GB left; make room "
            "there, set XDG_CACHE_HOME to a folder with more, or leave out cache.audio"
        )
