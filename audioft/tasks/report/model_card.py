"""The part of a model folder's README.md that a report writes: figures as the Hub reads them, and a section of words.

The figures stand in the metadata as `model-index` (https://huggingface.co/docs/hub/model-cards), the section between
two comments, so that the next report takes its place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audioft.core import storage
from audioft.evaluation.intervals import Estimate

BEGIN, END = "<!-- audioft report -->", "<!-- end of audioft report -->"
TASK = "audio-classification"


def write(
    folder: Path, name: str, side: str, metrics: Mapping[str, Estimate], said: Mapping[str, Sequence[str]]
) -> None:
    """Write figures and section into the README of a model folder, which keeps all else that it says.

    Args:
        folder: the model folder.
        name: of the data.
        side: of the data.
        metrics: figures with intervals, by the Hub's names of them.
        said: paragraphs of the section by their headings.
    """
    from huggingface_hub import ModelCard

    readme = folder / "README.md"
    before = readme.read_text(encoding="utf-8") if readme.is_file() else "# Audio classifier\n"
    none = "" if before.lstrip().startswith("---\n") else "---\n{}\n---\n"  # the Hub's library logs where there is none
    card = ModelCard(f"{none}{before}", ignore_metadata_errors=True)
    about: Any = card.data
    about.model_name = about.model_name or _name(folder.resolve())
    others = [r for r in about.eval_results or [] if (r.dataset_name, r.dataset_split) != (name, side)]
    about.eval_results = [*others, *_results(name, side, metrics)]
    card.text = _with_section(card.text, section(said))
    storage.write_text(readme, f"{card}".rstrip() + "\n")


def name_of(data: Path) -> str:
    """What recordings are called: their folder's name, or that of a table which has one of its own.

    >>> name_of(Path("yard/metadata.csv")), name_of(Path("lists/yard.csv")), name_of(Path("yard"))
    ('yard', 'yard', 'yard')
    """
    return data.resolve().parent.name if data.stem == "metadata" else data.stem


def _name(folder: Path) -> str:
    """Of a model: that of its run, where it lies in one."""
    return folder.parent.name if folder.name == "model" and (folder.parent / "config.yaml").is_file() else folder.name


def section(said: Mapping[str, Sequence[str]]) -> str:
    """Paragraphs by their headings as Markdown."""
    parts = [f"## {heading}\n\n" + "\n\n".join(own) for heading, own in said.items() if own]
    return "\n\n".join(parts)


def _results(name: str, side: str, metrics: Mapping[str, Estimate]) -> list:
    from huggingface_hub import EvalResult

    return [
        EvalResult(
            task_type=TASK,
            dataset_type="audiofolder",
            dataset_name=name,
            dataset_split=side,
            metric_type=metric,
            metric_value=round(found.value, 4),
            metric_args=_interval(found),
        )
        for metric, found in metrics.items()
        if math.isfinite(found.value)
    ]


def _interval(found: Estimate) -> dict[str, object] | None:
    if not (math.isfinite(found.low) and math.isfinite(found.high)):
        return None
    return {"interval": [round(found.low, 4), round(found.high, 4)], "level": 0.95}


def _with_section(text: str, made: str) -> str:
    """The text with the section in the place of that of before, or at its end."""
    before, begin, rest = text.partition(BEGIN)
    after = rest.partition(END)[2] if begin else ""
    return f"{before.rstrip()}\n\n{BEGIN}\n\n{made}\n\n{END}\n{after.lstrip()}"
