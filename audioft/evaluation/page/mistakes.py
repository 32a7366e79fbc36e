"""The table of mistakes: which clip, how it sounds and looks, what was said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from audioft.core.wording import counted
from audioft.data.clip import Clip
from audioft.data.clip import seconds as spelled
from audioft.evaluation.mistakes import Mistake, Mistakes, Pair
from audioft.evaluation.page.confusion import anchor
from audioft.evaluation.page.elements import escaped, named, section
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
    head = "".join(f'<th scope="col"{_numeric(k)}>{escaped(h)}</th>' for k, h in enumerate(_head(found)))
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
        return f"{named(found.labels[of])} taken for {named(found.labels[to])}: {n} of {counted(support[of], 'clip')}"
    label = named(found.labels[of if of >= 0 else to])
    if found.kind == "several":
        if of >= 0:
            return f"{label}: not found in {n} of {counted(support[of], 'clip')} that have it"
        return f"{label}: given to {counted(n, 'clip')} that do not have it"
    return f"{label}: {counted(n, 'event')} {'in which nothing was found' if of >= 0 else 'found where there is none'}"


def _head(found: Mistakes) -> list[str]:
    if found.kind == "one":
        return ["file", "sound", "spectrogram", "score of the given label", "of the true one"]
    if found.kind == "several":
        return ["file", "sound", "spectrogram", "score", ""]
    return ["file", "sound", "spectrogram", "score", "event, s"]


def _numeric(column: int) -> str:
    return ' class="n"' if column >= 3 else ""


def _group(
    found: Mistakes, pair: Pair, listed: Sequence[int], heard: Mapping[int, Heard], support: Mapping[int, int]
) -> str:
    head = _head(found)
    rows = []
    for i in listed:
        m, own = found.listed[i], heard.get(i)
        player, seen = (own.player, own.seen) if own is not None else ('<span class="none">no player</span>', "")
        cells = f"<td>{player}</td><td>{seen}</td>"
        cells += f'<td class="n" data-of="{head[3]}">{_score(m.score)}</td>'
        cells += f'<td class="n" data-of="{head[4] or "labels"}">{_last(m)}</td>'
        rows.append(f'<tr><th scope="row">{_file(m)}</th>{cells}</tr>\n')
    left = found.counts[pair] - len(listed)
    more = f' <span class="none">({left} more in predictions.csv)</span>' if left else ""
    told = f'<tr><th scope="rowgroup" colspan="5">{title(found, pair, support)}{more}</th></tr>\n'
    return f'<tbody id="{anchor(pair)}">{told}{"".join(rows)}</tbody>\n'


def _file(m: Mistake) -> str:
    clip = m.clip
    if m.times is not None or clip.whole:
        return named(clip.name)
    end = "the end" if clip.end is None else f"{_time(clip.end)} s"
    return f'{named(clip.name)}<br><span class="none">{_time(clip.start)} to {end}</span>'


def _score(score: float | None) -> str:
    return "–" if score is None else f"{score:.2f}"


def _last(m: Mistake) -> str:
    if m.times is not None:
        return f"{_time(m.times[0])}–{_time(m.times[1])}"
    return "" if m.truth is None else _score(m.truth)


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
        said.append(f"Listed are the {len(found.listed)} surest of {found.total}; all are in predictions.csv.")
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
