"""Fine-tune pretrained wav2vec2-style encoders to classify speech and sound.

>>> import audioft
>>> sorted(audioft.__all__)[:3]
['AudioftError', 'Config', 'Console']
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# public name -> module; imported when first used, so that `import audioft` and `audioft --help` take no time
_HOMES = {
    "finetune": "audioft.api",
    "evaluate": "audioft.api",
    "predict": "audioft.api",
    "load_model": "audioft.api",
    "settings": "audioft.api",
    "enroll": "audioft.api_speakers",
    "identify": "audioft.api_speakers",
    "verify": "audioft.api_speakers",
    "verify_trials": "audioft.api_speakers",
    "make_trials": "audioft.api_speakers",
    "render": "audioft.api_pretrain",
    "pretrain": "audioft.api_pretrain",
    "probe": "audioft.api_pretrain",
    "PretrainConfig": "audioft.config",
    "Config": "audioft.config",
    "Run": "audioft.run",
    "Report": "audioft.evaluation.report",
    "Probe": "audioft.evaluation.probe",
    "Predictor": "audioft.inference.predictor",
    "Prediction": "audioft.inference.prediction",
    "Timeline": "audioft.inference.timeline",
    "Event": "audioft.annotations.event",
    "Console": "audioft.progress",
    "AudioftError": "audioft.errors",
}
__all__ = [
    "AudioftError",
    "Config",
    "Console",
    "Event",
    "Prediction",
    "Predictor",
    "PretrainConfig",
    "Probe",
    "Report",
    "Run",
    "Timeline",
    "enroll",
    "evaluate",
    "finetune",
    "identify",
    "load_model",
    "make_trials",
    "predict",
    "pretrain",
    "probe",
    "render",
    "settings",
    "verify",
    "verify_trials",
]

if TYPE_CHECKING:
    from audioft.annotations.event import Event
    from audioft.api import evaluate, finetune, load_model, predict, settings
    from audioft.api_pretrain import pretrain, probe, render
    from audioft.api_speakers import enroll, identify, make_trials, verify, verify_trials
    from audioft.config import Config, PretrainConfig
    from audioft.errors import AudioftError
    from audioft.evaluation.probe import Probe
    from audioft.evaluation.report import Report
    from audioft.inference.prediction import Prediction
    from audioft.inference.predictor import Predictor
    from audioft.inference.timeline import Timeline
    from audioft.progress import Console
    from audioft.run import Run


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'audioft' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
