"""`audioft.merge`: an adapter and the encoder that it was trained on, made one model."""

from __future__ import annotations

import os
import re
from pathlib import Path

from audioft.core.progress import Console
from audioft.errors import UsageError

__all__ = ["merge"]


def merge(
    model: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    encoder: str | None = None,
    console: Console | None = None,
) -> Path:
    """Make a whole model of an adapter (`adapt.save: adapter`) and its encoder; it gives the same numbers.

    Args:
        model: a run, a run folder or a model folder that holds an adapter alone.
        out: the new model folder, in transformers' format where the head is one of transformers'.
        encoder: where the encoder is, if no longer where it was.
        console: where messages go; standard error if not given.

    Raises:
        UsageError: the model is whole already, or there is something in `out`.
        ModelError: the encoder is not the one that the adapter was trained on.

    Example:
        >>> whole = merge(adapted, tmp / "whole", console=Console(quiet=True))
        >>> (whole / "model.safetensors").is_file(), (whole / "adapter").exists()
        (True, False)
    """
    from audioft.models import folder as folders
    from audioft.models import heard
    from audioft.models.hub import model_folder

    source, target = model_folder(model), Path(out)
    if not folders.is_small(source):
        raise UsageError(f"{source} is whole already: use it as it is; only a model with adapt.save=adapter is merged")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} is not empty; nothing there is touched: give another --out")
    whole, card = folders.load(source, encoder)
    readme = source / "README.md"
    told = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    merged = _of_the_whole(told, sum(p.numel() for p in whole.parameters()))
    folders.save(whole, card, target, merged, heard=heard.of_folder(source))
    reads = "which transformers loads, too" if whole.transformers_equivalent else "which audioft alone loads"
    about = f"the adapter of {source} and its encoder {encoder or card.encoder.get('name', '')}"
    (console or Console()).say(f"merged {about} into a whole model, {reads}:")
    return target


def _of_the_whole(readme: str, parameters: int) -> str:
    """The card of a model with an adapter, as it is true of the merged one."""
    merged = "merged into the encoder's weights by `audioft merge`"
    told = re.sub(r"^(- adapted by: .*), save adapter$", rf"\1; {merged}", readme, count=1, flags=re.M)
    return re.sub(r"^- parameters: .*$", f"- parameters: {parameters:,}", told, count=1, flags=re.M)
