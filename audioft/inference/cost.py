"""What models cost: seconds of a processor for a minute of sound, memory, and size on disk.

Times of models that are taken one after the other differ by what else the machine does meanwhile. So each goes over the
same sounds in turn, round by round, each round beginning with another one, and the median over the rounds counts. The
sounds lie in memory: reading and decoding them is no part of it. What counts is the processor's time, of all threads;
on a GPU it is the clock's.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import audioft
from audioft.audio import isolated_decoder
from audioft.audio.sounds import Sound
from audioft.core import runtime
from audioft.core.progress import Console
from audioft.data.clip import Clip
from audioft.errors import AudioError
from audioft.inference.predictor import Predictor
from audioft.models.architecture import count

SECONDS = 60.0  # of sound that each round goes over, at most
CLIPS = 12
LONGEST = 30.0  # seconds of a clip


@dataclass(frozen=True)
class Cost:
    """What a model costs.

    Attributes:
        size_bytes: of the files in its folder.
        parameters: how many it has.
        seconds_per_minute: of a processor, or of the clock on a GPU; None where it was not measured.
        rounds: the same in each round.
        peak_bytes: memory that opening it and scoring takes at most, on a GPU that of the GPU; None where it was not
            measured, or cannot be.
    """

    size_bytes: int
    parameters: int
    seconds_per_minute: float | None = None
    rounds: tuple[float, ...] = ()
    peak_bytes: int | None = None


@dataclass(frozen=True)
class Order:
    """What a process of its own opens and scores, see `peak_of`."""

    folder: Path
    device: str
    precision: str
    batch_seconds: float | None
    sounds: tuple[Sound, ...]


def costs(models: Sequence[Predictor], clips: Sequence[Clip], rounds: int, console: Console) -> list[Cost]:
    """What each model costs, by some of the clips; without `rounds` neither time nor memory is measured."""
    sizes = [(size_of(p.folder), count(p.model)) for p in models]
    sounds = some_sounds(clips) if rounds else ()
    if not sounds:
        return [Cost(*own) for own in sizes]
    with console.job("timing", rounds + 1) as job:
        times = timed(models, sounds, rounds, job.at)
    minutes = sum(len(s.samples) / s.rate for s in sounds) / 60
    found = []
    with console.job("measuring memory", len(models)) as job:
        for number, (p, own, took) in enumerate(zip(models, sizes, times, strict=True)):
            each = tuple(seconds / minutes for seconds in took)
            order = Order(p.folder, str(_device(p)), p.precision, p.batch_seconds, sounds)
            found.append(Cost(*own, float(np.median(each)), each, peak_of(order)))
            job.at(number + 1)
    return found


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder, that of a link being its file's."""
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def some_sounds(clips: Sequence[Clip]) -> tuple[Sound, ...]:
    """Clips from the first to the last, evenly, up to `SECONDS` of them; those that cannot be read are left out."""
    found: list[Sound] = []
    heard = 0.0
    for clip in clips[:: max(1, len(clips) // CLIPS)][:CLIPS]:
        try:
            rate = isolated_decoder.probe(clip.path).rate
            samples = next(isolated_decoder.stream(clip.path, None, clip.start, clip.end, LONGEST))
        except (AudioError, StopIteration):
            continue
        if heard and heard + len(samples) / rate > SECONDS:
            break
        found.append(Sound(samples, rate, clip.name))
        heard += len(samples) / rate
    return tuple(found)


def timed(models: Sequence[Predictor], sounds: Sequence[Sound], rounds: int, progress: Any) -> list[list[float]]:
    """Seconds that each model takes for all the sounds, in each round; what is done once only comes before."""
    times: list[list[float]] = [[] for _ in models]
    for number in range(rounds + 1):
        for k in range(len(models)):
            which = (k + number) % len(models)
            clock = time.perf_counter if _device(models[which]).type == "cuda" else time.process_time
            began = clock()
            list(models[which].scores(sounds))
            if number:
                times[which].append(clock() - began)
        progress(number + 1)
    return times


def peak_of(order: Order) -> int | None:
    """The memory that opening a model and scoring takes, measured in a process of its own; None where it cannot be.

    A process's peak hides that of whatever comes after a larger model.
    """
    path = os.pathsep.join([str(Path(audioft.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-P", "-m", "audioft.inference.cost"],
        input=pickle.dumps(order),
        capture_output=True,
        env=os.environ | {"PYTHONPATH": path.rstrip(os.pathsep)},
        check=False,
    )
    try:
        return json.loads(done.stdout.splitlines()[-1])["peak_bytes"]
    except (IndexError, ValueError, KeyError, TypeError):
        return None


def _device(predictor: Predictor) -> Any:
    return next(predictor.model.parameters()).device


def main() -> None:
    order = pickle.load(sys.stdin.buffer)
    before = runtime.memory("VmRSS")
    predictor = Predictor(
        order.folder, device=order.device, precision=order.precision, batch_seconds=order.batch_seconds
    )
    list(predictor.scores(order.sounds))
    if order.device.startswith("cuda"):
        import torch

        peak: int | None = int(torch.cuda.max_memory_allocated())
    else:
        highest = runtime.memory("VmHWM")
        peak = None if before is None or highest is None else highest - before
    print(json.dumps({"peak_bytes": peak}), flush=True)


if __name__ == "__main__":
    from audioft.inference import cost  # an Order is of the module by its name, not of `__main__`

    cost.main()
