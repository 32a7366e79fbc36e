"""Labelling one clip takes hardly longer than importing what it needs, and imports nothing that it does not need."""

from __future__ import annotations

import contextlib
import csv
import gc
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import makers
import pytest

import audioft
from audioft.core import startup

MOST = 1.5  # seconds that labelling a clip may take beyond the imports
IMPORTS = "import torch, transformers; from transformers import Wav2Vec2Model"
#: As audioft lays a model folder out: in transformers' form where transformers has such a head, else in its own.
LAYOUTS = {
    "transformers": {"pooling": "mean", "head": "projection"},
    "audioft": {"layers": "weighted", "pooling": "attentive_stats", "head": "linear"},
}
#: What training, measuring or settings need and labelling does not; none of it comes with a transformers model.
NOT_NEEDED = {"pydantic", "sklearn", "librosa", "matplotlib", "tensorboard", "rich", "numba", "pandas"}
OURS_NOT_NEEDED = {"configuration", "assembly", "training", "augmentation"}


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, Path]:
    """A model on `mini` in each layout, as a training of no steps would leave it."""
    import torch

    from audioft.models import folder
    from audioft.models.classifier import AudioClassifier
    from audioft.models.loading import load_encoder

    labels = tuple("abcdefgh")
    made = {}
    for layout, parts in LAYOUTS.items():
        made[layout] = tmp_path_factory.mktemp("models") / layout
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = AudioClassifier(load_encoder("mini")[0], len(labels), **parts)
        folder.save(model, folder.ModelCard(labels, multilabel=False, window=10.0), made[layout], "")
    return made


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return makers.tone(tmp_path_factory.mktemp("clip") / "one_second.wav", seconds=1.0)


@pytest.mark.slow
def test_labelling_imports_nothing_beyond_a_transformers_model_but_our_own(models, clip):
    program = (
        f"import sys; {IMPORTS}; before = set(sys.modules)\n"
        "from audioft.cli import main\n"
        f"codes = [main(['predict', str(m), {str(clip)!r}]) for m in {[str(m) for m in models.values()]!r}]\n"
        "print(codes, *sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    *rows, loaded = done.stdout.splitlines()
    assert loaded.startswith("[0, 0] "), done.stdout
    names = loaded.split()[2:]
    assert "audioft.inference.predictor" in names  # or nothing was looked at
    assert not NOT_NEEDED & {n.split(".")[0] for n in names}
    assert not OURS_NOT_NEEDED & {n.split(".")[1] for n in names if n.startswith("audioft.")}
    # and a program of its own gives the scores that this one gives, though it loads in another way
    scored = [float(r["score"]) for r in csv.DictReader(rows) if r["score"] != "score"]
    expected = [p.score for m in models.values() for p in audioft.predict(m, clip)]
    assert scored == [float(f"{s:.6f}") for s in expected]


@pytest.fixture
def collector():
    """The collector, left as it was found."""
    before = gc.isenabled()
    yield
    gc.unfreeze()
    (gc.enable if before else gc.disable)()


@pytest.mark.usefixtures("collector")
@pytest.mark.parametrize("switch", [gc.enable, gc.disable])
def test_loading_leaves_the_collector_as_it_was(switch, monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    gc.unfreeze()
    switch()
    before = gc.isenabled()
    with contextlib.suppress(KeyError), startup.loading():
        assert not gc.isenabled()
        raise KeyError
    assert (gc.isenabled(), gc.get_freeze_count()) == (before, 0)
    with startup.loading():
        assert not gc.isenabled()
    assert gc.isenabled() == before
    assert gc.get_freeze_count() > 0
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"  # what the user wishes stands


def timed(command: list[str]) -> tuple[float, float]:
    """Seconds by the clock and of the processor that a command takes, as a user calls it."""
    environment = {k: v for k, v in os.environ.items() if k not in ("OMP_NUM_THREADS", "OMP_WAIT_POLICY")}
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    passed, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return passed, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measured(predict: list[str], imports: list[str]) -> tuple[float, float]:
    """How much longer `predict` takes, by the clock and of the processor: the medians of five runs in turn."""
    runs = [(timed(predict), timed(imports)) for _ in range(5)]
    (ours, theirs), (our_work, their_work) = (
        [statistics.median(run[which][kind] for run in runs) for which in (0, 1)] for kind in (0, 1)
    )
    print(
        f"\npredict 1 s: {ours:.2f} s; import of torch and transformers: {theirs:.2f} s; "
        f"difference {ours - theirs:.2f} s, ratio {ours / theirs:.2f} (median of 5); "
        f"processor {our_work:.2f} s and {their_work:.2f} s",
        flush=True,
    )
    return ours - theirs, our_work - their_work


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_labelling_a_second_takes_little_more_than_the_imports(layout, models, clip):
    """`pytest -s tests/core/test_startup.py -m slow` prints the figures.

    What a user waits for is the clock's time, so that is what is held; it also sees what the processor's does not, as
    waiting for a network. On a busy machine it counts the waiting for a core as well, so the two are run in turn, and
    measured once more before they fail. The processor's time is held besides, with no second try.
    """
    predict = [sys.executable, "-m", "audioft", "predict", str(models[layout]), str(clip)]
    imports = [sys.executable, "-c", IMPORTS]
    for command in (predict, imports):  # what comes from the disk the first time is neither's
        timed(command)
    waited, worked = measured(predict, imports)
    assert worked < MOST
    if waited >= MOST:
        waited, _ = measured(predict, imports)
    assert waited < MOST


@pytest.mark.skipif(sys.platform != "linux", reason="pipes have a size of their own to set on Linux only")
def test_a_pipe_holds_what_arrives_while_libraries_are_imported(tmp_path):
    read, write = os.pipe()
    os.set_blocking(write, False)
    startup.hold_input(read)
    assert os.write(write, bytes(1 << 20)) == 1 << 20  # 64 KiB otherwise
    os.close(write)
    os.close(read)
    with open(tmp_path / "file", "wb") as file:
        startup.hold_input(file.fileno())  # a file needs none
