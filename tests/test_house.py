"""The house rules, read from the source itself: rooms, floors, circles, sizes, and the face of a task."""

from __future__ import annotations

import ast
import functools
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import audioft
from audioft import tasks

ROOT = Path(audioft.__file__).parent
PROJECT = ROOT.parent
PIPELINES = PROJECT / "pipelines"

#: From the bottom to the top; a room imports only from floors below its own. Rooms of one floor know nothing of
#: each other.
FLOORS = (
    {"errors"},
    {"core"},
    {"audio", "annotations", "configuration"},
    {"augmentation", "models"},
    {"data"},
    {"evaluation"},
    {"inference", "training"},
    {"speakers"},
    {"assembly"},
    {"tasks"},
    {"cli"},
    {"__main__"},
)
FLOOR = {room: i for i, rooms in enumerate(FLOORS) for room in rooms}
#: What only takes plain arguments: it never sees a config, however low that lies.
PARTS = {
    *("audio", "annotations", "augmentation", "data", "models", "evaluation", "training", "inference", "speakers"),
    "core",
}
#: Not of the house: programs that made what the package brings along.
ASSETS = "assets"
TASKS = tasks.folders()


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


def room(module: str) -> str:
    return module.split(".")[1]


def task_of(module: str) -> str | None:
    """The task that a module is a part of; None for what is of no one task."""
    parts = module.split(".")
    return parts[2] if parts[1:2] == ["tasks"] and len(parts) > 2 and parts[2] in TASKS else None


@functools.cache
def graph() -> dict[str, set[str]]:
    """What each module imports of audioft."""
    return {m: own(imports(p)) - {"audioft"} for m, p in MODULES.items() if m != "audioft"}


def test_a_module_imports_only_from_floors_below():
    wrong = []
    for module, below in graph().items():
        here = room(module)
        used = {room(m) for m in below} - {here}
        above = used & {"assembly", "tasks", "cli"} if here == ASSETS else {r for r in used if FLOOR[r] >= FLOOR[here]}
        if above:
            wrong.append(f"{module} imports {sorted(above)}")
        if here in PARTS and "configuration" in used:
            wrong.append(f"{module} is a part and sees a config")
    assert not wrong, "\n".join(wrong)


def test_core_could_be_lifted_out():
    for module, below in graph().items():
        if room(module) == "core":
            assert {room(m) for m in below} <= {"core", "errors"}, module
            text = MODULES[module].read_text(encoding="utf-8").lower()
            assert not re.findall(r"sample.?rate|\bclips?\b|\bwaveforms?\b|\brecordings?\b", text), module


def test_no_task_imports_another():
    for module in filter(task_of, graph()):
        others = {task_of(m) for m in graph()[module]} - {None, task_of(module)}
        assert not others, f"{module} imports of {others}; what two tasks need lies in assembly or in a part"


def test_nothing_but_a_task_names_it():
    outside = {m for m in graph() if task_of(m) is None}
    for module in outside:
        assert not {m for m in graph()[module] if task_of(m)}, module
        text = MODULES[module].read_text(encoding="utf-8")
        assert not re.search(rf"tasks[./]({'|'.join(TASKS)})\b", text), module
        if room(module) in ("cli", "tasks"):
            named = {verb.NAME for verb in tasks.verbs()} & set(re.findall(r'"([a-z-]+)"', text))
            named -= {"auto"}  # which is a value of many options, too
            assert named <= set(tasks.GROUPS), f"{module} names {named}"


def test_no_module_leads_back_to_itself():
    """Also not for type checking alone."""
    state: dict[str, int] = {}

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert state.get(module) != 1, " -> ".join((*path[path.index(module) :], module))
        if module in state:
            return
        state[module] = 1
        for other in sorted(graph().get(module, set()) - {module}):
            visit(other, (*path, module))
        state[module] = 2

    for module in sorted(graph()):
        visit(module, ())
    assert len(state) == len(graph())


def test_the_root_holds_four_modules():
    assert {p.name for p in ROOT.glob("*.py")} == {"__init__.py", "__main__.py", "cli.py", "errors.py"}
    assert {p.name for p in ROOT.iterdir() if p.is_file() and p.suffix != ".py"} == {"py.typed"}


@pytest.mark.parametrize("folder", sorted({p.parent for p in MODULES.values()}), ids=lambda p: p.name)
def test_a_folder_holds_at_most_30_files(folder):
    assert len([p for p in folder.iterdir() if p.is_file()]) <= 30


def test_a_file_has_at_most_300_lines():
    lines = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in MODULES.items()}
    assert not {module: count for module, count in lines.items() if count > 300}


@pytest.mark.parametrize("name", TASKS)
def test_a_task_has_the_face_of_a_task(name):
    folder = ROOT / "tasks" / name
    assert (folder / "__init__.py").read_text(encoding="utf-8").count("\n") == 1, "one line says what it is for"
    api = importlib.import_module(f"audioft.tasks.{name}.api")
    assert api.__all__
    assert set(api.__all__) <= set(audioft.__all__)
    verbs = [v for v in tasks.verbs() if task_of(v.__name__) == name]
    assert verbs
    for verb in verbs:
        assert verb.GROUP in tasks.GROUPS
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", verb.NAME)
        assert verb.ABOUT.endswith(".")
        assert callable(verb.add_options)
        assert callable(verb.run)
    assert list((PROJECT / "tests" / "tasks" / name).glob("test_*.py"))
    assert (PROJECT / "docs" / f"{name.replace('_', '-')}.md").is_file()


def test_verbs_and_functions_are_of_one_task_each():
    names = [verb.NAME for verb in tasks.verbs()]
    assert len(names) == len(set(names))
    functions = [f for name in TASKS for f in importlib.import_module(f"audioft.tasks.{name}.api").__all__]
    assert len(functions) == len(set(functions))


def test_type_checkers_know_what_tasks_declare():
    """The functions are found at run time; `python -m audioft.tasks` writes the same down for type checkers."""
    assert (ROOT / "tasks" / "public.pyi").read_text(encoding="utf-8") == tasks.stub()


def test_the_package_itself_imports_nothing_when_it_is_imported():
    assert own(imports(MODULES["audioft"], typing_too=False)) == set()


def test_one_module_knows_each_decoder_and_two_the_resampler():
    users: dict[str, set[str]] = {"soundfile": set(), "soxr": set(), "av": set()}
    for module, path in MODULES.items():
        for name in imports(path):
            if name.split(".")[0] in users:
                users[name.split(".")[0]].add(module)
    assert users["soundfile"] == {"audioft.audio.recording"}
    assert users["av"] == {"audioft.audio.media"}
    assert users["soxr"] == {"audioft.audio.resample", "audioft.augmentation.dsp"}


@pytest.mark.parametrize(
    "code",
    [
        "import audioft, audioft.cli",
        "import audioft; assert audioft.__all__, dir(audioft)",
        "from audioft.cli import main; main(['--help'])",
    ],
)
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
