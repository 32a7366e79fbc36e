"""The house keeps its floors: who may import whom, read from the source itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import audioft

ROOT = Path(audioft.__file__).parent
PIPELINES = ROOT.parent / "pipelines"

BASE = {"errors", "wording", "registry", "runtime"}
ROOMS = {"audio", "annotations", "data", "augmentation", "models", "evaluation", "training", "inference"}
BELOW_ROOT = (
    BASE | ROOMS | {"storage", "places", "csv_tables", "keeping", "progress", "sections", "pretrain_sections", "config"}
)
#: floor -> the floors its modules may import besides their own
MAY_IMPORT = {
    "errors": set(),
    "wording": set(),
    "keeping": BASE,
    "registry": {"errors"},
    "runtime": {"errors"},
    "storage": {"errors"},
    "places": {"errors"},
    "csv_tables": {"storage"},
    "progress": {"errors"},
    "startup": {"errors"},
    "audio": BASE,
    "annotations": BASE,
    "data": BASE | {"storage", "csv_tables", "audio", "annotations"},
    "augmentation": BASE | {"audio"},
    "models": BASE | {"storage", "keeping", "audio"},
    "evaluation": BASE | {"storage", "csv_tables", "keeping", "models", "data", "annotations"},
    "training": BASE | {"storage", "places", "progress", "audio", "models", "data", "augmentation", "evaluation"},
    "inference": BASE | {"storage", "places", "csv_tables", "audio", "annotations", "models", "data", "evaluation"},
    "sections": {"errors"},
    "pretrain_sections": {"sections"},
    "config": {"errors", "sections", "pretrain_sections"},
    "starting": BELOW_ROOT,
    "few_shot_settings": BELOW_ROOT,
    "recordings": BELOW_ROOT | {"starting"},
    "build": BELOW_ROOT | {"starting", "recordings", "few_shot_settings"},
    "frozen_states": BELOW_ROOT | {"build", "recordings"},
    "caching": BELOW_ROOT | {"build", "frozen_states", "recordings"},
    "audio_kept": BELOW_ROOT | {"recordings", "build"},
    "pace": BELOW_ROOT | {"recordings", "build"},
    "planning": BELOW_ROOT | {"starting", "few_shot_settings", "recordings", "build", "pace"},
    "holding": {"errors", "storage", "places", "keeping"},
    "run": BELOW_ROOT | {"holding"},
    "scored": BELOW_ROOT | {"recordings"},
    "listening": BELOW_ROOT | {"recordings"},
    "verifying": BELOW_ROOT,
    "enrolling": BELOW_ROOT | {"verifying"},
    "finishing": BELOW_ROOT | {"recordings", "build", "run", "scored", "listening", "verifying"},
    "finetuning": BELOW_ROOT
    | {
        "starting",
        "few_shot_settings",
        "few_shot",
        "recordings",
        "build",
        "audio_kept",
        "pace",
        "run",
        "scored",
        "finishing",
        "listening",
        "caching",
        "planning",
    },
    "few_shot": BELOW_ROOT | {"starting", "recordings", "build", "run", "finishing", "planning"},
    "evaluating": BELOW_ROOT | {"recordings", "build", "run", "scored", "listening"},
    "probing": BELOW_ROOT,
    "build_pretraining": BELOW_ROOT | {"probing"},
    "encoder_card": BELOW_ROOT | {"build_pretraining"},
    "pretraining": BELOW_ROOT | {"run", "probing", "build_pretraining", "encoder_card"},
    "rendering": BELOW_ROOT,
    "frozen": BELOW_ROOT,
    "choosing": BELOW_ROOT | {"recordings", "frozen"},
    "timed": BELOW_ROOT,
    "labelling": BELOW_ROOT,
    "doctor": BELOW_ROOT,
    "api": BELOW_ROOT
    | {"labelling", "few_shot_settings", "build", "holding", "run", "scored", "planning", "finetuning", "few_shot"}
    | {"evaluating", "rendering"},
    "api_merge": BELOW_ROOT,
    "api_pretrain": BELOW_ROOT | {"holding", "run", "rendering", "probing", "build_pretraining", "pretraining"},
    "api_probe": BELOW_ROOT | {"api", "choosing"},
    "api_speakers": BELOW_ROOT | {"run", "verifying", "enrolling"},
    "api_trials": BELOW_ROOT | {"run", "verifying", "enrolling"},
    "learning_curve": BELOW_ROOT | {"recordings"},
    "api_learning": BELOW_ROOT | {"api", "learning_curve"},
    "verbs": {
        "errors",
        "runtime",
        "progress",
        "startup",
        "api",
        "api_merge",
        "api_pretrain",
        "api_probe",
        "api_learning",
        "api_speakers",
        "api_trials",
        "pretrain_sections",
        "sections",
        "config",
        "inference",
        "timed",
        "doctor",
    },
    "cli": {"errors", "progress", "startup", "verbs"},
    "__main__": {"cli"},
    "assets": {"errors", "storage", "audio", "models", "evaluation"},
}


def module_name(path: Path) -> str:
    parts = ("audioft", *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(p): p for p in sorted(ROOT.rglob("*.py"))}


def imports(path: Path, typing_too: bool = True) -> list[str]:
    """Absolute names of all that a module imports, in functions too; `a.b` for `from a import b`."""
    found = []

    def walk(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test) and not typing_too:
            return
        if isinstance(node, ast.Import):
            found.extend(a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written out in full"
            found.extend(f"{node.module}.{a.name}" for a in node.names)
        for child in ast.iter_child_nodes(node):
            walk(child)

    walk(ast.parse(path.read_text(encoding="utf-8")))
    return found


def own(names: list[str]) -> set[str]:
    """Modules of audioft among imported names."""
    ours = (n for n in names if n.split(".")[0] == "audioft")
    return {n if n in MODULES else n.rpartition(".")[0] for n in ours}


def floor(module: str) -> str:
    return module.split(".")[1]


@pytest.mark.parametrize("module", [m for m in MODULES if m != "audioft"])
def test_a_module_imports_only_from_floors_below(module):
    allowed = MAY_IMPORT[floor(module)] | {floor(module)}
    used = {floor(m) for m in own(imports(MODULES[module])) if m != "audioft"}
    assert used <= allowed, f"{module} imports {sorted(used - allowed)}"


def test_the_package_itself_imports_nothing_when_it_is_imported():
    assert own(imports(MODULES["audioft"], typing_too=False)) == set()


def test_no_module_leads_back_to_itself():
    graph = {m: own(imports(p, typing_too=False)) - {"audioft"} for m, p in MODULES.items() if m != "audioft"}
    for module, below in graph.items():  # importing a.b runs a's own code first
        graph[module] = below - {module}
    state: dict[str, int] = {}

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert state.get(module) != 1, " -> ".join((*path[path.index(module) :], module))
        if module in state:
            return
        state[module] = 1
        for other in sorted(graph.get(module, ())):
            visit(other, (*path, module))
        state[module] = 2

    for module in sorted(graph):
        visit(module, ())
    assert len(state) == len(graph)


def test_one_module_knows_the_decoder_and_two_the_resampler():
    users: dict[str, set[str]] = {"soundfile": set(), "soxr": set()}
    for module, path in MODULES.items():
        for name in imports(path):
            if name.split(".")[0] in users:
                users[name.split(".")[0]].add(module)
    assert users["soundfile"] == {"audioft.audio.io"}
    assert users["soxr"] == {"audioft.audio.resample", "audioft.augmentation.dsp"}


@pytest.mark.parametrize("module", MODULES)
def test_a_file_has_at_most_300_lines(module):
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("code", ["import audioft, audioft.cli", "from audioft.cli import main; main(['--help'])"])
def test_help_and_import_take_nothing_heavy(code):
    heavy = ("torch", "transformers", "numpy", "scipy", "sklearn", "matplotlib", "pydantic", "yaml", "soundfile")
    program = (
        f"import sys\ntry:\n    exec({code!r})\nexcept SystemExit as e:\n    assert not e.code\n"
        f"print('LOADED', [m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1:] == ["LOADED []"], done.stdout + done.stderr


@pytest.mark.parametrize("path", sorted(PIPELINES.glob("*.py")), ids=lambda p: p.name)
def test_a_pipeline_is_short_and_uses_public_names(path):
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert len(text.splitlines()) <= 80
    assert not [n.name for n in ast.walk(tree) if isinstance(n, ast.ClassDef)]
    public = set(audioft.__all__)
    for name in imports(path):
        first, _, rest = name.partition(".")
        assert first != "audioft" or not rest or rest in public, name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "audioft":
            assert node.attr in public, f"audioft.{node.attr}"
