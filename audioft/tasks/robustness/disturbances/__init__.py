"""Disturbances of a waveform, each in a file by its physics; importing this enters them all."""

from audioft.tasks.robustness.disturbances import channel, codecs, level, noise, room, timing
from audioft.tasks.robustness.disturbances.base import KINDS, Scene

__all__ = ["KINDS", "Scene", "channel", "codecs", "level", "noise", "room", "timing"]
