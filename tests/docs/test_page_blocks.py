"""Commands parse and name what is there, Python runs, configs load, and nothing stands in a block unchecked."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest
import yaml
from blocks import PAGES, ROOT, Block, commands, every_block
from printed import workplace

import audioft
from audioft.cli import parse
from audioft.configuration import config
from audioft.data.manifest import load
from audioft.tasks import verbs
from audioft.tasks.arguments import OVERRIDE

BLOCKS = every_block()
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
WAYS = re.compile(
    r"(run|run slowly|shape) audioft |(words of )?story \w+(;|$)|not compared; \w+|the test of this table reads it"
)
#: Programs that are not ours.
OTHERS = ("python3", "source", "pip", ".venv/bin/pip", "arecord")


def of(language: str) -> list[Block]:
    return [b for b in BLOCKS if b.language == language]


def config_command(path: Path) -> str:
    return path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")


LINES = [(str(b), line) for b in of("bash") for line in commands(b.text)] + [
    (p.name, config_command(p)) for p in CONFIGS
]
#: What commands on the pages leave behind, for others to use.
MADE = {
    words[words.index("--out") + 1]
    for words in (shlex.split(line) for _, line in LINES)
    if "--out" in words and words[0] == "audioft"
}
#: Written within sentences, with placeholders in capitals.
INLINE = [
    (page.name, command)
    for page in PAGES
    for command in re.findall(r"`(audioft [^`]+)`", " ".join(page.read_text(encoding="utf-8").split()))
    if "..." not in command and "--" in command and len(command.split()) > 2
]


@pytest.mark.parametrize(("where", "line"), LINES)
def test_a_line_of_a_block_of_commands(where, line, monkeypatch):
    monkeypatch.chdir(ROOT)
    for part in line.split(" | "):
        words = shlex.split(part)
        if "-m" in words and words[words.index("-m") + 1] == "audioft":  # torchrun and accelerate start processes of it
            words = words[words.index("-m") + 1 :]
        if words[0] == "audioft":
            assert_names_what_is_there(words)
        elif words[0] == "make":
            assert re.search(rf"^{words[1]}:", Path("Makefile").read_text(encoding="utf-8"), re.M)
        elif words[0] == "python":
            assert Path(words[1]).is_file()
        else:
            assert words[0] in OTHERS, f"{where}: what is {words[0]}?"


def assert_names_what_is_there(words: list[str]) -> None:
    options = parse(words[1:])
    given = [*getattr(options, "items", []), getattr(options, "data", None), getattr(options, "config", None)]
    for word in given:
        if word and word != "-" and not OVERRIDE.match(word):
            assert Path(word).exists(), word
    for name in ("model", "start", "trials"):
        value = getattr(options, name, None)
        if isinstance(value, str) and value.startswith(("runs/", "encoders/")):
            assert value in MADE, f"{value} is made by no command on the pages"


@pytest.mark.parametrize(("where", "command"), INLINE)
def test_a_command_within_a_sentence_parses(where, command):
    parse(shlex.split(command)[1:])


def test_commands_within_sentences_are_found():
    """That thresholds of plain and normalised scores do not mix is tested with the verbs."""
    assert ("speakers.md", "audioft verify MODEL --trials LIST --cohort DIR --store") in INLINE


def test_there_are_commands_of_every_verb():
    shown = {shlex.split(line)[1] for _, line in LINES if line.startswith("audioft ")}
    assert {verb.NAME for verb in verbs()} <= shown


def test_every_block_has_a_language_and_what_is_printed_is_checked():
    """A new block of output fails here until a comment above it says how it is compared, or why not."""
    wrong = [str(b) for b in BLOCKS if b.language not in ("bash", "python", "text", "yaml", "csv", "javascript")]
    wrong += [f"{b}: {b.check}" for b in of("text") + of("csv") if not WAYS.match(b.check)]
    assert not wrong


def test_what_is_compared_with_nothing_is_known():
    """One is of a program that a test of its own runs; others need recordings that do not lie here, or take minutes."""
    pages = sorted(b.page.name for b in of("text") if b.check.startswith("not"))
    others = ["events.md", "measured.md", "pretrain.md", "robustness.md", "robustness.md", "search.md", "slices.md"]
    assert pages == ["auto.md", "compare.md", "compare.md", "compress.md", *others]


@pytest.mark.parametrize("block", of("yaml"), ids=str)
def test_a_config_loads(block, tmp_path):
    (tmp_path / "config.yaml").write_text(block.text, encoding="utf-8")
    assert config.load(tmp_path / "config.yaml").model_dump() != config.Config().model_dump()
    assert yaml.safe_load(block.text)


@pytest.mark.parametrize("block", of("python"), ids=str)
def test_python_compiles_and_uses_public_names(block):
    nodes = [n for n in ast.walk(ast.parse(block.text)) if isinstance(n, ast.Attribute)]
    used = {n.attr for n in nodes if isinstance(n.value, ast.Name) and n.value.id == "audioft"}
    assert used <= set(audioft.__all__), used
    assert block.check in ("", "run, slow") or re.match(r"compiles; \w+", block.check)


@pytest.mark.parametrize("block", [b for b in of("python") if not b.check], ids=str)
def test_python_runs(block, here, monkeypatch):
    monkeypatch.chdir(here)
    exec(compile(block.text, str(block), "exec"), {"__name__": "page"})


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """A folder with what blocks of Python take as there: a run on the voices, made in seconds."""
    folder = workplace(tmp_path_factory.mktemp("pages") / "here")
    how = {"out": folder / "runs" / "quick", "few_shot": True, "console": audioft.Console(quiet=True)}
    audioft.finetune(ROOT / "samples" / "speakers", **how)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("block", [b for b in of("python") if b.check == "run, slow"], ids=str)
def test_python_that_trains_runs(block, walked, monkeypatch):
    monkeypatch.chdir(walked)
    exec(compile(block.text, str(block), "exec"), {"__name__": "page"})


def test_the_table_of_labels_means_what_is_said_of_it(tmp_path):
    (block,) = of("csv")
    (tmp_path / "metadata.csv").write_text(block.text, encoding="utf-8")
    for name in ("monday.flac", "tuesday.flac"):
        (tmp_path / name).write_bytes(b"not read here")
    manifest = load(tmp_path)
    assert manifest.multilabel
    assert manifest.labels == ("robin", "wren")
    first, second, third = manifest.clips
    assert (first.labels, first.start, first.end) == (("robin", "wren"), 0.0, 4.5)
    assert (second.labels, second.unknown) == (("robin",), "rest")
    assert third.labels == ()
    assert third.unknown == ()
