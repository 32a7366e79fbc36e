"""The rows of the table, each a few processes of both sides, one after the other in turn."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from . import clips, ours, processes, settings, table
from .processes import Ran, run

HERE = Path(__file__).parent
LABEL_AND_TIME = """
import sys, time, audioft
model = audioft.load_model(sys.argv[1])
began = time.monotonic()
count = sum(p.error is None for p in audioft.predict(model, sys.argv[2]))
open(sys.argv[3], "w").write(f'{{"clips": {count}, "seconds": {time.monotonic() - began}}}')
"""


class Bench:
    """Makes what the rows need once, and runs them.

    Args:
        place: an empty folder for data, models and runs.
        sizes: how much of everything.
        shape: of the encoder's config, or the name of one to take instead.
        real: a folder of ESC-10 with its `metadata.csv`; None for sounds that are made here.
    """

    def __init__(self, place: Path, sizes: settings.Sizes, shape: dict[str, Any] | str, real: Path | None):
        self.place, self.sizes, self.real = place, sizes, real
        self.encoder = shape if isinstance(shape, str) else str(clips.make_encoder(place / "encoder", shape))
        self._count = 0

    def row(self, name: str) -> dict[str, Any]:
        """A row by its name in `settings.ROWS`."""
        if name in settings.TRAININGS:
            return self.training(name, settings.TRAININGS[name])
        if name in settings.LABELLINGS:
            return self.labelling(name, settings.LABELLINGS[name])
        return {"hundredfold": self.hundredfold, "step": self.step}[name]()

    def training(self, name: str, row: settings.Training) -> dict[str, Any]:
        """Both train: pairs of runs, one after the other, and beside the first of them the opponent's defaults."""
        score, s = row.encoder == "mini", self.sizes
        epochs = s.score_epochs if score else s.epochs or row.epochs
        sides = (s.score_train, s.score_valid) if score else (s.train, s.valid)
        data = self._data(row.clips, *sides)
        encoder = "mini" if score else self.encoder
        given = ours.training_settings(row, epochs, sides[0])
        begin = ours.initial(data, encoder, given, self._new("initial"))
        task = {
            "do": "train",
            "model": str(begin),
            "data": str(data),
            "freeze": row.freeze,
            "epochs": epochs,
            "lr": row.lr,
            "batch": settings.BATCH,
            "max_seconds": settings.OURS["data.max_seconds"],
            "warmup": settings.WARMUP,
            "decay": settings.DECAY,
            "betas": settings.BETAS,
            "bf16": native_bf16(),
        }

        def our_run() -> Ran:
            out = self._new("run")
            return replace(run(ours.train_command(data, encoder, out, given)), found=ours.trained(out))

        def best() -> Ran:
            return self._opponent(task | {"best": True, "out": str(self._new("trainer"))})

        def plain() -> Ran:
            return self._opponent(task | {"best": False, "out": str(self._new("trainer"))})

        runs = self._alternate(name, s.pairs or row.pairs, our_run, best, plain)
        return summary(name, row.title, row.floors, runs) | {
            "epochs": epochs,
            "clips": sides,
            "settings": {k: str(v) for k, v in given.items()},
            "same score": table.same_score(*(runs[side][0].found for side in ("ours", "best"))),
        }

    def labelling(self, name: str, row: settings.Labelling) -> dict[str, Any]:
        """Both label a folder, the opponent in its fastest batch; it also says one at a time what is right."""
        folder, model = self._to_label()
        task = {"do": "label", "model": str(model), "folder": str(folder), "best": True}

        def one_pass(batch: int, precision: str = row.precision, by_length: bool = False) -> dict[str, Any]:
            return {"batch": batch, "precision": precision, "sorted": by_length}

        sizes = self.sizes.batches
        truth = [] if row.precision == "fp32" else [one_pass(1, "fp32")]  # else it is the last pass anyway
        passes = [one_pass(sizes[0], by_length=True), *(one_pass(b) for b in sizes), *truth]
        tried = self._opponent(task | {"passes": passes}).found
        seconds = dict(zip(sizes, tried["seconds"][1:], strict=False))
        fastest = min(seconds, key=seconds.__getitem__)

        def our_run() -> Ran:
            out = self._new("labels").with_suffix(".csv")
            ran = run(ours.label_command(model, folder, out, row.precision))
            return replace(ran, found=table.agreement(ours.labelled(out, folder), tried["scores"]))

        def best() -> Ran:
            return replace(self._opponent(task | {"passes": [one_pass(fastest)]}), found={})

        def plain() -> Ran:
            return replace(self._opponent(task | {"best": False, "passes": [one_pass(1, "fp32")]}), found={})

        runs = self._alternate(name, self.sizes.pairs or row.pairs, our_run, best, plain)
        return summary(name, row.title, row.floors, runs) | {
            "clips": self.sizes.label,
            "pipeline seconds by batch": seconds,
            "and of files sorted by length": {sizes[0]: tried["seconds"][0]},
            "agreement": runs["ours"][0].found,
        }

    def hundredfold(self) -> dict[str, Any]:
        """Time a clip and memory of audioft at so many clips and at 100 times as many, with a small encoder."""
        few, many = self.sizes.few, self.sizes.few * self.sizes.times
        found: dict[str, list[float]] = {}
        encoder = str(clips.make_encoder(self.place / "small", settings.SMALL))
        for count in (few, many):
            say(f"  {count} clips")
            data, out = clips.make_short(self._new("short"), count), self._new("run")
            given = settings.OURS | {"train.epochs": 1, "train.log_every": 2, "train.tensorboard": False}
            ran = run(ours.train_command(data, encoder, out, given))
            found.setdefault("train: ms a clip", []).append(1e3 * ours.seconds_a_clip(out))
            found.setdefault("train: MB", []).append(ran.peak_mb)
            told = self._new("told")
            ran = run([sys.executable, "-c", LABEL_AND_TIME, str(out / "model"), str(data), str(told)])
            said = processes.result(told)
            found.setdefault("predict: ms a clip", []).append(1e3 * said["seconds"] / said["clips"])
            found.setdefault("predict: MB", []).append(ran.peak_mb)
        title, grown = f"{many} clips instead of {few}", {k: b / a for k, (a, b) in found.items()}
        return {"row": "hundredfold", "title": title, "figures": found, "grown": grown}

    def step(self) -> dict[str, Any]:
        """The share of the machine's matrix-product speed that a step of the row `equal` reaches."""
        row = settings.TRAININGS["equal"]
        count = max(3 * settings.BATCH, self.sizes.train)  # an epoch's first step is not timed
        data = self._data("equal", count, self.sizes.valid)
        given = ours.training_settings(row, 4, count)
        task = {"data": str(data), "encoder": self.encoder, "settings": given, "out": str(self._new("run"))}
        ran = self._process(HERE / "step.py", task)
        return {"row": "step", "title": "share of the matrix-product speed", **ran.found}

    def _alternate(self, name: str, pairs: int, *sides: Callable[[], Ran]) -> dict[str, list[Ran]]:
        runs: dict[str, list[Ran]] = {"ours": [], "best": [], "defaults": []}
        for pair in range(pairs):
            for side, one in zip(runs, sides, strict=True):
                if side == "defaults" and pair >= self.sizes.defaults:
                    continue
                runs[side].append(one())
                say(f"  {name} {pair + 1}/{pairs}, {side}: {runs[side][-1].seconds:.1f} s")
        return runs

    def _opponent(self, task: dict[str, Any]) -> Ran:
        return self._process(HERE / "opponent.py", task)

    def _process(self, script: Path, task: dict[str, Any]) -> Ran:
        place = self._new("task")
        written = ours.write_task(place.with_suffix(".json"), task)
        ran = run([sys.executable, str(script), str(written), str(place.with_suffix(".result"))])
        return replace(ran, found=processes.result(place.with_suffix(".result")))

    def _data(self, kind: str, train: int, valid: int) -> Path:
        folder = self.place / f"{kind}-{train}-{valid}"
        return folder if folder.exists() else clips.make_sides(folder, kind, train, valid, self.real)

    def _to_label(self) -> tuple[Path, Path]:
        folder, model = self.place / "to-label", self.place / "fitted"
        if not folder.exists():
            clips.make_side(folder, "mixed", self.sizes.label, seed=5)
            data = self._data("mixed", self.sizes.train, self.sizes.valid)
            ours.initial(data, self.encoder, settings.OURS, model, fit=True)
        return folder, model

    def _new(self, name: str) -> Path:
        self._count += 1
        return self.place / f"{name}-{self._count}"


def summary(name: str, title: str, floors: tuple[float, float] | None, runs: dict[str, list[Ran]]) -> dict[str, Any]:
    """Ratios of the whole times as medians over the pairs, and all runs."""
    ratios = {
        side: [theirs.seconds / mine.seconds for mine, theirs in zip(runs["ours"], runs[side], strict=False)]
        for side in ("best", "defaults")
    }
    inner = [
        b.found["training_seconds"] / a.found["training_seconds"]
        for a, b in zip(runs["ours"], runs["best"], strict=True)
        if "training_seconds" in a.found
    ]
    return {
        "row": name,
        "title": title,
        "floors": floors,
        "ratio": {side: statistics.median(found) for side, found in ratios.items() if found},
        "ratios": ratios,
        "ratio of training alone": statistics.median(inner) if inner else None,
        "runs": {side: [asdict(r) for r in found] for side, found in runs.items()},
    }


def native_bf16() -> bool:
    """Whether this machine computes in bfloat16 natively."""
    from audioft.core.runtime import choose_precision, find_device

    return choose_precision("auto", find_device("auto")) == "bf16"


def machine() -> dict[str, Any]:
    """What the table was measured on."""
    import platform

    import transformers

    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
    return {
        "processor": _processor() or platform.processor(),
        "threads": torch.get_num_threads(),
        "gpu": gpu,
        "bfloat16": "native" if native_bf16() else "not native",
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def say(text: str) -> None:
    """A line of progress, on standard error."""
    print(text, file=sys.stderr, flush=True)
