"""What every test runs under: no network, one thread, a cache of its own; and the tiny things many tests share."""

import atexit
import gc
import os
import runpy
import shutil
import sys
import tempfile
from pathlib import Path

import hypothesis
import pytest

# how long a call takes depends on what else the machine does; where it matters it is measured
hypothesis.settings.register_profile("any machine", deadline=None, max_examples=60)
hypothesis.settings.load_profile("any machine")

gc.disable()  # until all is imported and collected: nothing of it is garbage

HERE = Path(__file__).parent
CACHE = tempfile.mkdtemp(prefix="audioft-tests-")
atexit.register(shutil.rmtree, CACHE, ignore_errors=True)
os.environ |= {
    "XDG_CACHE_HOME": CACHE,
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
sys.path.insert(0, str(HERE))  # for tiny.py, checks.py
# every address but local ones is refused, in this process and in those it starts, and who asked is written down
os.environ.setdefault("AUDIOFT_ATTEMPTS", os.path.join(CACHE, "attempts"))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(HERE / "no_network"), os.environ.get("PYTHONPATH"))))
runpy.run_path(str(HERE / "no_network" / "sitecustomize.py"))


def pytest_collection_finish():
    """What was imported and collected stays to the end: nobody looks through it for garbage again and again."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 10)
    gc.enable()


def pytest_sessionfinish(session):
    """The suite fails where anything asked for an address of the network, in whatever thread or process."""
    attempts = Path(os.environ["AUDIOFT_ATTEMPTS"])
    if attempts.exists():
        session.exitstatus = 1
        print(f"\nsomething asked for the network:\n{attempts.read_text(encoding='utf-8')[:5000]}", file=sys.stderr)


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory):
    """`encoder_folder(kind)`: a tiny encoder on disk as the hub has it, made once; not to be changed."""
    import tiny

    made = {}

    def folder(kind: str, **settings) -> Path:
        key = (kind, *sorted(settings.items()))
        if key not in made:
            made[key] = tiny.save_encoder(tmp_path_factory.mktemp(kind), kind, **settings)
        return made[key]

    return folder


@pytest.fixture(scope="session")
def tones(tmp_path_factory) -> Path:
    """A folder of recordings, one folder a label; not to be changed."""
    import tiny

    return tiny.save_tones(tmp_path_factory.mktemp("tones"))


@pytest.fixture(scope="session")
def small_encoder(tmp_path_factory) -> Path:
    """Two layers in the hub's format, on which a run takes a second."""
    import makers

    return makers.encoder(tmp_path_factory.mktemp("encoder") / "tiny")


@pytest.fixture(scope="session")
def two_tones(tmp_path_factory) -> Path:
    """Two classes of six recordings; not to be changed."""
    import makers

    return makers.tones(tmp_path_factory.mktemp("two") / "tones")


@pytest.fixture(scope="session")
def chords(tmp_path_factory) -> Path:
    """A table with several labels a clip, partly unknown; not to be changed."""
    import makers

    return makers.chords(tmp_path_factory.mktemp("several") / "chords")


@pytest.fixture(scope="session")
def trained(two_tones, small_encoder, tmp_path_factory):
    """A run on `two_tones`; not to be changed."""
    import makers

    return makers.train(two_tones, small_encoder, tmp_path_factory.mktemp("runs") / "tones")


@pytest.fixture(scope="session")
def trained_several(chords, small_encoder, tmp_path_factory):
    """A multi-label run on `chords`, with a head that transformers does not know; not to be changed."""
    import makers

    out = tmp_path_factory.mktemp("runs") / "chords"
    return makers.train(chords, small_encoder, out, train__epochs=2, model__head="linear")


@pytest.fixture
def audioft_command(capsys):
    """`audioft_command(*arguments) -> (code, stdout, stderr)`: the real command, in this process."""
    from audioft.cli import main

    def call(*arguments) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            code = main([str(a) for a in arguments])
        except SystemExit as e:
            code = int(e.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def refused(audioft_command):
    """Call the command; it must end with this code and one message on standard error that holds all of `said`."""

    def call(*arguments, code: int, said: tuple[str, ...]) -> str:
        got, out, err = audioft_command(*arguments)
        assert got == code, err
        assert "Traceback" not in err
        assert out.strip() in ("", "path,label,score")
        for part in said:
            assert part in err, err
        messages = [line for line in err.splitlines() if line.startswith(("audioft: ", "audioft train: error"))]
        assert len(messages) == 1, err
        return err

    return call


@pytest.fixture
def train(refused, small_encoder, tmp_path):
    """`train` with a quick encoder into `tmp_path/out`, refused."""
    import makers

    def call(data, *more, code: int, said: tuple[str, ...]) -> str:
        out = () if "--out" in more else ("--out", tmp_path / "out")
        quick = ("--encoder", small_encoder, *makers.QUICK_ARGUMENTS)
        err = refused("train", data, *quick, *out, *more, code=code, said=said)
        assert not (tmp_path / "out" / "model").exists()
        return err

    return call


@pytest.fixture
def train_arguments(small_encoder):
    """Of the command, for a quick run."""
    import makers

    return ("--encoder", small_encoder, *makers.QUICK_ARGUMENTS)
