"""Fine-tune pretrained wav2vec2-style encoders to classify speech and sound.

>>> import audioft
>>> sorted(audioft.__all__)[:3]
['Activity', 'AudioftError', 'Config']
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# public name -> module, besides the functions of `tasks`, which are found there; imported when first used, so that
# `import audioft` and `audioft --help` take no time
_OF_PARTS = {
    "Activity": "audioft.inference.activity",
    "AudioftError": "audioft.errors",
    "Config": "audioft.configuration.sections",
    "Console": "audioft.core.progress",
    "Event": "audioft.annotations.event",
    "Prediction": "audioft.inference.prediction",
    "Predictor": "audioft.inference.predictor",
    "PretrainConfig": "audioft.configuration.pretraining",
    "Probe": "audioft.evaluation.probe",
    "Report": "audioft.evaluation.report",
    "Run": "audioft.assembly.run_folder",
    "Timeline": "audioft.inference.timeline",
    "settings": "audioft.assembly.resolve",
}

if TYPE_CHECKING:
    from audioft.annotations.event import Event as Event
    from audioft.assembly.resolve import settings as settings
    from audioft.assembly.run_folder import Run as Run
    from audioft.configuration.pretraining import PretrainConfig as PretrainConfig
    from audioft.configuration.sections import Config as Config
    from audioft.core.progress import Console as Console
    from audioft.errors import AudioftError as AudioftError
    from audioft.evaluation.probe import Probe as Probe
    from audioft.evaluation.report import Report as Report
    from audioft.inference.activity import Activity as Activity
    from audioft.inference.prediction import Prediction as Prediction
    from audioft.inference.predictor import Predictor as Predictor
    from audioft.inference.timeline import Timeline as Timeline
    from audioft.tasks.public import *


def _homes() -> dict[str, str]:
    return _OF_PARTS | importlib.import_module("audioft.tasks").functions()


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return sorted(_homes())
    home = _OF_PARTS.get(name)
    if home is None and not name.startswith("_") and importlib.util.find_spec(f"{__name__}.{name}") is None:
        home = _homes().get(name)
    if home is None:
        raise AttributeError(f"module 'audioft' has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return sorted(_homes())
