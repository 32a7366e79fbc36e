"""From what costs most to the augmentations of audioft that train against it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

LEAST = 0.03  # of the score, on the mean over strengths, from which on a kind is trained against

#: Which augmentations come near a kind; of none there is nothing that does.
AGAINST: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("white", "pink", "babble", "recorded", "wind", "hum"), ("noise",)),
    **dict.fromkeys(("reverb", "far"), ("reverb",)),
    **dict.fromkeys(("bandlimit", "mp3", "opus", "vorbis", "aac"), ("band_limit",)),
    **dict.fromkeys(("mulaw", "adpcm"), ("band_limit", "telephone")),
    **dict.fromkeys(("telephone", "gsm", "amr"), ("telephone",)),
    **dict.fromkeys(("dropouts", "packet_loss"), ("time_mask",)),
    **dict.fromkeys(("speed", "drift"), ("speed",)),
    "pitch": ("pitch",),
    "quiet": ("gain",),
    **dict.fromkeys(("clipping", "loud", "dc"), ()),
}
#: Their settings, in the order in which sound meets them; as wide as the suite is.
SETTINGS: dict[str, dict[str, Any]] = {
    "speed": {"min_rate": 0.8, "max_rate": 1.25},
    "pitch": {"min_semitones": -4, "max_semitones": 4},
    "reverb": {"min_rt60": 0.1, "max_rt60": 2.0, "min_drr_db": -15, "max_drr_db": 10},
    "noise": {"min_snr_db": 0, "max_snr_db": 30},
    "band_limit": {"min_low_hz": 20, "max_low_hz": 300, "min_high_hz": 1000, "max_high_hz": 8000},
    "telephone": {"min_level_db": -40, "max_level_db": 0},
    "gain": {"min_db": -40, "max_db": 20},
    "time_mask": {"masks": 6, "max_seconds": 0.3, "max_share": 0.1},
}


def section(costs: Mapping[str, float], folders: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """The `augment` section against what costs most, as a config has it; empty where nothing does.

    Args:
        costs: the mean change of the score under each kind, below 0 where it is less.
        folders: of the user's sounds, by the augmentation that takes them.
    """
    needed = {name for kind in _weak(costs) for name in AGAINST[kind]}
    p = 0.5 if len(needed) < 3 else 0.3
    own = {name: {"folder": folder} for name, folder in (folders or {}).items()}
    return [{"name": name, "p": p, **SETTINGS[name], **own.get(name, {})} for name in SETTINGS if name in needed]


def told(costs: Mapping[str, float], folders: Mapping[str, str] | None = None) -> str:
    """What to train with, as YAML and as a setting of `train`, and what nothing helps against; arguments as there."""
    weak = _weak(costs)
    if not weak:
        return f"advice: no kind costs {100 * LEAST:.0f} points on the mean over its strengths; nothing to add"
    said = ", ".join(f"{kind} ({100 * costs[kind]:+.0f})" for kind in weak)
    lines = [f"advice: {100 * LEAST:.0f} points or more, on the mean over strengths, are lost under {said}."]
    if found := section(costs, folders):
        lines += [f"Train with what comes near {', '.join(k for k in weak if AGAINST[k])}; in a --config:", ""]
        lines += ["augment:", *(f"  - {_spelt(one)}" for one in found)]
        lines += ["", "or as a setting of `audioft train`:", "", f"augment='{_spelt(found)}'", ""]
    if alone := [k for k in weak if not AGAINST[k]]:
        lines.append(f"No augmentation of audioft comes near {', '.join(alone)}.")
    if {"babble", "recorded"} & set(weak) and "noise" not in (folders or {}):
        lines.append("Recordings of the noises of the place (folder: DIR of noise) are better than coloured noise.")
    return "\n".join(lines).rstrip()


def _weak(costs: Mapping[str, float]) -> list[str]:
    """The kinds that cost enough, the dearest first."""
    return sorted((k for k, v in costs.items() if v <= -LEAST), key=costs.__getitem__)


def _spelt(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000).strip()
