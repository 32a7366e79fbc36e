"""A card as one page that needs no network: what it comes to, all strengths at a glance, a curve a kind, and sound."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from audioft.core.storage import write_bytes
from audioft.evaluation.page.elements import escaped, flat, raw_table, section, table, tile
from audioft.evaluation.page.style import document
from audioft.evaluation.text import number
from audioft.tasks.robustness.card import POINTS, RobustnessCard
from audioft.tasks.robustness.figures import RowFigures
from audioft.tasks.robustness.strengths import STRENGTHS

WIDE, HIGH, EDGE = 260, 110, 18  # of a curve, in pixels; EDGE is kept free for its numbers
WORST = 0.5  # a loss that is as red as can be

Sounds = Mapping[str, str]  # a player of a row, or of `clean`, as HTML


def write(path: Path, card: RobustnessCard, sounds: Sounds) -> None:
    """Write the page; `sounds` are players by row, none where a row has none."""
    write_bytes(path, as_html(card, sounds).encode("utf-8", "replace"))


def as_html(card: RobustnessCard, sounds: Sounds) -> str:
    """The page that `write` writes."""
    title = escaped(f"audioft: what {card.about['model']} can stand")
    caution = f'<p class="caution">{escaped(card.caution)}</p>\n' if card.caution else ""
    head = f'<h1>{title}</h1>\n{caution}<p class="said">{escaped(card.sentence)}</p>\n{_tiles(card)}'
    notes = [*card.notes, *(f"not tested: {kind}: {why}" for kind, why in card.absent.items())]
    notes += [card.compared] if card.reference else []
    head += "<ul>" + "".join(f"<li>{escaped(n)}</li>" for n in notes) + "</ul>\n" if notes else ""
    parts = {
        "strengths": section("Every kind at every strength", _heat(card), wide=True, name="strengths"),
        "curves": section("Curves", _curves(card), wide=True, name="curves"),
        "attack": _attack(card),
        "sound": _sounds(card, sounds),
        "figures": section("All figures", _figures(card), wide=True, name="figures"),
        "about": section("About this card", table(["", ""], list(map(list, flat(card.about)))), name="about"),
    }
    links = "".join(f'<a href="#{name}">{name}</a> ' for name, part in parts.items() if part)
    return document(title, f'{head}<nav aria-label="parts of this page">{links}</nav>\n', "".join(parts.values()))


def _tiles(card: RobustnessCard) -> str:
    told = [tile(card.title, number(card.clean.value), f"as they are<br>{card.clean.bounds}")]
    if card.rows:
        own = card.relative
        bounds = f"{100 * own.low:.0f} – {100 * own.high:.0f} %" if math.isfinite(own.low) else ""
        kept = f"of it, mean over kinds<br>{bounds}"
        told.append(tile("kept when disturbed", f"{100 * own.value:.0f} %", kept, main=True))
        flips = sum(r.flips.value for r in card.rows) / len(card.rows)
        told.append(tile("answers that change", f"{100 * flips:.0f} %", "mean over all rows"))
        worst = card.weakest(1)[0]
        told.append(tile("weakest", escaped(worst), f"{100 * card.cost(worst):+.0f} points, mean over strengths"))
    if card.reference:
        told.append(tile("mCE", f"{card.reference['mce']:.2f}", "beside the reference; under 1 is better"))
    return f'<div class="tiles">{"".join(told)}</div>\n'


def _heat(card: RobustnessCard) -> str:
    """A cell a kind and strength, the redder the more of the score it costs."""
    severities = sorted({r.row.severity for r in card.rows})
    rows = []
    for kind in card.kinds:
        own = {r.row.severity: r for r in card.of(kind)}
        name = f'<span title="{escaped(STRENGTHS[kind].source)}">{escaped(kind)}</span>'
        about = f"<small>{escaped(STRENGTHS[kind].about)}</small>"
        rows.append(("", [f"{name}<br>{about}", *(_cell(own[s]) for s in severities), escaped(card.holds(kind))]))
    head = [("kind", False), *((f"strength {s}", True) for s in severities)]
    limit = f"{100 * POINTS:.0f} points"
    told = f"<p>The score and, below it, the strength; the redder, the more it costs, from {limit} on.</p>"
    return told + raw_table([*head, (f"less than {limit} lost", False)], rows)


def _cell(r: RowFigures) -> str:
    lost = max(0.0, -r.change.value)
    red = round(100 * min(1.0, lost / WORST) * 0.7) if lost >= POINTS else 0
    tone = f"background:color-mix(in srgb, var(--wrong) {red}%, transparent);" if red else ""
    shown = f"{escaped(r.row.told)}: {number(r.score.value)}, 95 % interval {r.score.bounds or 'unknown'}"
    return (
        f'<span title="{shown}" style="{tone}display:block;padding:2px 6px;border-radius:4px">'
        f"{number(r.score.value)}<br><small>{escaped(r.row.told)}</small></span>"
    )


def _curves(card: RobustnessCard) -> str:
    pictures = [f"<div><h3>{escaped(kind)}</h3>{_curve(card, kind)}</div>" for kind in card.kinds]
    told = "<p>The score from the clips as they are (left) to the hardest strength, with 95 % intervals.</p>"
    return f'{told}<div class="pictures">{"".join(pictures)}</div>'


def _curve(card: RobustnessCard, kind: str) -> str:
    """An SVG: the score over the strengths, dashed where 5 points are lost."""
    own = card.of(kind)
    found = [card.clean, *(r.score for r in own)]
    across = [EDGE + (WIDE - 2 * EDGE) * i / (len(found) - 1) for i in range(len(found))]

    def y(value: float) -> float:
        return HIGH - EDGE - (HIGH - 2 * EDGE) * value

    line = " ".join(f"{x:.1f},{y(e.value):.1f}" for x, e in zip(across, found, strict=True))
    low = [f"{x:.1f},{y(e.least):.1f}" for x, e in zip(across, found, strict=True)]
    high = [f"{x:.1f},{y(e.most):.1f}" for x, e in zip(across, found, strict=True)]
    limit = y(max(0.0, card.clean.value - POINTS))
    ends = zip(across, ["as is", *(f"{r.row.value:g}" for r in own)], strict=True)
    names = "".join(f'<text x="{x:.1f}" y="{HIGH - 3}" text-anchor="middle" font-size="9">{t}</text>' for x, t in ends)
    told = f"{kind}: {', '.join(f'{number(r.score.value)} at {r.row.told}' for r in own)}"
    return (
        f'<svg viewBox="0 0 {WIDE} {HIGH}" style="width:100%;max-width:{WIDE}px" role="img" '
        f'aria-label="{escaped(told)}">'
        f'<polygon points="{" ".join([*low, *reversed(high)])}" style="fill:var(--right);opacity:0.18"/>'
        f'<line x1="{EDGE}" x2="{WIDE - EDGE}" y1="{limit:.1f}" y2="{limit:.1f}" '
        'style="stroke:var(--faint);stroke-dasharray:3 3"/>'
        f'<polyline points="{line}" style="fill:none;stroke:var(--right);stroke-width:2"/>{names}'
        f'<text x="2" y="{y(1) + 3:.1f}" font-size="9">1</text>'
        f'<text x="2" y="{y(0) + 3:.1f}" font-size="9">0</text></svg>'
        f"<p>{escaped(STRENGTHS[kind].unit)}; {escaped(card.holds(kind))}</p>"
    )


def _attack(card: RobustnessCard) -> str:
    if card.attack is None:
        return ""
    rows = []
    for r in card.attack.rows:
        told = [x for e in (r.success, r.universal) for x in (number(e.value), e.bounds)]
        rows.append(("", [f"{r.snr_db:g} dB", *told]))
    head = [("SNR", False), ("turned wrong", True), ("95 % interval", True)]
    found = raw_table([*head, ("by the same noise for all", True), ("95 % interval", True)], rows)
    said = f"<p>Of {card.attack.clips} clips that are right as they are; held after rounding to 16 bits.</p>"
    return section("Under attack", said + found, name="attack")


def _sounds(card: RobustnessCard, sounds: Sounds) -> str:
    if not sounds:
        return ""
    parts = [f"<p>A clip as it is, and under every strength that there was room for.</p>{sounds.get('clean', '')}"]
    for kind in card.kinds:
        own = [(r.row.told, sounds[str(r.row)]) for r in card.of(kind) if str(r.row) in sounds]
        if own:
            rows = [("", [escaped(told), player]) for told, player in own]
            body = raw_table([("strength", False), ("", False)], rows)
            parts.append(f"<details><summary>{escaped(kind)}</summary>{body}</details>")
    return section("Listen", "".join(parts), name="sound")


def _figures(card: RobustnessCard) -> str:
    head = ["kind", "strength", card.title, "95 % interval", "change", "95 % interval", "flips", "confidence"]
    rows = []
    for r in card.rows:
        change = [f"{100 * r.change.value:+.1f}", f"{100 * r.change.low:+.1f} – {100 * r.change.high:+.1f}"]
        last = [f"{100 * r.flips.value:.0f} %", number(r.confidence)]
        rows.append(
            ("", [escaped(r.row.kind), escaped(r.row.told), number(r.score.value), r.score.bounds, *change, *last])
        )
    return raw_table([(h, i > 1) for i, h in enumerate(head)], rows, tall=True)
