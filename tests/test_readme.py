"""The README does not rot: its commands parse, its files exist, its table loads, its Python names are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import audioft
from audioft import config
from audioft.cli import parse
from audioft.data.manifest import load
from audioft.verbs.arguments import OVERRIDE

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, flags=re.M | re.S)
COMMANDS = [line for _, block in BLOCKS for line in block.splitlines() if line.startswith("audioft ")]
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))


def config_command(path: Path) -> str:
    return path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")


@pytest.mark.parametrize("command", [*COMMANDS, *map(config_command, CONFIGS)])
def test_a_command_parses_and_names_what_exists(command, monkeypatch):
    monkeypatch.chdir(ROOT)
    words = shlex.split(command)
    assert words[0] == "audioft"
    options = parse(words[1:])
    given = [*getattr(options, "items", []), getattr(options, "data", None), getattr(options, "config", None)]
    for word in given:
        if word and not OVERRIDE.match(word):
            assert Path(word).exists(), word


def test_there_are_commands_of_every_verb():
    assert {shlex.split(c)[1] for c in COMMANDS} >= {"train", "pretrain", "evaluate", "predict"}


def test_every_settings_key_the_readme_names_exists():
    keys = set(config.keys()) | set(config.keys(config.PretrainConfig))
    known = {k.split(".")[0] for k in keys} | keys
    named = set(
        re.findall(r"\b((?:data|events|encoder|model|train|evaluate|objective|probe)\.(?!yaml)[a-z_]+)(?==|`)", README)
    )
    assert named
    assert named <= known, named - known


def test_the_table_in_the_readme_means_what_is_said_of_it(tmp_path):
    table = next(block for _, block in BLOCKS if block.startswith("file_name,"))
    (tmp_path / "metadata.csv").write_text(table, encoding="utf-8")
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


def test_every_public_name_is_listed():
    missing = [name for name in audioft.__all__ if not re.search(rf"`[^`]*\b{name}\b", README)]
    assert not missing


def test_what_is_said_of_thresholds_is_what_the_commands_take():
    """Commands within sentences; that thresholds of plain and normalised scores do not mix is tested with the verbs."""
    section = " ".join(README[README.index("## Who speaks") : README.index("## Pretraining on")].split())
    commands = [c for c in re.findall(r"`(audioft [^`]+)`", section) if len(c.split()) > 2]
    assert "audioft verify MODEL --trials LIST --cohort DIR --store" in commands
    for command in commands:
        parse(shlex.split(command)[1:])


def test_the_demo_and_the_three_commands_print_the_same_scores():
    """Both are one training, which is in float32 on every machine."""
    demo = dict(re.findall(r"^  (samples/\S+) +\w+ +(\d\.\d\d)  right$", README, flags=re.M))
    table = dict(re.findall(r"^(samples/recordings/[^,\n]+),\w+,(\d\.\d{6}),", README, flags=re.M))
    assert len(table) == 6
    assert {k: f"{float(v):.2f}" for k, v in table.items()} == demo
    assert config.load(ROOT / "configs" / "quick_cpu.yaml").train.precision == "fp32"


def test_every_file_the_readme_names_exists():
    for path in re.findall(r"`((?:configs|pipelines|samples)/[\w./]*)`", README):
        assert (ROOT / path).exists(), path
