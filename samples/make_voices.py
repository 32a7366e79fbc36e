"""Cut recordings of many speakers into pieces, each through a channel of its own, and list the pairs to tell apart.

python samples/make_voices.py DATA OUT

DATA holds `librispeech-251spk`, of one utterance a speaker, to learn from; `librispeech-10spk`, of one chapter a
speaker; and `librispeech-3spk`, of two. Left as they are, a session would give its speaker away: so every piece has its
own room, microphone, band and noise. OUT gets `known` (speakers to learn), `held` (others out of the same, to choose a
threshold on), `ten` and `three`, and lists of trials of the last three. Pairs of one speaker are of two utterances in
`ten` and of two chapters in `three`; in `held`, where there is nothing else, of one utterance. The pieces of `known`
are only cut: a training disturbs them anew every time, by the `augment` of `ten/render.json`.
"""

from __future__ import annotations

import argparse
import csv
import random
from collections.abc import Container
from pathlib import Path

import audioft

CHANNELS = [
    {"name": "reverb", "p": 0.5},
    {"name": "equalizer", "p": 1, "sd_db": 6},
    {"name": "telephone", "p": 0.2},
    {"name": "band_limit", "p": 0.5},
    {"name": "noise", "p": 1, "min_snr_db": 5, "max_snr_db": 25},
    {"name": "gain", "p": 1},
]
SHARED = {"19", "26", "27"}  # speakers of librispeech-3spk that librispeech-251spk has too
GAP = 0.5  # seconds, at most, between two pieces


def rows_of(table: Path) -> list[dict[str, str]]:
    """The rows of a table."""
    with open(table, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(table: Path, rows: list[dict[str, str]]) -> None:
    """A table of rows that have the same columns."""
    with open(table, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def cut(
    rows: list[dict[str, str]], name: str, wanted: Container[str], longest: float, most: int, session: str
) -> list[dict[str, str]]:
    """Pieces of recordings of the wanted speakers; of each speaker's pieces the last is on the validation side.

    Args:
        rows: of the recordings, with `speaker` and `seconds`.
        name: what is drawn depends on it alone.
        wanted: speakers. Of one of whom there is but one piece there is none.
        longest: seconds; the shortest is 2 s.
        most: pieces a recording; they do not overlap.
        session: the column that tells sessions apart.
    """
    draw = random.Random(name)
    found: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        start = draw.uniform(0, GAP)
        for length in [draw.uniform(2, longest) for _ in range(most)]:
            end = start + length
            if row["speaker"] in wanted and end <= float(row["seconds"]):
                own = {"file_name": row["file_name"], "start": f"{start:.2f}", "end": f"{end:.2f}"}
                own |= {"label": row["speaker"], "session": row[session], "split": "train"}
                found.setdefault(row["speaker"], []).append(own)
            start = end + draw.uniform(0, GAP)
    kept = [pieces for pieces in found.values() if len(pieces) > 1]
    return [piece | {"split": "valid"} if piece is own[-1] else piece for own in kept for piece in own]


def list_trials(copies: Path, across: bool) -> None:
    """All pairs, in `COPIES.csv`; `across`: of one speaker only those of two sessions."""
    table = copies.with_suffix(".csv")
    audioft.trials(copies, table, session="session", overwrite=True)
    write(table, [t for t in rows_of(table) if not (across and t["target"] == t["same_session"] == "1")])


def main() -> None:
    """Make the pieces, their copies and the lists."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    rows = {n: rows_of(given.data / f"librispeech-{n}" / "metadata.csv") for n in ("251spk", "10spk", "3spk")}
    speakers = {n: {r["speaker"] for r in own} for n, own in rows.items()}
    many = sorted(speakers["251spk"] - SHARED)
    held = set(many[::5])
    for name, source, wanted, longest, most, session in (
        ("known", "251spk", set(many) - held, 3.0, 5, "chapter"),
        ("held", "251spk", held, 2.0, 4, "chapter"),
        ("ten", "10spk", speakers["10spk"], 2.0, 2, "utterance"),
        ("three", "3spk", speakers["3spk"], 2.0, 1, "chapter"),
    ):
        pieces = cut(rows[source], name, wanted, longest, most, session)
        write(given.out / f"{name}-pieces.csv", pieces)
        root = given.data / f"librispeech-{source}"
        augment = [] if name == "known" else CHANNELS
        copies = audioft.render(given.out / f"{name}-pieces.csv", given.out / name, augment=augment, root=root)
        print(f"{name}: {len(pieces)} pieces of {len({p['label'] for p in pieces})} speakers", flush=True)
        if name != "known":
            list_trials(copies, across=name != "held")


if __name__ == "__main__":
    main()
