"""Everything a user can name is on a page, what is generated is as the program is, and names on pages exist."""

from __future__ import annotations

import re

import generate
import pytest
from blocks import GENERATED, PAGES, ROOT

import audioft
from audioft import tasks
from audioft.augmentation import augmentations
from audioft.configuration import config
from audioft.models.adaptations import adaptations
from audioft.models.families import FAMILIES
from audioft.models.poolings_and_heads import heads, poolings
from audioft.training.losses import losses
from audioft.training.schedules import schedules

TEXTS = {page.name: page.read_text(encoding="utf-8") for page in PAGES}
KEYS = [*config.keys(), *config.keys(config.PretrainConfig)]
SECTIONS = sorted({k.split(".")[0] for k in KEYS if "." in k})
#: Names of files that look like settings.
FILES = ("csv", "json", "jsonl", "md", "onnx", "png", "safetensors", "yaml")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_what_is_generated_is_as_the_program_is(page):
    assert generate.filled(page, TEXTS[page.name]) == TEXTS[page.name], "`make docs` writes it anew"


def test_a_change_of_the_program_is_seen():
    page = ROOT / "docs" / "settings.md"
    stale = TEXTS["settings.md"].replace("| `train.batch_size` | `16` |", "| `train.batch_size` | `10` |")
    assert stale != TEXTS["settings.md"]
    assert generate.filled(page, stale) == TEXTS["settings.md"]


def test_every_task_has_a_page_with_its_verbs_and_their_options():
    missing = [name for name in tasks.folders() if f"{name.replace('_', '-')}.md" not in TEXTS]
    for verb in tasks.verbs():
        text = TEXTS.get(generate.page_of(verb), "")
        missing += [verb.NAME] * (f"<!-- generated: options {verb.NAME} -->" not in text)
        missing += [f"a block with {verb.NAME}"] * (
            f"\naudioft {verb.NAME} " not in text.replace("doctor\n", "doctor \n")
        )
    assert not missing


def test_every_setting_is_on_a_page():
    missing = [key for key in KEYS if f"| `{key}` |" not in TEXTS["settings.md"]]
    assert not missing


@pytest.mark.parametrize(
    "parts", [augmentations, poolings, heads, adaptations, losses, schedules], ids=lambda r: r.kind
)
def test_every_part_is_on_a_page_with_its_arguments(parts):
    table = TEXTS["settings.md"].split(f"<!-- generated: parts {parts.kind} -->")[1].split("<!--")[0]
    rows = {line.split("`")[1]: line for line in table.splitlines() if line.startswith("| `")}
    missing = [n for n in parts.names() if any(f"`{key}=" not in rows.get(n, "") for key in parts.settings(n))]
    assert not missing


def test_every_public_name_is_on_a_page():
    missing = [n for n in audioft.__all__ if not re.search(rf"^### (class )?{n}$", TEXTS["python.md"], re.M)]
    assert not missing
    written = "\n".join(GENERATED.sub("", text) for text in TEXTS.values())
    used = {n for n in audioft.__all__ if re.search(rf"audioft\.{n}\b|`{n}`|class-{n.lower()}\b", written)}
    assert set(audioft.__all__) - used <= {"Config", "plan"}  # of which there is no more to say


def test_every_family_of_encoders_and_every_config_is_on_a_page():
    missing = [kind for kind in FAMILIES if f"`{kind}`" not in TEXTS["encoders.md"]]
    missing += [p.name for p in (ROOT / "configs").glob("*.yaml") if f"`configs/{p.name}`" not in TEXTS["train.md"]]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_setting_that_a_page_names_exists(page):
    known = {k.split(".")[0] for k in KEYS} | set(KEYS)
    named = re.findall(rf"\b((?:{'|'.join(SECTIONS)})\.(?!(?:{'|'.join(FILES)})\b)[a-z_]+)(?==|`)", TEXTS[page.name])
    assert set(named) <= known, set(named) - known


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_file_that_a_page_names_exists(page):
    for path in re.findall(r"`(?:python )?((?:configs|docs|pipelines|samples|tests)/[\w./]*)", TEXTS[page.name]):
        assert (ROOT / path).exists(), path


def test_every_program_that_a_page_names_can_be_called():
    named = {name for text in TEXTS.values() for name in re.findall(r"python -m\s+(audioft[\w.]+)", text)}
    assert "audioft.assets.random_twin" in named
    for name in named:
        assert '__name__ == "__main__"' in (ROOT / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8"), name


def test_the_table_of_promises_has_the_rows_that_are_tried():
    from torture.table import ROWS

    shown = re.findall(r"^\| (\d+) \| (.+?) \| [\d,]+ of [\d,]+ \|", TEXTS["reliability.md"], re.M)
    assert shown == [(str(row.number), row.promise) for row in ROWS]
