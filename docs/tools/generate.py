"""Write what pages take from the program: verbs, their options, settings, parts, the Python interface.

    python docs/tools/generate.py            writes
    python docs/tools/generate.py --check    names the pages that are not as the program is, and changes nothing

A page has places for them, from `<!-- generated: NAME -->` to `<!-- end of generated -->`; the names are those of
`MAKERS`. `make docs` calls this first.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from docstrings import cell, entries, reference, split

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
PAGES = (README, *sorted((ROOT / "docs").glob("*.md")))
PLACE = re.compile(r"(<!-- generated: ([^>]+?) -->\n).*?(<!-- end of generated -->)", re.DOTALL)


def verbs(page: Path) -> str:
    """A row a verb, as the tasks declare them, with a link to the task's page."""
    from audioft import tasks

    folder = "docs/" if page == README else ""
    rows, last = ["| to | verb | |", "|---|---|---|"], ""
    for verb in tasks.verbs():
        group = "" if last == verb.GROUP else verb.GROUP
        last = verb.GROUP
        rows.append(f"| {group} | [`audioft {verb.NAME}`]({folder}{page_of(verb)}) | {verb.ABOUT} |")
    return "\n".join(rows)


def page_of(verb: Any) -> str:
    """The page of a verb's task: the task's folder, with dashes."""
    return f"{verb.__name__.split('.')[-2].replace('_', '-')}.md"


def options(page: Path, verb: str) -> str:
    """A row an option of a verb."""
    from audioft import cli

    _, made = cli.make_parser()
    rows = ["| option | |", "|---|---|"]
    for action in made[verb]._actions:
        if not isinstance(action, argparse._HelpAction):
            value = str(action.metavar or "|".join(map(str, action.choices or ())) or action.dest.upper())
            value = "" if action.nargs == 0 else value.replace(" | ", " or ").replace("|", "\\|")
            names = [f"`{name}`" for name in action.option_strings[:-1]]
            names.append(f"`{' '.join([*action.option_strings[-1:], value]).strip()}`")
            needed = " (needed)" if action.option_strings and action.required else ""
            rows.append(f"| {', '.join(names)}{needed} | {cell(action.help or '')} |")
    return "\n".join(rows)


def file(page: Path, place: str) -> str:
    """A file of the program as it stands."""
    return f"```yaml\n{(ROOT / place).read_text(encoding='utf-8').rstrip()}\n```"


def settings(page: Path, of: str) -> str:
    """A table a section of a config: key, default, what it may be, meaning."""
    from audioft.configuration import config

    kind = {"train": config.Config, "pretrain": config.PretrainConfig}[of]
    sections: dict[str, list[str]] = {}
    for key, field in config.keys(kind).items():
        section = key.split(".")[0] if "." in key else "beside the sections"
        row = f"| `{key}` | `{cell(config.spell(field.default))}` | {cell(values(field))} | {cell(field.description)} |"
        sections.setdefault(section, ["| key | default | values | |", "|---|---|---|---|"]).append(row)
    title = {"train": "Training", "pretrain": "Pretraining"}[of]
    return "\n\n".join(f"### {title}, {name}\n\n" + "\n".join(rows) for name, rows in sections.items())


def values(field: Any) -> str:
    """What a setting may be, in words."""
    hint = field.annotation
    arms = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    limits = {k: getattr(m, k) for m in field.metadata for k in ("gt", "ge", "lt", "le") if hasattr(m, k)}
    spelt = {"gt": "above {:g}", "ge": "{:g} or more", "lt": "below {:g}", "le": "at most {:g}"}
    bounds = ", ".join(spelt[k].format(v) for k, v in limits.items())
    return ", ".join(filter(None, map(_kind, arms))) + (f": {bounds}" if bounds else "")


def _kind(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return ", ".join(f"`{v}`" for v in get_args(hint))
    names: dict[Any, str] = {str: "text", int: "whole number", float: "number", bool: "`true`, `false`"}
    names |= {type(None): "`null`", list: "list", dict: "mapping"}
    return names.get(get_origin(hint) or hint, "")


def parts(page: Path, kind: str) -> str:
    """A row a part of a registry: what it does, and its arguments with their defaults."""
    from audioft.augmentation import augmentations
    from audioft.models.adaptations import adaptations
    from audioft.models.poolings_and_heads import heads, poolings
    from audioft.training.losses import losses
    from audioft.training.schedules import schedules

    registry = {r.kind: r for r in (augmentations, poolings, heads, adaptations, losses, schedules)}[kind]
    rows = ["| name | what it does | arguments, with their defaults |", "|---|---|---|"]
    for name in registry.names():
        text, sections = split(registry[name])
        about = dict(entries(sections.get("Args", "")))
        about = {k: v for k, v in about.items() if k != "p" and "see `_" not in v}
        told = [f"`{k}={_spell(p.default)}` {about.get(k, '')}".strip() for k, p in registry.settings(name).items()]
        rows.append(f"| `{name}` | {cell(text.split(chr(10) * 2)[0])} | {cell('<br>'.join(told))} |")
    return "\n".join(rows)


def _spell(default: Any) -> str:
    from audioft.configuration import config

    if default is inspect.Parameter.empty:
        return "(needed)"
    return config.spell(list(default) if isinstance(default, tuple) else default)


def families(page: Path) -> str:
    """The families of encoders."""
    from encoder_families import table

    return table()


def python(page: Path) -> str:
    """Every public name."""
    import audioft

    return reference({name: getattr(audioft, name) for name in sorted(audioft.__all__, key=str.lower)})


def errors(page: Path) -> str:
    """A row an error of a user's making."""
    from audioft import errors as known

    rows = ["| in `audioft.errors` | exit code | |", "|---|---|---|"]
    for name, kind in vars(known).items():
        if inspect.isclass(kind) and issubclass(kind, known.AudioftError):
            rows.append(f"| `{name}` | {kind.exit_code} | {cell(split(kind)[0].split(chr(10) * 2)[0])} |")
    return "\n".join(rows)


def first_screen(page: Path) -> str:
    """The README up to its first section, as it reads from `docs/`."""
    text = README.read_text(encoding="utf-8").split("\n## ", 1)[0].split("\n", 1)[1].strip()
    return re.sub(r"(?<=\]\()(?!https?:|#)([^)]+)", lambda m: f"../{m[1]}".replace("../docs/", ""), text)


def disturbances(page: Path) -> str:
    """A row a kind of disturbance, with its five strengths."""
    from audioft.tasks.robustness.strengths import STRENGTHS

    rows, last = ["| | kind | what | strengths, 1 to 5 | source |", "|---|---|---|---|---|"], ""
    for name, kind in STRENGTHS.items():
        family, last = "" if kind.family == last else kind.family, kind.family
        values = ", ".join(f"{v:g}" for v in kind.values)
        needs = f" (needs {kind.needs})" if kind.needs else ""
        rows.append(f"| {family} | `{name}` | {kind.about}{needs} | {values} {kind.unit} | {kind.source} |")
    return "\n".join(rows)


MAKERS: dict[str, Callable[..., str]] = {
    "verbs": verbs,
    "options": options,
    "disturbances": disturbances,
    "file": file,
    "settings": settings,
    "parts": parts,
    "families": families,
    "python": python,
    "errors": errors,
    "first-screen": first_screen,
}


def filled(page: Path, text: str) -> str:
    """A page with its generated places as the program is now."""

    def made(match: re.Match[str]) -> str:
        name, *arguments = match[2].split()
        return f"{match[1]}\n{MAKERS[name](page, *arguments)}\n\n{match[3]}"

    return PLACE.sub(made, text)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing")
    only_checked = parser.parse_args().check
    stale = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        if (new := filled(page, text)) != text:
            stale.append(str(page.relative_to(ROOT)))
            if not only_checked:
                page.write_text(new, encoding="utf-8")
    print(f"{'not as the program is' if only_checked else 'written'}: {', '.join(stale) or 'none'}")
    return int(only_checked and bool(stale))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
