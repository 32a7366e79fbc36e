"""Docstrings as Markdown: the public names with their signatures, arguments and examples."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Any

TITLES = re.compile(r"^(Args|Attributes|Returns|Yields|Raises|Shape|Example|Examples):[ ]*", re.MULTILINE)
LINE = 100


def reference(things: dict[str, Any]) -> str:
    """A table of the names, then an entry each: functions first, then classes with their own methods."""
    functions = {k: v for k, v in things.items() if not inspect.isclass(v)}
    classes = {k: v for k, v in things.items() if inspect.isclass(v)}
    told = ["| name | |\n|---|---|\n" + "\n".join([*map(_row, functions.items()), *map(_row, classes.items())])]
    told += ["## Functions", *(_entry(f"### {name}", name, thing) for name, thing in functions.items())]
    told.append("## Classes")
    for name, thing in classes.items():
        told.append(_entry(f"### class {name}", name, thing))
        told.append("\n".join(_member(name, key, member) for key, member in _members(thing)))
    return "\n\n".join(filter(None, told))


def split(thing: Any) -> tuple[str, dict[str, str]]:
    """The text of a docstring before its sections, and the sections by title, without their indent.

    An example without a title of its own gets one.
    """
    found = inspect.getdoc(thing) or ""
    if re.search(r"^>>>", found, re.MULTILINE):
        before, after = re.split(r"^(?=>>>)", found, maxsplit=1, flags=re.MULTILINE)
        found = f"{before}Example:\n{textwrap.indent(after, '    ')}"
    text, *pieces = TITLES.split(found)
    bodies = [re.sub(r"^(\S.*\n)?((?: .*\n?|\n)*)", _dedented, body).strip() for body in pieces[1::2]]
    return text.strip(), dict(zip(pieces[::2], bodies, strict=True))


def _dedented(match: re.Match[str]) -> str:
    return (match[1] or "") + textwrap.dedent(match[2])


def entries(body: str) -> list[tuple[str, str]]:
    """The `name: text` lines of a section, with the lines that go on; `a, b: text` stays one."""
    found: list[tuple[str, str]] = []
    for line in body.splitlines():
        match = re.match(r"([\w, ]+): (.*)", line)
        if match:
            found.append((match[1].replace(", ", "`, `"), match[2].strip()))
        elif found:
            found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip()}".strip())
    return found


def cell(text: str) -> str:
    """Text as it may stand in a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def _row(named: tuple[str, Any]) -> str:
    name, thing = named
    anchor = f"{'class-' if inspect.isclass(thing) else ''}{name.lower()}"
    return f"| [`{name}`](#{anchor}) | {cell(split(thing)[0].split(chr(10) * 2)[0])} |"


def _entry(heading: str, name: str, thing: Any) -> str:
    text, sections = split(thing)
    told = [heading, _signature(name, thing), text]
    for title, body in sections.items():
        if title.startswith("Example"):
            told.append(f"```python\n{body}\n```")
        elif title in ("Args", "Attributes", "Raises"):
            told.append(f"**{title}**\n\n" + "\n".join(f"- `{key}`: {about}" for key, about in entries(body)))
        else:
            told.append(f"**{title}**: {' '.join(body.split())}")
    return "\n\n".join(filter(None, told))


def _signature(name: str, thing: Any) -> str:
    """As a block; nothing of an error, or of a config, which is made of its settings."""
    if inspect.isclass(thing) and (issubclass(thing, Exception) or hasattr(thing, "model_fields")):
        return ""
    lines = textwrap.wrap(f"{name}{_arguments(thing)}", LINE, subsequent_indent="    ", break_long_words=False)
    return "```python\n" + "\n".join(lines) + "\n```"


def _arguments(thing: Any) -> str:
    signature = inspect.signature(thing)
    kept = [p.replace(annotation=p.empty) for key, p in signature.parameters.items() if key != "self"]
    return str(signature.replace(parameters=kept, return_annotation=signature.empty))


def _members(thing: Any) -> Iterator[tuple[str, Any]]:
    """Methods, properties and static methods of its own that have a docstring, in their order."""
    for key, member in vars(thing).items():
        inner = [getattr(member, name, None) for name in ("fget", "func", "__func__")]
        plain = next((i for i in inner if i is not None), member)
        if not key.startswith("_") and inspect.isfunction(plain) and plain.__doc__:
            yield key, member


def _member(owner: str, key: str, member: Any) -> str:
    attribute = isinstance(member, property) or hasattr(member, "func")
    plain = getattr(member, "fget", None) or getattr(member, "func", None) or getattr(member, "__func__", member)
    text, sections = split(plain)
    about = "; ".join(f"`{name}`: {said.rstrip('.')}" for name, said in entries(sections.get("Args", "")))
    told = " ".join(text.split())
    return f"- `{owner}.{key}{'' if attribute else _arguments(plain)}`: {told}" + (f" {about}." if about else "")
