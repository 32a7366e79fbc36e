"""What was probably meant by a verb or an option that there is not."""

from __future__ import annotations

import argparse
import difflib
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from types import ModuleType

from audioft.configuration import other_names

_WRITTEN = " (settings are written as section.key=value)"


def verb_meant(name: str, made: Mapping[str, argparse.ArgumentParser]) -> str:
    """What to say of a verb that there is not; `made` are the parsers of those that there are."""
    low = name.lower().replace("_", "-")
    same = [verb for verb, parser in made.items() if low in getattr(_verb(parser), "ELSEWHERE", ())]
    near = same or difflib.get_close_matches(low, made, n=1, cutoff=0.6)
    told = f": did you mean {near[0]}?" if near else "; `audioft --help` lists them"
    return f"there is no verb {name!r}{told}"


def told(
    strange: Sequence[str], arguments: Sequence[str], called: str, made: Mapping[str, argparse.ArgumentParser]
) -> str:
    """What to say of the options that a verb does not have.

    Args:
        strange: the options, as they were given.
        arguments: the whole command line, in which their values are.
        called: the verb.
        made: the parser of each verb.
    """
    said = []
    for one in dict.fromkeys(strange):
        name = one.partition("=")[0]
        said.append(f"{name}{_meant(name, _value(one, arguments), called, made)}")
    if len(said) == 1 and said[0] == name:
        said = [f"{name}; `audioft {called} --help` lists them"]
    written = any(re.search(r"did you mean [\w.]+=", one) for one in said)
    return f"unknown option{'s' * (len(said) > 1)}: {'; '.join(said)}{_WRITTEN * written}"


def _value(option: str, arguments: Sequence[str]) -> str | None:
    """What was given for an option: behind its =, or as the next word, if that is nothing else."""
    if "=" in option:
        return option.partition("=")[2]
    at = arguments.index(option) + 1
    following = arguments[at] if at < len(arguments) else "-"
    return None if following.startswith("-") or "=" in following or os.path.exists(following) else following


def _meant(name: str, value: str | None, called: str, made: Mapping[str, argparse.ArgumentParser]) -> str:
    own = _options(made[called])
    if name in (*own, "-q"):
        return f": it goes behind the verb, `audioft {called} {name} ...`"
    same = [o for o in own if _squeezed(o) == _squeezed(name)]
    known = _settings(made[called])
    if same:
        return f": did you mean {same[0]}?"
    elsewhere = other_names.option(name, own)
    if (setting := _setting(name, value, known)) is not None:
        return setting
    near = [elsewhere] if elsewhere else difflib.get_close_matches(name, own, n=1, cutoff=0.75)
    if near:
        return f": did you mean {near[0]}?"
    if _takes_all(made[called]):
        return other_names.meant(name, known) or ""
    return _another_verbs(name, value, made)


def _setting(name: str, value: str | None, known: Sequence[str]) -> str | None:
    """What to say where there is such a setting; None where there is none."""
    plain = name.strip("-").replace("-", "_")
    own = [k for k in known if plain in (k, k.replace(".", "_"))]
    own = own or [k for k in known if k.rpartition(".")[2] == plain][:1]
    key, takes = (own[0], "") if own else other_names.counterpart(name, known) or ("", "")
    if not key:
        return None
    if takes:
        return f": did you mean {key}=... ({takes})?"
    return f": did you mean {key}={'...' if value is None else shlex.quote(value)}?"


def _another_verbs(name: str, value: str | None, made: Mapping[str, argparse.ArgumentParser]) -> str:
    """What to say of an option or a setting that other verbs have."""
    verbs = [verb for verb, parser in made.items() if name in _options(parser)]
    if verbs:
        return f": that is an option of {', '.join(f'`audioft {verb}`' for verb in verbs[:3])}"
    for verb, parser in made.items():
        if _takes_all(parser) and (found := _setting(name, value, _settings(parser))) is not None:
            key = found.removeprefix(": did you mean ").partition("=")[0]
            return f": {key} is a setting of `audioft {verb}`"
    return ""


def _options(parser: argparse.ArgumentParser) -> list[str]:
    return [option for action in parser._actions for option in action.option_strings if option.startswith("--")]


def _takes_all(parser: argparse.ArgumentParser) -> bool:
    return hasattr(_verb(parser), "settings_of")


def _verb(parser: argparse.ArgumentParser) -> ModuleType:
    found: ModuleType = parser.get_default("verb")
    return found


def _settings(parser: argparse.ArgumentParser) -> list[str]:
    """The settings that a verb takes: all of them, those that say how data is read, or none."""
    from audioft.configuration import config  # takes longer than all that help does

    if _takes_all(parser):
        return list(config.keys(_verb(parser).settings_of()))
    if not any("section.key" in str(action.metavar) for action in parser._actions):
        return []
    return [key for key in config.keys(config.Config) if key.startswith(("data.", "events."))]


def _squeezed(option: str) -> str:
    return option.replace("-", "").replace("_", "").lower()
