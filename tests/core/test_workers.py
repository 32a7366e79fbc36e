"""Worker processes that are not forked do not run the user's script again."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import makers
import pytest
import small_pretraining

from audioft.core import workers
from audioft.errors import UsageError

ROOT = Path(__file__).parents[2]
GUARD = 'if __name__ == "__main__":'


def script(folder: Path, how: str, text: str) -> subprocess.CompletedProcess:
    """Run a script whose processes are started as `how` says, in its folder."""
    path = folder / "script.py"
    begin = f"import multiprocessing\nmultiprocessing.set_start_method({how!r}, force=True)\n"
    path.write_text(begin + textwrap.dedent(text), encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    return subprocess.run([sys.executable, path], capture_output=True, text=True, cwd=folder, env=environment)


def training(data, encoder, processes, guard=""):
    settings = makers.QUICK | {"data.workers": processes, "augment": ["gain"]}
    text = f"""
        run = audioft.finetune({str(data)!r}, encoder={str(encoder)!r}, out="run", overrides={settings})
        print(len(list(audioft.predict(run, {str(data)!r}))))
    """
    body = textwrap.indent(textwrap.dedent(text), "    " if guard else "")
    return f"import audioft\nprint('begun')\n{guard}\n{body}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "processes", "guard"),
    [("spawn", 1, ""), ("forkserver", 2, ""), ("spawn", 2, GUARD), ("forkserver", 1, GUARD)],
)
def test_a_script_trains_and_labels(how, processes, guard, two_tones, small_encoder, tmp_path):
    done = script(tmp_path, how, training(two_tones, small_encoder, processes, guard))
    assert (done.returncode, done.stdout.splitlines()) == (0, ["begun", "12"]), done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "run" / "model").is_dir()


#: A part of a script's own, which its workers must know.
OWN = """
    import audioft
    from torch.utils.data import Dataset
    from audioft.data.batching import loader

    class Own(Dataset):
        collate = staticmethod(list)
        def __getitem__(self, i): return i * 10
        def __len__(self): return 3

    {guard}
    {indent}print(sorted(sum(loader(Own(), [[0, 2], [1]], 1), [])))
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", ["spawn", "forkserver"])
def test_what_a_script_defines_needs_a_guard(how, tmp_path):
    done = script(tmp_path, how, OWN.format(guard="", indent=""))
    assert done.returncode == 1
    assert done.stdout == ""
    assert "UsageError: worker processes begin anew here" in done.stderr.splitlines()[-1]
    assert f"write `{GUARD}`" in done.stderr
    assert done.stderr.count("Traceback") == 1  # of the script itself
    done = script(tmp_path, how, OWN.format(guard=GUARD, indent="    "))
    assert (done.returncode, done.stdout) == (0, "[0, 10, 20]\n"), done.stderr


#: An augmentation of a script's own; `finetune` and `pretrain` are called at once.
AUGMENTED = """
    import audioft, numpy, soundfile
    from audioft.augmentation.base import Augmentation, augmentation

    @augmentation("own")
    class Own(Augmentation):
        "Nothing is changed."
        def draw(self, rng, samples, rate): return {{}}
        def apply(self, waveform, rate, draw): return waveform
        def describe(self, draw): return "own"

    quiet = audioft.Console(quiet=True)
    own = {{"augment": ["own"], "data.workers": 1}}
    for call in (
        lambda: audioft.finetune({data!r}, encoder={encoder!r}, out="runs/a", overrides=own, console=quiet),
        lambda: audioft.pretrain({data!r}, out="encoders/a", start={encoder!r}, overrides=own, console=quiet),
    ):
        try:
            call()
        except audioft.errors.UsageError as e:
            print(e)
"""


def test_a_run_that_needs_a_guard_is_refused_before_anything_is_written(two_tones, small_encoder, tmp_path):
    text = AUGMENTED.format(data=str(two_tones), encoder=str(small_encoder))
    before = makers.files(two_tones)
    done = script(tmp_path, "spawn", text)
    assert done.returncode == 0, done.stderr
    assert [line.split(" (")[0] for line in done.stdout.splitlines()] == ["worker processes begin anew here"] * 2
    assert done.stdout.count(f"write `{GUARD}`") == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["script.py"], "no run folder, nor one above it"
    assert makers.files(two_tones) == before


def test_at_a_prompt_it_is_said(monkeypatch):
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda: "spawn")
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)
    with pytest.raises(UsageError, match="in a notebook or at a prompt"), workers.started(lambda: None):
        pass


@pytest.mark.parametrize(
    ("text", "guarded"),
    [
        ("import a\n", False),
        ("def f():\n    if __name__ == 'x':\n        pass\n", False),
        ("if __name__ == '__main__':\n    f()\n", True),
        ("if '__main__' == __name__ and True:\n    f()\n", True),
        ("not python at all", True),
    ],
)
def test_a_guard_is_seen(text, guarded, tmp_path):
    (tmp_path / "s.py").write_text(text)
    assert workers.has_guard(str(tmp_path / "s.py")) == guarded


class TestWhatWorkersAreGiven:
    """As if processes were spawned: whatever a run gives to them can be sent to a process that knows no script."""

    @pytest.fixture(autouse=True)
    def spawned(self, monkeypatch, tmp_path):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # or another test has filled it
        asked = []

        def refused(given):
            asked.append(type(given).__name__)
            return real(given)

        real = workers._refused
        monkeypatch.setattr(multiprocessing, "get_start_method", lambda: "spawn")
        monkeypatch.setattr(workers, "_refused", refused)
        yield
        assert asked, "no worker was started"

    @pytest.mark.parametrize(
        "settings",
        [
            {"augment": ["gain", "noise", "reverb", "speed", "pitch"]},
            {"mixup": {"alpha": 0.4}},
            {"freeze": "all"},
            {"cache.audio": True},
        ],
        ids=str,
    )
    def test_in_training(self, settings, two_tones, small_encoder, tmp_path):
        given = {k.replace(".", "__"): v for k, v in settings.items()}
        makers.train(two_tones, small_encoder, tmp_path / "run", data__workers=1, **given)

    @pytest.mark.slow
    def test_in_pretraining(self, two_tones, tmp_path):
        small_pretraining.pretrain(two_tones, tmp_path / "enc", overrides={"data.workers": 1})
