"""The recordings under samples/ are what their README and tables say."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).parents[1] / "samples"
FOLDERS = ("speakers", "sounds", "scenes", "keywords", "recordings", "long", "outdoors")
SPLITS = {"train", "valid", "test"}
AUDIO = {".ogg", ".flac", ".wav", ".mp3"}


def table(name: str) -> list[dict[str, str]]:
    with (ROOT / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def recordings(folder: str) -> dict[str, Path]:
    paths = (p for p in (ROOT / folder).rglob("*") if p.suffix in AUDIO)
    return {p.relative_to(ROOT / folder).as_posix(): p for p in paths}


def read_labels(cell: str) -> tuple[set[str], set[str], bool]:
    """What a cell of the scenes calls present, what unknown, and whether all others are unknown."""
    if cell.startswith("["):
        return set(json.loads(cell)), set(), False
    parts = cell.split(";")
    unknown = {p[1:] for p in parts if p.startswith("?") and p != "?"}
    return {p for p in parts if p and not p.startswith("?")}, unknown, "?" in parts or not cell


def test_the_folder_stays_small():
    sizes = [p.stat().st_size for p in ROOT.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    assert sum(sizes) < 6.5e6


def test_every_recording_decodes_to_sound_and_none_is_there_twice():
    seen: dict[str, Path] = {}
    for folder in FOLDERS:
        assert recordings(folder), folder
        for path in recordings(folder).values():
            with soundfile.SoundFile(path) as file:
                sound, rate = file.read(dtype="float32", always_2d=True), file.samplerate
                assert len(sound) == file.frames, path
            assert len(sound) / rate > 0.5, path
            assert np.isfinite(sound).all(), path
            assert 1e-3 < np.sqrt(np.mean(sound**2)) < 0.3, path
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            assert digest not in seen, f"{path} has the bytes of {seen.get(digest)}"
            seen[digest] = path


def test_formats_and_names_vary():
    infos = [soundfile.info(p) for f in FOLDERS for p in recordings(f).values()]
    assert {i.format for i in infos} >= {"OGG", "WAV", "FLAC", "MP3"}
    assert {i.samplerate for i in infos} >= {16000, 22050, 44100}
    assert {i.channels for i in infos} == {1, 2}
    assert any(not name.isascii() for name in recordings("speakers"))


def test_voices_say_other_sentences_in_every_split():
    rows = table("speakers_sentences.csv")
    assert {r["file_name"] for r in rows} == set(recordings("speakers"))
    assert all(r["file_name"].startswith(f"{r['split']}/{r['voice']}/") for r in rows)
    voices = {r["voice"] for r in rows}
    assert len(voices) >= 8
    counts = Counter((r["split"], r["voice"]) for r in rows)
    assert all(counts[split, v] == n for split, n in {"train": 10, "valid": 3, "test": 4}.items() for v in voices)
    splits_of = defaultdict(set)
    for r in rows:
        splits_of[r["text"].casefold()].add(r["split"])
    assert all(len(s) == 1 for s in splits_of.values())
    assert not list((ROOT / "speakers").rglob("*.csv")), "a table inside would be taken for the labels"


def test_recordings_name_a_known_voice():
    voices = {r["voice"] for r in table("speakers_sentences.csv")}
    assert len(recordings("recordings")) == 6
    assert all(name.split("_")[0] in voices for name in recordings("recordings"))


def test_sounds_and_their_sources():
    rows = table("sounds/metadata.csv")
    assert sorted(r["file_name"] for r in rows) == sorted(recordings("sounds"))
    labels = {r["label"] for r in rows}
    assert len(labels) >= 6
    counts = Counter((r["split"], r["label"]) for r in rows)
    assert all(counts[split, k] == n for split, n in {"train": 12, "valid": 4, "test": 4}.items() for k in labels)
    split_of = defaultdict(set)
    for r in rows:
        split_of[r["source"]].add((r["split"], r["label"]))
    assert all(len(s) == 1 for s in split_of.values())


@pytest.mark.parametrize("split", sorted(SPLITS))
def test_scenes_hold_every_label_with_and_without(split):
    labels = {r["label"] for r in table("sounds/metadata.csv")}
    present, absent = Counter(), Counter()
    for r in table("scenes/metadata.csv"):
        here, unknown, rest = read_labels(r["labels"])
        assert here | unknown <= labels, r
        if r["split"] == split:
            present.update(here)
            absent.update(set() if rest else labels - here - unknown)
    assert all(present[k] >= 2 and absent[k] >= 2 for k in labels), (present, absent)


def test_scenes_table_agrees_with_files_and_shows_every_way_to_write_labels():
    rows = table("scenes/metadata.csv")
    assert sorted(r["file_name"] for r in rows) == sorted(recordings("scenes"))
    assert {r["split"] for r in rows} == SPLITS
    cells = [r["labels"] for r in rows]
    assert {"", "[]"} <= set(cells)
    assert any(c.startswith('["') for c in cells)
    assert any(c.endswith(";?") for c in cells)
    assert any(c.rpartition("?")[2] for c in cells if "?" in c)


def test_keywords_are_class_folders():
    counts = Counter(name.split("/")[0] for name in recordings("keywords"))
    assert len(counts) == 4
    assert set(counts.values()) == {12}


@pytest.mark.parametrize("listed", ["long/events.csv", "outdoors/metadata.csv"])
def test_events_lie_inside_their_recordings_and_are_louder_than_what_is_around(listed):
    folder = listed.split("/")[0]
    rows, labels = table(listed), {r["label"] for r in table("sounds/metadata.csv")}
    assert {r["file_name"] for r in rows} == set(recordings(folder))
    for name, path in recordings(folder).items():
        sound, rate = soundfile.read(path)
        during = np.zeros(len(sound), bool)
        for r in (r for r in rows if r["file_name"] == name):
            start, end = float(r["start"]), float(r["end"])
            assert 0 <= start < end <= len(sound) / rate, r
            assert r["label"] in labels, r
            piece = slice(round(start * rate), round(end * rate))
            during[piece] = True
        quiet = np.mean(sound[~during] ** 2)
        for r in (r for r in rows if r["file_name"] == name):
            piece = sound[round(float(r["start"]) * rate) : round(float(r["end"]) * rate)]
            assert np.mean(piece**2) > 2 * quiet, r
