"""Make synthetic speech and sounds to pretrain an encoder on: python samples/make_pretraining.py --out DIR.

README.md names the synthesisers; one that is missing is told and left out. Stopped and started again, it goes on.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from mixing import rng, write
from pretraining_sounds import clip as sounds
from pretraining_speech import Voice, found
from pretraining_speech import clip as speech

Job = tuple[str, int, float]  # speech or sounds, index, seconds
LENGTHS = (3.0, 10.0)  # seconds


def plan(kind: str, minutes: float) -> Iterator[Job]:
    """As many clips as make up `minutes`."""
    total, i = 0.0, 0
    while total < 60 * minutes:
        seconds = float(rng("pretraining", kind, i, "length").uniform(*LENGTHS))
        yield kind, i, seconds
        total, i = total + seconds, i + 1


@dataclass(frozen=True)
class Making:
    """Makes one clip, named after its index and who or what is heard."""

    out: Path
    there: dict[str, list[Voice]]

    def __call__(self, job: Job) -> float:
        """The seconds that were made."""
        kind, i, seconds = job
        g = rng("pretraining", kind, i)
        name, sound = speech(g, seconds, self.there) if kind == "speech" else sounds(g, i, seconds)
        if not np.all(np.isfinite(sound)):
            raise ValueError(f"{kind} {i} ({name}) is not finite")
        unfinished = self.out / kind / f".{i:05d}.ogg"
        write(unfinished, sound, quality=0.5)
        unfinished.rename(self.out / kind / f"{i:05d}_{name}.ogg")
        return seconds


def main() -> None:
    """Make what is not in `--out` yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="gets speech/*.ogg and sounds/*.ogg")
    parser.add_argument("--speech-minutes", type=float, default=120.0)
    parser.add_argument("--sound-minutes", type=float, default=120.0)
    parser.add_argument("--workers", type=int, default=2, help="processes (default: 2)")
    args = parser.parse_args()
    there, missing = found()
    if args.speech_minutes > 0:
        for line in missing:
            print(f"left out, as it is not installed: {line}", file=sys.stderr)
        if not there:
            sys.exit("error: there is no synthesiser at all; at least: apt-get install espeak-ng")
    jobs = [*plan("speech", args.speech_minutes), *plan("sounds", args.sound_minutes)]
    have = {(p.parent.name, int(p.name[:5])) for p in args.out.glob("*/[0-9]*_*.ogg")}
    # Both kinds from the start on, so that a run that was cut short is of use.
    jobs = sorted((job for job in jobs if job[:2] not in have), key=lambda job: job[1])
    start, done, every = time.monotonic(), 0.0, sum(seconds for *_, seconds in jobs)
    with Pool(args.workers) as pool:
        for n, seconds in enumerate(pool.imap_unordered(Making(args.out, there), jobs), 1):
            done += seconds
            left = (time.monotonic() - start) * (every / done - 1)
            print(f"\r{n}/{len(jobs)} clips, {done / 60:.1f} min made, {left:.0f} s left ", end="", flush=True)
    print(
        f"\n{every / 60:.1f} min in {time.monotonic() - start:.0f} s; with what was there {len(jobs) + len(have)} clips"
    )


if __name__ == "__main__":
    main()
