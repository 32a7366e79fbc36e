"""Whether the program calls home."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import makers

from torture.outcome import Outcome

WATCHED = Path(__file__).parents[1] / "no_network"


def calls_home(place: Path, every: int = 1) -> Outcome:
    """Row 13: with every address but local ones refused, no command asks for one, in whatever thread.

    The hub's client is as it is by default, not told to be offline.

    Args:
        place: a folder.
        every: take every so many commands.
    """
    found = Outcome()
    data, encoder, run = makers.tones(place / "tones", 6), makers.encoder(place / "encoder"), place / "run"
    quick = [*makers.QUICK_ARGUMENTS, "train.device=cpu"]
    commands = (
        ("train", data, "--encoder", encoder, "--out", run, *quick),
        ("train", data, "--encoder", "mini", "--out", place / "mini", "train.tensorboard=true", *quick[1:3]),
        ("train", data, "--from", run, "--out", place / "further", *quick),
        ("evaluate", run, data, "--out", place / "evaluated"),
        ("predict", run, data, "--out", place / "labels.csv"),
        ("predict", run, data, "--what", "segments"),
        ("probe", data, "--encoders", encoder, "--out", place / "probe"),
        ("enroll", "mini", place / "tones", "--out", place / "voices"),
        ("doctor",),
    )[::every]
    attempts = place / "attempts"
    env = {k: v for k, v in os.environ.items() if k != "HF_HUB_OFFLINE"}
    env |= {"PYTHONPATH": os.pathsep.join((str(WATCHED), *sys.path)), "AUDIOFT_ATTEMPTS": str(attempts)}
    for command in commands:
        call = [sys.executable, "-m", "audioft", *map(str, command)]
        done = subprocess.run(call, env=env, capture_output=True, text=True, check=False)
        tried = attempts.read_text() if attempts.exists() else ""
        attempts.unlink(missing_ok=True)
        found.count(not tried and "Traceback" not in done.stderr, f"{command[0]}: {tried}{done.stderr[-500:]}")
    asked = subprocess.run(
        [sys.executable, "-m", "audioft", "doctor", "--online"], env=env, capture_output=True, text=True, check=False
    )
    watched = attempts.exists()  # or the watch would see nothing at all
    found.count(watched and "cannot be reached" in asked.stdout, f"doctor --online: {asked.stdout[-300:]}")
    found.told = f"{len(commands)} commands, none asks; doctor --online alone does"
    return found
