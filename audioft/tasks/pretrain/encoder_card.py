"""What is written at the end of a pretraining: the encoder's folder, its card, and the picture of how it went."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from audioft.core.progress import spell_seconds
from audioft.core.storage import write_text
from audioft.models import heard
from audioft.models.architecture import count, save_encoder
from audioft.models.encoder import Encoder
from audioft.tasks.pretrain.parts import Parts
from audioft.tasks.pretrain.progress_chart import draw
from audioft.tasks.pretrain.rounds import RoundPlan
from audioft.training.callbacks import Callback, read_rows

PICTURE = "pretraining.png"


class Picture(Callback):
    """A callback that draws the picture anew at every measure."""

    def __init__(self, folder: Path, rounds: Sequence[RoundPlan], before: dict[str, float]):
        self.folder, self.rounds, self.before = folder, rounds, before

    def row(self, row: dict[str, Any]) -> None:
        if row["kind"] == "valid":
            draw(self.folder / PICTURE, histories(self.folder, self.rounds), self.before)


def histories(folder: Path, rounds: Sequence[RoundPlan]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Name and rows of metrics of each round that has begun."""
    return [(r.name, rows) for r in rounds if (rows := read_rows(folder / r.name / "metrics.jsonl"))]


def write(
    parts: Parts, encoder: Encoder, name: str, rounds: list[RoundPlan], before: dict[str, float], out: Path
) -> None:
    """The encoder in transformers' format with its card; each file is whole or not there."""
    told = histories(parts.folder, rounds)
    measured = [r for _, rows in told for r in rows if r["kind"] == "valid"]
    last = measured[-1] if measured else {}
    figures = {k: v for k, v in last.items() if k not in ("kind", "step", "epoch", "seconds")}
    seconds = sum(rows[-1]["seconds"] for _, rows in told)
    taught = {} if parts.teacher is None else {"teacher": parts.teacher.spell()}
    about = taught | {
        "pretrained": True,
        "from": name,
        "rounds": [r.spell() for r in rounds],
        "hours": round(sum(parts.data.seconds) / 3600, 3),
        "figures": figures,
    }
    partial = out / ".encoder.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    save_encoder(encoder, partial, dtype=parts.config.encoder.dtype, about=about)
    parts.heard.write(partial / heard.FILE)
    write_text(partial / "README.md", card(parts, encoder, name, rounds, before, told, seconds))
    if draw(partial / PICTURE, told, before):
        parts.console.say(f"picture: {out / PICTURE}")
    for file in sorted(partial.iterdir(), key=lambda f: f.name == "config.json"):  # what makes it an encoder comes last
        file.replace(out / file.name)
    partial.rmdir()
    shutil.rmtree(parts.folder / "decoded", ignore_errors=True)


def _of_teacher(parts: Parts) -> list[str]:
    """Lines on the teacher, where there was one."""
    if parts.teacher is None:
        return []
    t, own = parts.config.teacher, parts.teacher.encoder
    canvas = f", on a canvas of {own.canvas_samples / own.sample_rate:g} s" if own.canvas_samples else ""
    return [
        f"- teacher: {parts.teacher.spell()}{canvas}; weights {t.frames:g} of its frames, {t.pooled:g} of their mean "
        f"and deviation over time, {t.likeness:g} of the likeness of crops",
        "- whoever passes this encoder on sees to it that the licence of the teacher allows it",
    ]


def card(
    parts: Parts,
    encoder: Encoder,
    name: str,
    rounds: list[RoundPlan],
    before: dict[str, float],
    told: list[tuple[str, list[dict[str, Any]]]],
    seconds: float,
) -> str:
    """The model card as Markdown: on what, how long, with which figures."""
    data, config = parts.data, parts.config
    model = encoder.model.config
    start = "nothing" if config.encoder.start is None else f"`{name}`"
    measured = [(n, [r for r in rows if r["kind"] == "valid"]) for n, rows in told]
    lines = [
        *("---", "library_name: transformers", "pipeline_tag: feature-extraction"),
        *("tags: [audio, self-supervised, audioft]", "---", "", "# Audio encoder", ""),
        f"An encoder of the family {encoder.family}, pretrained without labels by audioft, from {start}.",
        *("", "## Use", "", "```", "audioft train RECORDINGS --encoder THIS_FOLDER", "```", ""),
        "`transformers.AutoModel.from_pretrained(THIS_FOLDER)` loads it, too.",
        *("", "## What it is", ""),
        f"- {encoder.num_layers} layers of width {encoder.hidden_size}, {count(encoder):,} parameters",
        f"- {encoder.sample_rate} Hz, a frame every {1000 * encoder.seconds_per_frame:g} ms; "
        f"convolutions {list(model.conv_kernel)} with strides {list(model.conv_stride)}",
        f"- each clip {'is' if encoder.preprocessing.normalise else 'is not'} brought to mean 0 and variance 1",
        *([] if (how := encoder.hearing).plain else [f"- recordings are heard {how}"]),
        *("", "## Pretrained on", "", "| recordings | hours | share of the crops |", "|---|---|---|"),
        *(f"| {Path(path).name} | {s / 3600:.2f} | {share:.1%} |" for path, s, share in data.sources),
        "",
        f"{len(data.learnt)} recordings were learnt from, {len(data.held_out)} only measured on"
        + (f"; {data.bad} could not be used." if data.bad else "."),
        *("", "## How", ""),
        *(f"- {r.name}: {r.spell()}" for r in rounds),
        *_of_teacher(parts),
        f"- {config.train.batch_size} crops of {config.data.crop_seconds:g} s a step, about "
        f"{config.objective.mask:.0%} of the frames hidden in spans of {config.objective.mask_frames}; "
        f"rate {config.train.lr:g}",
        f"- {spell_seconds(seconds)} on {parts.processes.device} in {parts.precision}, "
        f"{parts.processes.count} process(es)",
        f"- seed {config.seed}; Python {platform.python_version()}, torch {torch.__version__}; "
        "all settings in `pretraining/config.yaml`",
        *("", "## Figures", ""),
    ]
    if not any(rows for _, rows in measured):
        return "\n".join([*lines, "Nothing was held out to measure on."]) + "\n"
    probes = sorted({k for _, rows in measured for r in rows for k in r if k.startswith("probe_")})
    lines += [
        "On held-out recordings; a guess is the share of the commonest cluster among the hidden frames.",
        "",
        "| round | step | loss | masked accuracy | guess | "
        + "".join(f"{p.removeprefix('probe_')} | " for p in probes),
        "|---|---|---|---|---|" + "---|" * len(probes),
    ]
    if before:
        lines.append("| before | 0 | | | | " + "".join(f"{before.get(p, float('nan')):.3f} | " for p in probes))
    for n, rows in measured:
        for r in rows:
            cells = [
                f"{r[k]:.3f}" if r.get(k) is not None else "" for k in ("loss", "masked_accuracy", "guess", *probes)
            ]
            lines.append(f"| {n} | {r['step']} | " + " | ".join(cells) + " |")
    lines += ["", *(f"- note: {note}" for note in parts.told_before), "", f"![progress]({PICTURE})"]
    return "\n".join(lines) + "\n"
