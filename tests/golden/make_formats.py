"""Makes `formats/`: one of everything that audioft writes and reads again, and what it said of it when it was written.

    git worktree add /tmp/older 28eb343
    cd /tmp/older && PYTHONPATH=/tmp/older:/tmp/older/tests OMP_NUM_THREADS=1 \\
        python CLONE/tests/golden/make_formats.py CLONE/tests/golden/formats

The files at hand were made by audioft at commit 28eb343, before its folders were moved, with the versions that
`formats/expected.json` names. They are what somebody may have on the disk: `tests/test_older_formats.py` loads them.
Do not make them anew to let that test pass, but when a format is given up on purpose.

Everything is made below `PLACE`, whose name is in the configs. The sounds are tones with a little noise.
"""

from __future__ import annotations

import contextlib
import csv
import importlib.metadata
import io
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import format_settings as chosen
from format_settings import PLACE
from format_sounds import sounds


def main(target: Path) -> None:
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir()
    os.chdir(PLACE)
    os.environ |= {"XDG_CACHE_HOME": str(PLACE / "not kept"), "HF_HUB_OFFLINE": "1", "FORMATS": str(PLACE)}
    sounds()
    encoders()
    runs()
    models()
    expected: dict[str, Any] = {
        "versions": versions(),
        "scores": {p.name: scores(p) for p in [PLACE / "run_finished", *sorted((PLACE / "models").iterdir())]},
        "verdict": [verdict()],
        "speakers": speakers(),
        "pretraining": pretraining(),
        "pretrained": scores(PLACE / "on_pretrained"),
    }
    expected |= caches()
    tables()
    rendered()
    (PLACE / "expected.json").write_text(spelled(expected), encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(PLACE, target, ignore=lambda folder, names: left_out(Path(folder), names))


def spelled(expected: dict[str, Any]) -> str:
    """JSON, a line for every entry of an entry."""
    parts = []
    for key, value in expected.items():
        if isinstance(value, dict):
            inner = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in value.items()]
        else:
            inner = [json.dumps(v) for v in value]
        begin, end = "{}" if isinstance(value, dict) else "[]"
        parts.append(f" {json.dumps(key)}: {begin}\n  " + ",\n  ".join(inner) + f"\n {end}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def left_out(folder: Path, names: list[str]) -> list[str]:
    """What is not kept: what the rest was only made from, and what nothing reads again."""
    unread = {"report.html", "pretraining.png", ".in-use", ".trimming", ".lock", "README.md"}
    working = {"not kept", "made", "chords", "events", "spectra", "frozen", "decoded", "probe", "on_pretrained"}
    below = {PLACE: working, PLACE / "encoder_pretrained": {"pretraining"}}
    below[PLACE / "pretraining_stopped" / "pretraining" / "round-1"] = {"checkpoints"}
    return [n for n in names if n in unread | below.get(folder, set())]


def audioft(*arguments: object) -> None:
    """The command."""
    from audioft.cli import main as command

    code = command([str(a) for a in arguments])
    if code:
        raise SystemExit(f"audioft {' '.join(map(str, arguments))}: code {code}")


def train(out: str, data: str, encoder: str, **settings: Any) -> None:
    given = chosen.QUICK | {k.replace("__", "."): v for k, v in settings.items()}
    audioft("train", data, "--encoder", encoder, "--out", out, *(f"{k}={json.dumps(v)}" for k, v in given.items()))


class Killed(BaseException):
    """What ends a run here, after a checkpoint."""


def killed(step: int, folder: str, call: Callable[[], None]) -> None:
    """Call something that trains, and end it as soon as the checkpoint of a step is there.

    Args:
        step: the step.
        folder: the name of the folder in which the checkpoints lie.
        call: it.
    """
    from audioft.training.checkpoint import Checkpoints

    save = Checkpoints.save

    def save_and_end(self: Any, model: Any, optimizer: Any, state: Any) -> Any:
        path = save(self, model, optimizer, state)
        if (self.folder.parent.name, state.step) == (folder, step):
            raise Killed
        return path

    Checkpoints.save = save_and_end  # type: ignore[method-assign]
    try:
        call()
    except Killed:
        return
    finally:
        Checkpoints.save = save  # type: ignore[method-assign]
    raise SystemExit("it was not killed")


def versions() -> dict[str, str]:
    names = ("torch", "transformers", "peft", "safetensors", "numpy")
    return {"python": sys.version.split()[0]} | {n: importlib.metadata.version(n) for n in names}


def encoders() -> None:
    """One of waveforms, and one of spectra, of which the model folder keeps how they are made."""
    import makers
    import tiny

    makers.encoder(PLACE / "encoder")
    tiny.save_encoder(PLACE / "spectra", "ast", num_hidden_layers=1, hidden_size=16, intermediate_size=32)


def runs() -> None:
    """The same run twice, to its end, and killed. Its model is in transformers' layout."""
    train("run_finished", "sounds/tones", "encoder", **chosen.DRAWN)
    killed(chosen.STOPPED_AFTER, "run_stopped", lambda: train("run_stopped", "sounds/tones", "encoder", **chosen.DRAWN))


def models() -> None:
    """A model folder of every layout."""
    short = {"train.epochs": 3, "train.head_lr": 2e-2}
    attentive, mlp = {"name": "attentive_stats", "bottleneck": 8}, {"name": "mlp", "size": 16}
    train("made/own", "sounds/tones", "encoder", **short, model__layers="weighted", model__pooling=attentive,
          model__head=mlp)  # fmt: skip
    train("made/adapter", "sounds/tones", "encoder", **short, adapt={"name": "lora", "r": 2, "save": "adapter"},
          train__lr=2e-2)  # fmt: skip
    train("made/several", "chords", "spectra", **short, model__head="linear", data__max_seconds=2.0, freeze="none",
          train__lr=5e-3)  # fmt: skip
    # so that the shortest event it keeps, which the model folder says, leaves one out of the new recordings
    train("made/events", "events", "encoder", **short | {"train.head_lr": 3e-2}, seed=1, events__use="frames",
          data__max_seconds=1.0)  # fmt: skip
    audioft("train", "sounds/tones", "--few-shot", "--encoder", "encoder", "--out", "made/prototypes", *chosen.FITTED)
    (PLACE / "models").mkdir()
    for made in sorted((PLACE / "made").iterdir()):
        shutil.copytree(made / "model", PLACE / "models" / made.name)


def scores(model: Path) -> dict[str, Any]:
    """What a model says of the new recordings: of each as a whole, of its windows, and its segments."""
    import audioft as package

    predictor = package.load_model(model)
    found = {}
    for p in package.predict(predictor, "sounds/new"):
        timeline = predictor.timeline(p.path)
        found[Path(p.path).name] = {
            "scores": p.scores,
            "labels": list(p.labels),
            "windows": timeline.windows.scores.round(7).tolist(),
            "segments": [[e.label, e.start, e.end, e.score] for e in timeline.segments()],
        }
    return found


def verdict() -> str:
    """Whether two recordings are of one speaker, by a threshold that was chosen on trials and is kept in the model."""
    audioft("trials", "sounds/tones", "--out", "trials.csv")
    audioft("verify", "models/prototypes", "--trials", "trials.csv", "--store")
    os.remove("trials.csv")
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        audioft("verify", "models/prototypes", *chosen.PAIR)
    return said.getvalue()


def speakers() -> list[list[Any]]:
    """Two that are enrolled, and a cohort; who is heard in the recordings of the test side, and in others."""
    model, data = PLACE / "models" / "prototypes", PLACE / "sounds" / "tones"
    for who in ("high", "low"):
        audioft("enroll", model, who, *sorted((data / "train" / who).glob("*.flac"))[:1])
    audioft("enroll", model, "high", *sorted((data / "train" / "high").glob("*.flac"))[1:], "--add", "--cohort",
            data / "valid")  # fmt: skip
    audioft("identify", model, data / "test", data.parent / "new", "--threshold", "0.5", "--out", "identified.csv")
    with open("identified.csv", encoding="utf-8", newline="") as file:
        found = [[Path(r["path"]).name, r["speaker"], float(r["score"]), r["nearest"]] for r in csv.DictReader(file)]
    os.remove("identified.csv")
    return found


def pretraining() -> list[dict[str, Any]]:
    """The same pretraining twice, to its end, and killed; the recordings lie where a variable says."""

    def pretrain(out: str) -> None:
        settings = [f"{k}={json.dumps(v)}" for k, v in chosen.PRETRAINED.items()]
        audioft("pretrain", "$FORMATS/sounds/tones", "--out", out, *settings)

    pretrain("encoder_pretrained")
    killed(chosen.PRETRAINING_STOPPED_AFTER, "round-2", lambda: pretrain("pretraining_stopped"))
    audioft(
        "train",
        "sounds/tones",
        "--few-shot",
        "--encoder",
        "encoder_pretrained",
        "--out",
        "on_pretrained",
        *chosen.FITTED,
    )
    return rows(PLACE / "encoder_pretrained" / "pretraining" / "round-2")


def rows(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def caches() -> dict[str, Any]:
    """What the checking pass found, decoded clips, frozen states and embeddings, each of a run that is not kept."""
    os.environ["XDG_CACHE_HOME"] = str(PLACE / "caches")
    train("frozen", "sounds/tones", "encoder", **chosen.FROZEN)
    train("decoded", "sounds/tones", "encoder", **chosen.DECODED)
    audioft(
        "probe",
        "sounds/tones",
        "--encoders",
        "encoder",
        "--out",
        "probe",
        f"data.max_seconds={chosen.PROBED_SECONDS}",
    )
    os.environ["XDG_CACHE_HOME"] = str(PLACE / "not kept")
    for name in ("frozen", "decoded"):
        shutil.copy(PLACE / name / "config.yaml", PLACE / "caches" / f"{name}.yaml")
    return {"frozen": rows(PLACE / "frozen"), "decoded": rows(PLACE / "decoded")}


def tables() -> None:
    """Predictions of all recordings, and what happens in them when; the last rows of both were not written."""
    (PLACE / "tables").mkdir()
    audioft("predict", "run_finished", "sounds/tones/test", "sounds/new", "--out", "tables/labels.csv")
    timed = ("--what", "windows", "--all-scores", "--hop", "0.1")
    audioft("predict", "models/own", "sounds/new", "sounds/tones/test", *timed, "--out", "tables/windows.csv")
    for name, rows_kept in (("labels", 2), ("windows", 4)):
        whole = (PLACE / "tables" / f"{name}.csv").read_text(encoding="utf-8").splitlines(keepends=True)
        (PLACE / "tables" / f"{name}_whole.csv").write_text("".join(whole), encoding="utf-8")
        broken = [*whole[: rows_kept + 1], whole[rows_kept + 1][:9]]
        (PLACE / "tables" / f"{name}.csv").write_text("".join(broken), encoding="utf-8")


def rendered() -> None:
    import audioft as package

    package.render("sounds/tones/test", "rendered", augment=chosen.AUGMENTED, seed=3)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
