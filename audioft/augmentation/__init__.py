"""Changes to a clip that leave its label true, each drawn first and then applied."""

from audioft.augmentation import channel, noise, room, spectrogram, waveform  # importing a module enters its parts
from audioft.augmentation.base import Augmentation, Chain, augmentations
from audioft.augmentation.mixup import Mixup

__all__ = ["Augmentation", "Chain", "Mixup", "augmentations", "channel", "noise", "room", "spectrogram", "waveform"]
