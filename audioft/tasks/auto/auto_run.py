"""The steps of `audioft auto`, one after another; each is on the disk before the next one begins."""

from __future__ import annotations

import dataclasses
import math
import shlex
import time
from collections.abc import Callable

from audioft.core.progress import Console, about, spell_seconds
from audioft.errors import AudioftError
from audioft.tasks.auto import encoder_choice, first_model, joining, look, measuring, outlook, own_files, page, result
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
LEAST = {"curve": 5.0, "settings": 20.0}
#: Done again where more time is given than there was, or where one of them before it is done again.
OF_TIME = ("settings", "joint", "measured")


def run(work: Work) -> Auto:
    """Do all steps that are not done.

    Raises:
        KeyboardInterrupt: with a note on what is there and how to go on.
        AudioftError: the data or every encoder cannot be used.
    """
    try:
        if "encoder" not in work.kept.steps:
            encoder_choice.refuse_unknown(work)
        order = list(STEPS)
        if "data" not in work.kept.steps and look.many(work):
            order[:2] = ["first", "data"]
        for number, name in enumerate(order, 1):
            if name in work.kept.steps and name not in work.kept.again:
                continue
            heading, step = STEPS[name]
            left = f", {about(work.left)} left" if work.left > 0 else ""
            work.console.say(f"\n=== {number} of {len(order)}: {heading}{left}")
            _do(work, name, step)
        return _told(work)
    except BaseException as e:
        _stopped(work, e)
        raise


def _do(work: Work, name: str, step: Step) -> None:
    began, kept, title = time.monotonic(), work.kept, STEPS[name][0].capitalize()
    if name in kept.again and _stays(work, name):
        work.console.say("  as before")
        kept.again.remove(name)
        _save(work)
        return
    work.repeated = name in kept.again
    if work.free < LEAST.get(name, -math.inf):
        left_out = "left out: there was no time left for it; give more --minutes"
        done = Done(title, [left_out], found={"left out": True})
    else:
        try:
            done = step(work)
        except AudioftError as e:
            if name in NEEDED:
                raise
            done = Done(title, [f"failed: {e}"], found={"failed": True})
    work.done.append(name)
    kept.steps[name] = dataclasses.replace(done, seconds=round(time.monotonic() - began, 1))
    kept.again = [n for n in kept.again if n != name]
    for said in done.said:
        if NOTE + said not in work.brief.notes:
            work.console.say(f"  {said}")
    _save(work)


def _stays(work: Work, name: str) -> bool:
    """Whether a step that is to be done once more is better left as it is: there is no time, or nothing changed."""
    earlier = work.kept.steps[name]
    if name == "joint":
        return "settings" not in work.done
    if name == "measured":
        return earlier.found.get("of") == str(work.kept.best) and work.left < earlier.seconds
    return work.free < LEAST.get(name, -math.inf)


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
    nothing = isinstance(error, Exception) or not work.kept.steps or own_files.are_by(work.folder)
    if work.kept.best is None and nothing:
        if own_files.withdraw(work.folder, str(error)):
            error.add_note(f"what was in {work.folder} before is there again")
        return
    _save(work)
    if work.kept.best is not None:
        error.add_note(f"{work.folder / MODEL} is the best model so far ({work.kept.best})")
    error.add_note(f"`audioft auto --out {shlex.quote(str(work.folder))} --resume` goes on")


def again(work: Work, console: Console, *, more: bool) -> None:
    """Make ready to go on: what failed is done again, and with more time what more time may make better."""
    steps = work.kept.steps
    undone = {n for n, s in steps.items() if "failed" in s.found or (more and "left out" in s.found)}
    first = next((i for i, n in enumerate(OF_TIME) if n in undone), len(OF_TIME))
    for name in [n for n in steps if n in undone or n in OF_TIME[first:]]:
        del steps[name]
    again = {*work.kept.again, *(OF_TIME if more else ())}
    work.kept.again = [n for n in OF_TIME if n in again and n in steps]
    after = f"after {spell_seconds(work.kept.spent)}"
    if not work.kept.again and len(steps) == len(STEPS):
        console.say(f"{work.folder} is finished, {after}; with more --minutes it searches on")
        return
    done = ", ".join(s.title.lower() for n, s in steps.items() if n not in work.kept.again)
    console.say(f"going on {after}; done: {done or 'nothing'}")
