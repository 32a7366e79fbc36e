"""Tables, label files and configs of any content: the fuzz target of what reads them."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from audioft.annotations import files
from audioft.configuration import config as configs
from audioft.configuration.config import Config, PretrainConfig
from audioft.data import manifest
from audioft.errors import AudioftError
from audioft.speakers import trial_lists
from torture.outcome import Outcome

CSV = (
    "file_name,label,start,end,split,speaker\na.wav,x,0,1,train,ann\n"
    '"b, c.wav","y ""z""",1.5,,test,bob\na.wav,x,2,3,valid,ann\n'
)
JSONL = '{"file_name": "a.wav", "labels": ["x", "?y"], "start": 0.5}\n{"file_name": "b, c.wav", "labels": []}\n'
AUDACITY = "0.5\t1.25\tx\n2\t3\ty\n\\\t100\t200\n4\t4\tbreak\n"
RAVEN = (
    "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tSpecies\n"
    "1\tSpectrogram 1\t1\t0.5\t1.5\t100\t2000\tx\n"
)
RTTM = "SPEAKER a 1 0.500 1.250 <NA> <NA> ann <NA> <NA>\nSPEAKER a 1 2 1 <NA> <NA> bob <NA> <NA>\n"
YAML = (
    "seed: 3\ndata:\n  source: recordings\n  test: fold=5\ntrain: {epochs: 3, lr: 1e-4}\n"
    "freeze: {0: all, 2: {top: 2}}\n"
    "augment:\n  - {name: gain, p: 0.5}\n  - noise\nmodel:\n  head: {name: mlp, dropout: 0.1}\n"
)
TRIALS = "1 a.wav b.wav\n0 a.wav c.wav\n"
TOKENS = (
    *(
        b"\0",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\r",
        b"\r\n",
        b"\n",
        b'"',
        b"'",
        b",",
        b";",
        b"\t",
        b"{",
        b"[",
        b"]",
        b"}",
    ),
    *(b"nan", b"-inf", b"1e999", b"9" * 5000, b"-1", b"null", b"true", b"&a [*a]", b"!!python/name:os.system ", b"? "),
    *("\u202e".encode(), "\ud7ff".encode(), "e\u0301".encode(), b"../", b"[" * 3000, b"#", b"---\n", b": ", b"<<: *x"),
)


def fuzzed(place: Path, cases: int, seed: int = 0) -> Outcome:
    """Whatever a table, a label file or a config holds, it is read or refused with a message, and quickly.

    Args:
        place: a folder.
        cases: how many files.
        seed: of their contents.
    """
    found, draw = Outcome(), random.Random(seed)
    for name in ("a.wav", "b, c.wav"):
        (place / name).write_bytes(b"RIFF")
    targets: tuple[tuple[str, str, Callable[[Path], object]], ...] = (
        ("metadata.csv", CSV, manifest.load),
        ("table.tsv", CSV.replace(",", "\t"), manifest.load),
        ("table.jsonl", JSONL, manifest.load),
        ("a.txt", AUDACITY, files.read),
        ("a.selections.txt", RAVEN, files.read),
        ("a.rttm", RTTM, files.read),
        ("trials.txt", TRIALS, trial_lists.read),
        ("run.yaml", YAML, lambda path: configs.load(path, kind=Config)),
        ("pretraining.yaml", YAML, lambda path: configs.load(path, kind=PretrainConfig)),
        ("override", "train.lr=1e-4", lambda path: configs.load(None, [path.read_bytes().decode("utf-8", "replace")])),
    )
    read = 0
    for i in range(cases):
        name, text, reader = targets[i % len(targets)]
        path = place / name
        data = _mutated(text.encode(), draw)
        path.write_bytes(data)
        try:
            reader(path)
            read += 1
            found.count(True)
        except AudioftError as e:
            found.count(bool(str(e)) and len(str(e)) < 20_000, f"{name}: {data[:200]!r}: {len(str(e))} characters")
        except Exception as e:
            found.count(False, f"{name}: {data[:200]!r}: {type(e).__name__}: {str(e)[:200]}")
        path.unlink()
    found.told = f"{len(targets)} kinds of tables, label files, lists and settings; {read:,} could be read"
    return found


def _mutated(data: bytes, draw: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice((0, 1, 1, 2, 4, 20))):
        at, how = draw.randrange(len(changed) + 1), draw.randrange(4)
        if how == 0:
            changed[at:at] = draw.choice(TOKENS)
        elif how == 1:
            del changed[at : at + draw.choice((1, 5, 40))]
        elif how == 2:
            changed[at : at + 1] = bytes([draw.randrange(256)])
        else:
            a = draw.randrange(len(changed) + 1)
            changed[at:at] = changed[a : a + draw.choice((3, 30))]
    return bytes(changed)
