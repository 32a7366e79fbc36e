"""One model or several: the trials of the search that together would be better, trained and joined."""

from __future__ import annotations

import shutil
from typing import Any

import audioft
from audioft.configuration import config as configs
from audioft.core import storage
from audioft.core.wording import counted
from audioft.evaluation.intervals import bootstrap
from audioft.evaluation.metrics import METRICS, Tally
from audioft.tasks.auto import joint_choice
from audioft.tasks.auto.kept import Best, Done
from audioft.tasks.auto.work import SEARCH, Work

TITLE = "One model or several"
MOST = 5
JOINED, MEMBERS = "joined", "members"
SPARE = 3.0  # times the seconds that a fold of it took, for a member, which hears all clips once more


def planned(work: Work, found: Any) -> dict[str, Any] | None:
    """Whether joining would pay, and what it takes; None where there is nothing to join.

    Args:
        work: see there.
        found: the search, of which a trial was chosen.
    """
    single = found.chosen.number
    if len(found.said) < 2:
        return None
    chosen = joint_choice.choose(found.said, single, MOST, work.config.seed)
    said, figure = joint_choice.mean(found.said, chosen.members), work.figure
    low, high = bootstrap(said, [figure], seed=work.config.seed)[figure]
    others = [n for n in chosen.members if n != single]
    for n in others:
        storage.write_result(work.folder / MEMBERS / f"{n}.yaml", configs.save(found.configs[n]))
    return vars(chosen) | {
        "pays": chosen.pays,
        "others": others,
        "score": [float(METRICS[figure].of(Tally(said, None))[0]), low, high],
        "clips": len(said),
        "seconds": sum(e.about["seconds"] / len(e.about["epochs"]) for e in found.trials if e.number in others),
        "frozen": all(found.configs[n].freeze == "all" for n in chosen.members),
    }


def join(work: Work) -> Done:
    """The step."""
    told = work.kept.found("settings").get("joint")
    one = "as before" if work.repeated else "one"
    if told is None:
        return Done(TITLE, [f"{one}: there are no two trials to join"])
    chosen = _told(told)
    if not told["pays"]:
        lost = [chosen] if told["others"] else []
        return Done(TITLE, [f"{one}: no set of trials is better together beyond chance"], lost)
    if not (work.place.several or told["frozen"]):
        return Done(TITLE, [f"{one}: a {work.place.name} hears each recording once"], [chosen])
    if SPARE * told["seconds"] > work.free:
        said = f"{one}: there is no time left to train the others; give more --minutes"
        return Done(TITLE, [said], [chosen], found={"left out": True})
    where = f"on {told['clips']} clips that no member learnt from, by which they were chosen: a little too good"
    value, low, high = map(float, told["score"])
    best = Best(f"{len(told['members'])} models joined", work.figure, value, low, high, where)
    calls = _made(work, told["others"])
    if why := work.offer(best, work.folder / JOINED):
        return Done(TITLE, [f"{one}: {chosen}"], [why], calls)
    return Done(TITLE, [chosen, f"taken: {best}"], [], calls)


def _told(told: dict[str, Any]) -> str:
    right = told["right"]
    clips = "" if right is None or right != right else f" and {right:+.1f} of 100 clips are right"
    return (
        f"{counted(len(told['members']), 'model')} together lower the log loss by {told['gain']:.4f} "
        f"({told['low']:.4f} to {told['high']:.4f}){clips}, on clips without a part in the choice"
    )


def _made(work: Work, others: list[int]) -> list[str]:
    """Train the further members and join all; the calls."""
    runs, calls = [work.folder / SEARCH / "run"], []
    for n in others:
        config, out = work.folder / MEMBERS / f"{n}.yaml", work.folder / MEMBERS / str(n)
        resume = (out / "config.yaml").is_file()
        calls.append(work.call("train", config=config, out=out, settings=[]))
        if not (out / "model" / "audioft.json").is_file():
            audioft.finetune(config=config, out=out, resume=resume, console=work.brief)
        runs.append(out)
    joined = work.folder / JOINED
    shutil.rmtree(joined, ignore_errors=True)  # of a call that was cut off
    calls.append(work.call("ensemble", *map(str, runs), out=joined, settings=[]))
    audioft.ensemble(runs, joined, console=work.brief)
    return calls
