"""Linear layers in eight bits, what is ahead of them and attention in bfloat16; what suffers most stays in floats."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import torch
from torch import Tensor, nn

from audioft.core.runtime import evaluating
from audioft.core.wording import counted
from audioft.errors import UsageError
from audioft.models.classifier import AudioClassifier
from audioft.models.compression import compressed, effort, int8
from audioft.models.encoder import Encoder
from audioft.models.families import FAMILIES
from audioft.tasks.compress.steps.base import Made
from audioft.tasks.compress.work import Work

MOST = 0.05  #: of how the logits of the calibration clips vary, by which they may move
FRONT, ATTENTION = "front", "attention"  #: parts in bfloat16: what is ahead of the layers, and products in these
_PART = re.compile(r"^(.*\.\d+\.[^.]+)")


class Quantise:
    """See `base.Step`."""

    name, makes = "quantise", "linear layers in 8 bits, convolutions and attention in bfloat16"
    trains, last = False, True

    def make(self, model: AudioClassifier, stage: int, work: Work, folder: Path) -> Made | None:
        if stage or any(isinstance(m, int8.Int8Linear) for m in model.modules()):
            return None
        small = copy.deepcopy(model).eval()
        encoder = small.encoder
        names = int8.candidates(encoder.model)
        if not names:
            raise UsageError(f"quantise: {encoder.name or encoder.family} has no linear layer of 16 or more outputs")
        wanted = _logits(small, work)
        compressed.fold(encoder, compressed.foldable(encoder))
        floats = {name: encoder.model.get_submodule(name) for name in names}
        with int8.Inputs(encoder.model, names) as inputs:
            _logits(small, work)
        wide = {n: int8.quantised(m, inputs.of(n)) for n, m in floats.items() if isinstance(m, nn.Linear)}
        _put(encoder.model, wide)
        compressed.settle(encoder, front=False, attention=_of_attention(encoder, work) > 0)
        encoder.bfloat16_front = FAMILIES[encoder.family].extractor is None
        moved = _moved(small, work, wanted)
        back, alone = _put_back(small, work, wanted, floats, wide, moved)
        compressed.settle(encoder, front=encoder.bfloat16_front, attention=encoder.bfloat16_attention)
        left = [m for m in encoder.model.modules() if isinstance(m, int8.Int8Linear)]
        if not left and not encoder.bfloat16_front:
            raise UsageError("quantise: every part of this model moves its logits too far")
        balanced, now = sum(m.balance is not None for m in left), _moved(small, work, wanted)
        front, attention = (
            "bfloat16" if half else "float32" for half in (encoder.bfloat16_front, encoder.bfloat16_attention)
        )
        said = [
            f"{counted(len(left), 'linear layer')} of {len(names)} in 8 bits, {balanced} with inputs balanced; what is "
            f"ahead of the layers in {front}, attention in {attention}; logits of the calibration clips move by "
            f"{100 * now:.1f} % of how they vary"
        ]
        said += [f"in floats, for what they move: {', '.join(back[:4])}" + " ..." * (len(back) > 4)] if back else []
        about = {"int8": len(left), "of": len(names), "float": back, "moved": now, "moved_alone": alone}
        return Made(small, said, about)


def _of_attention(encoder: Encoder, work: Work) -> float:
    return effort.of_attention(encoder, work.original.window * encoder.hearing.expansion)


def _logits(model: AudioClassifier, work: Work) -> Tensor:
    """What a model says of the calibration clips, `(N, C)`, but for what is the same for all labels of a clip.

    Not probabilities: of clips that it has learnt these are near 0 and 1, and hide what moves.
    """
    with evaluating(model), torch.inference_mode():
        found = torch.cat([model(b.waveforms, b.lengths) for b in work.calibration]).float()
    return found if work.multilabel else found - found.mean(1, keepdim=True)


def _moved(model: AudioClassifier, work: Work, wanted: Tensor) -> float:
    """By how much logits differ, as a share of how those wanted vary from clip to clip."""
    vary = (wanted - wanted.mean(0)).square().mean().sqrt().clamp_min(1e-6)
    return float((_logits(model, work) - wanted).square().mean().sqrt() / vary)


def _put(model: nn.Module, modules: dict[str, nn.Module] | dict[str, int8.Int8Linear]) -> None:
    for name, module in modules.items():
        int8.replace(model, name, module)


def _put_back(
    model: AudioClassifier,
    work: Work,
    wanted: Tensor,
    floats: dict[str, nn.Module],
    wide: dict[str, int8.Int8Linear],
    moved: float,
) -> tuple[list[str], dict[str, float]]:
    """Put parts back in floats until logits move by no more than `MOST`.

    The first is the one that moves them most for the work that it saves.

    Returns:
        What was put back, and by how much each part alone moves them, where that was measured.
    """
    if moved <= MOST:
        return [], {}
    encoder, parts = model.encoder, dict[str, list[str]]()
    for name in wide:
        found = _PART.match(name)
        parts.setdefault(found[1] if found else name, []).append(name)
    saved = {part: effort.of_linears(encoder, names) for part, names in parts.items()}
    parts |= {FRONT: []} if encoder.bfloat16_front else {}
    parts |= {ATTENTION: []} if encoder.bfloat16_attention else {}
    saved |= {FRONT: effort.of_front(encoder), ATTENTION: _of_attention(encoder, work)}

    def put(part: str, modules: dict[str, nn.Module] | dict[str, int8.Int8Linear]) -> None:
        _put(encoder.model, {n: modules[n] for n in parts[part]})
        if part == FRONT:
            encoder.bfloat16_front = modules is wide
        elif part == ATTENTION:
            compressed.attend_in_bfloat16(encoder, modules is wide)

    alone = {}
    for part in parts:
        put(part, floats)
    with work.console.job("measuring layers", len(parts)) as job:
        for number, part in enumerate(parts):
            put(part, wide)
            alone[part] = _moved(model, work, wanted)
            put(part, floats)
            job.at(number + 1)
    for part in parts:
        put(part, wide)
    back = list[str]()
    for part in sorted(alone, key=lambda p: -alone[p] / max(saved[p], 1.0)):
        put(part, floats)
        back.append(part)
        if _moved(model, work, wanted) <= MOST:
            break
    for part in list(back[:-1]):  # whether it was needed, now that the last one is there
        put(part, wide)
        if _moved(model, work, wanted) <= MOST:
            back.remove(part)
        else:
            put(part, floats)
    return back, alone
