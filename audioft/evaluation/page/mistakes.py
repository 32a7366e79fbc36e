"""The table of mistakes: which clip, how it sounds and looks, what was said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from audioft.core.wording import counted
from audioft.data.clip import Clip
from audioft.data.clip import seconds as spelled
from audioft.evaluation.mistakes import Mistake, Mistakes, Pair
from audioft.evaluation.page.confusion import anchor
from audioft.evaluation.page.elements import LABEL, named, section
from audioft.evaluation.page.sounds import BYTES, SECONDS, Heard

PLACE = "mistakes"


def places(found: Mistakes | None) -> set[str]:
    """The anchors that the table has: of the pairs of labels with a mistake in it."""
    return set() if found is None else {anchor(m.pair) for m in found.listed}


def mistakes(found: Mistakes, heard: Mapping[int, Heard], players: int, support: Mapping[int, int]) -> str:
    """The section of the page.

    Args:
        found: all mistakes.
        heard: players, by position in `found.listed`.
        players: how many were asked for.
        support: how often each label is true.
    """
    if not found.total:
        return section("Mistakes", "<p>None.</p>", wide=True, name=PLACE)
    of_pair: dict[Pair, list[int]] = {}
    for i, m in enumerate(found.listed):
        of_pair.setdefault(m.pair, []).append(i)
    order = sorted(of_pair, key=lambda pair: (-found.counts[pair], of_pair[pair][0]))
    head = "".join(f'<th scope="col">{title}</th>' for title in ("file", "scores", "sound", "spectrogram"))
    bodies = [_group(found, pair, of_pair[pair], heard, support) for pair in order]
    table = (
        f'<div class="scroll"><table class="mistakes">\n<thead><tr>{head}</tr></thead>\n'
        + "".join(bodies)
        + "</table></div>"
    )
    return section("Mistakes", f"{_told(found, heard, players)}\n{table}", wide=True, name=PLACE)


def title(found: Mistakes, pair: Pair, support: Mapping[int, int]) -> str:
    """What a pair of labels is about, in words."""
    (of, to), n = pair, found.counts[pair]
    if found.kind == "one":
        true, given = (named(found.labels[c], LABEL) for c in pair)
        return f"{true} taken for {given}: {n} of {counted(support[of], 'clip')}"
    label = named(found.labels[of if of >= 0 else to], LABEL)
    if found.kind == "several":
        if of >= 0:
            return f"{label}: not found in {n} of {counted(support[of], 'clip')} that have it"
        return f"{label}: given to {counted(n, 'clip')} that do not have it"
    return f"{label}: {counted(n, 'event')} {'in which nothing was found' if of >= 0 else 'found where there is none'}"


def _group(
    found: Mistakes, pair: Pair, listed: Sequence[int], heard: Mapping[int, Heard], support: Mapping[int, int]
) -> str:
    rows = []
    for i in listed:
        m, own = found.listed[i], heard.get(i)
        player, seen = (own.player, own.seen) if own is not None else ('<span class="none">no player</span>', "")
        cells = f'<td class="scores">{_scores(found, m)}</td><td>{player}</td><td>{seen}</td>'
        rows.append(f'<tr><th scope="row">{_file(m)}</th>{cells}</tr>\n')
    left = found.counts[pair] - len(listed)
    more = f' <span class="none">({left} more in predictions.csv)</span>' if left else ""
    told = f'<tr><th scope="rowgroup" colspan="4">{title(found, pair, support)}{more}</th></tr>\n'
    return f'<tbody id="{anchor(pair)}">{told}{"".join(rows)}</tbody>\n'


def _scores(found: Mistakes, m: Mistake) -> str:
    """What the model said of the given label, and of the true one."""
    of, to = m.pair
    if m.score is None:
        return ""
    if m.truth is None:
        return f"{m.score:.2f}"
    said = ((found.labels[to], m.score), (found.labels[of], m.truth))
    return "<br>".join(f"{score:.2f} {named(label, 16)}" for label, score in said)


def _file(m: Mistake) -> str:
    start, end = m.times or (m.clip.start, m.clip.end)
    if m.times is None and m.clip.whole:
        return named(m.clip.name)
    until = "the end" if end is None else f"{_time(end)} s"
    return f'{named(m.clip.name)}<br><span class="none">{_time(start)} to {until}</span>'


def _time(value: float) -> str:
    return spelled(round(value, 2))


def _told(found: Mistakes, heard: Mapping[int, Heard], players: int) -> str:
    """What is listed, in which order, and what of it can be heard."""
    said = []
    if found.kind == "events":
        said.append(
            "An event is listed as missed if nothing of its label was found in its time, and a found one if nothing of "
            "its label happens in its time; what was found at somewhat other times is not listed."
        )
    if len(found.listed) < found.total:
        said.append(f"Listed are {len(found.listed)} of {found.total}, the commonest kinds and the surest.")
        said.append("All are in predictions.csv.")
    if not players:
        said.append("Without players, as asked for (evaluate.players=0).")
    else:
        parts = f"their first {SECONDS:g} s, as the encoder hears them"
        if len(heard) == len(found.listed):
            said.append(f"Each can be heard: {parts}. ")
        else:
            why = f"at most {players}, and {BYTES // 1_000_000} MB of sound"
            said.append(f"{len(heard)} of {len(found.listed)} can be heard, the surest first ({why}): {parts}.")
        said.append("Their sound lies in this page: whoever has the page can hear it.")
    return f"<p>{' '.join(said)}</p>"


def clips(found: Mistakes) -> list[Clip]:
    """What is heard, the surest first."""
    return [m.clip for m in found.listed]
