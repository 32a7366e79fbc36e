"""The steps of `audioft auto`, one after another; each is on the disk before the next one begins."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

from audioft.core.progress import Console, about, spell_seconds
from audioft.errors import AudioftError
from audioft.tasks.auto import encoder_choice, first_model, joining, look, measuring, outlook, page, result
from audioft.tasks.auto import settings_search as settings
from audioft.tasks.auto.brief import NOTE
from audioft.tasks.auto.kept import Done
from audioft.tasks.auto.result import Auto
from audioft.tasks.auto.work import MODEL, Work

Step = Callable[[Work], Done]
STEPS: dict[str, tuple[str, Step]] = {
    "data": ("the data", look.look),
    "first": ("a first model", first_model.make),
    "encoder": ("the encoder", encoder_choice.choose),
    "curve": ("what more recordings would bring", outlook.look),
    "settings": ("the settings", settings.search),
    "joint": ("one model or several", joining.join),
    "measured": ("how good it is", measuring.measure),
}
#: Without these there is no model; what fails of the others is told, and the best model so far stays.
NEEDED = ("data", "encoder")
#: Seconds that must be free for a step to be worth beginning.
LEAST = {"curve": 5.0, "settings": 20.0, "joint": 10.0}
#: Done again where more time is given than there was.
OF_TIME = ("settings", "joint", "measured")


def run(work: Work) -> Auto:
    """Do all steps that are not done.

    Raises:
        KeyboardInterrupt: with a note on what is there and how to go on.
        AudioftError: the data or every encoder cannot be used.
    """
    order = list(STEPS)
    if "data" not in work.kept.steps and look.many(work):
        order[:2] = ["first", "data"]
    for number, name in enumerate(order, 1):
        if name in work.kept.steps:
            continue
        heading, step = STEPS[name]
        left = f", {about(work.left)} left" if work.left > 0 else ""
        work.console.say(f"\n=== {number} of {len(order)}: {heading}{left}")
        try:
            _do(work, name, step)
        except BaseException as e:
            _stopped(work, e)
            raise
    return _told(work)


def _do(work: Work, name: str, step: Step) -> None:
    began = time.monotonic()
    if work.free < LEAST.get(name, -1e9):
        done = Done(STEPS[name][0].capitalize(), ["left out: there was no time left for it; give more --minutes"])
    else:
        try:
            done = step(work)
        except AudioftError as e:
            if name in NEEDED:
                raise
            said = f"failed: {e}"
            done = Done(STEPS[name][0].capitalize(), [said], found={"failed": True})
    done = dataclasses.replace(done, seconds=round(time.monotonic() - began, 1))
    work.kept.steps[name] = done
    for said in done.said:
        if NOTE + said not in work.brief.notes:
            work.console.say(f"  {said}")
    _save(work)


def _save(work: Work) -> None:
    """Put all that is known on the disk, and begin to count the time anew."""
    work.kept.spent, work.began = work.spent, time.monotonic()
    work.kept.write(work.folder)
    _told(work)


def _told(work: Work) -> Auto:
    found = result.of(work.folder, work.kept, work.spent)
    page.write(found)
    return found


def _stopped(work: Work, error: BaseException) -> None:
    """Keep what is known, and tell how to go on, where anything is worth that."""
    if not work.kept.steps:
        return
    _save(work)
    if work.kept.best is not None:
        error.add_note(f"{work.folder / MODEL} is the best model so far ({work.kept.best})")
    error.add_note(f"`audioft auto --out {work.folder} --resume` goes on")


def again(work: Work, console: Console, *, more: bool) -> None:
    """Make ready to go on: what failed is done again, and with more time what more time may make better."""
    steps = work.kept.steps
    for name in [n for n, s in steps.items() if "failed" in s.found or (more and n in OF_TIME)]:
        del steps[name]
    done = ", ".join(s.title.lower() for s in steps.values())
    console.say(f"going on after {spell_seconds(work.kept.spent)}: {done or 'nothing'} done")
