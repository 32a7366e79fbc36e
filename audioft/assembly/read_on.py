"""A run that goes on from a model reads its labels as that model's run did, unless it says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from audioft.assembly import reading
from audioft.configuration.config import spell
from audioft.errors import AudioftError, ModelError

if TYPE_CHECKING:
    from audioft.configuration.config import Config
    from audioft.core.progress import Console

#: Settings that speak of labels by their names, with what they are where they say nothing.
NAMED: dict[str, Any] = {"rename": {}, "merge": {}, "drop": [], "keep": [], "negatives": []}
#: Other settings that a run takes over.
PLAIN = ("data.na", "data.unlabelled", "data.folders", "events.point_width")


def as_start(config: Config, console: Console) -> Config:
    """The config with what its `start.model` keeps of how labels are read, where the config does not set it.

    Of renames and the like those go on whose names occur in the data; `data.keep` does not where labels are added
    (`start.extend`). What is background is another matter, see `audioft.assembly.background`.

    Args:
        config: of a new run; what it sets by itself stays, even where that is the default.
        console: told what is taken over, in one sentence.
    """
    kept = _reading(config.start.model)
    free = {k: v for k, v in kept.items() if k in reading.OF_A_MODEL and not _is_set(config, k)}
    taken = {k: free[k] for k in PLAIN if k in free}
    config = _with(config, taken)
    named = {k: v for k in ("rename", "merge", "drop", "keep") if (v := free.get(f"data.{k}"))}
    if named:
        taken |= _occurring(config, named, kept.get("data.negatives", ()))
    if taken:
        said = ", ".join(f"{k}={spell(v)}" for k, v in taken.items())
        off = " ".join(f"{k}={spell(v)}" for k, v in _unsaid(config, taken).items())
        console.say(f"note: labels are read as {config.start.model} learnt them: {said}; {off} turns it off")
    return _with(config, taken)


def as_stored(config: Config, stored: Config) -> Config:
    """The config of a run that goes on, read as it is `stored` where the config does not say how labels are read."""
    before = stored.model_dump()
    own = {key: before[section][name] for key in reading.OF_A_MODEL for section, _, name in [key.partition(".")]}
    return _with(config, {key: value for key, value in own.items() if not _is_set(config, key)})


def _reading(model: str | None) -> Mapping[str, Any]:
    from audioft.core.storage import read_json
    from audioft.models.hub import model_folder

    if model is None:
        return {}
    file = model_folder(model) / "audioft.json"
    about = read_json(file, ModelError) if file.is_file() else {}
    kept = about.get("reading") if isinstance(about, dict) else None
    return kept if isinstance(kept, dict) else {}


def _is_set(config: Config, key: str) -> bool:
    section, _, name = key.partition(".")
    return name in getattr(config, section).model_fields_set


def _with(config: Config, settings: Mapping[str, Any]) -> Config:
    for key, value in settings.items():
        section, _, name = key.partition(".")
        changed = getattr(config, section).model_copy(update={name: value})
        config = config.model_copy(update={section: changed})
    return config


def _unsaid(config: Config, settings: Mapping[str, Any]) -> dict[str, Any]:
    default = type(config)().model_dump()
    return {key: default[section][name] for key in settings for section, _, name in [key.partition(".")]}


def _occurring(config: Config, named: Mapping[str, Any], negatives: list[str]) -> dict[str, Any]:
    """Those parts of settings whose names occur; all of them where the data cannot be read without them."""
    from audioft.data.targets import clean

    d = config.data
    try:
        labels = _labels(config)
    except AudioftError:
        return {f"data.{k}": v for k, v in named.items()}
    own = {clean(name) for name in (*d.drop, *d.keep, *d.negatives)}  # labels that the run speaks of by these names
    here = labels - own - {clean(part) for parts in d.merge.values() for part in parts}
    rename = {old: new for old, new in named.get("rename", {}).items() if clean(old) in here}
    names = {clean(old): clean(new) for old, new in (rename or d.rename).items()}
    labels = {names.get(label, label) for label in labels}
    merge = {new: some for new, parts in named.get("merge", {}).items() if (some := _those(parts, labels - own))}
    names = {clean(part): clean(new) for new, parts in (merge or d.merge).items() for part in parts}
    labels = {names.get(label, label) for label in labels}
    drop = [name for name in _those(named.get("drop", ()), labels) if name not in (*d.keep, *d.negatives)]
    if labels <= {clean(name) for name in drop}:
        drop = []
    keep = [] if config.start.extend else [n for n in _those(named.get("keep", ()), labels) if n not in d.drop]
    if keep:
        keep += [name for name in _those(negatives, labels) if name not in keep]
    found = {"rename": rename, "merge": merge, "drop": drop, "keep": keep}
    return {f"data.{k}": v for k, v in found.items() if v}


def _those(names: list[str], labels: set[str]) -> list[str]:
    from audioft.data.targets import clean

    return [name for name in names if clean(name) in labels]


def _labels(config: Config) -> set[str]:
    """The labels of the data as it has them."""
    bare = config.model_copy(update={"data": config.data.model_copy(update=NAMED)})
    how = reading.of_config(bare)
    source = str(config.data.source)
    found = how.in_time(source, asked=how.events.asked)
    if found is not None:
        return {e.label for a in found.recordings for e in a.events}
    return {label for clip in how.whole_clips(source).clips for label in clip.named}
