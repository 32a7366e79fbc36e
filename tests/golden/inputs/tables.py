"""Tables of other programs: times, labels, missing cells, names of another machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from golden.inputs.cases import Case, recording, text

LABELS = ("dog", "rain")
PARENTS = {"dog": ["dog", "animal"], "rain": ["rain", "weather"], "wind": ["wind", "weather"]}


def table(
    header: str, row: Callable[[str, str, int], str], labels: Sequence[str] = LABELS, encoding: str = "utf-8", end="\n"
) -> Callable[[Path], None]:
    """Fills a folder with six recordings a label and a `t.csv` of them, a row made of name, label and number."""

    def make(here: Path) -> None:
        lines = [header]
        for i in range(6 * len(labels)):
            name, label = f"rec{i}.wav", labels[i % len(labels)]
            recording(here / name, seconds=1.0, hz=300.0 + 500 * (i % len(labels)), seed=i)
            lines.append(row(name, label, i))
        text(here / "t.csv", end.join([*lines, ""]), encoding)

    return make


def _timed(header: str, times: str = "0.25,0.75") -> Callable[[Path], None]:
    return table(header, lambda name, label, i: f"{name},{times},{label}")


def _labelled(write: Callable[[list[str]], str], column: str = "labels") -> Callable[[Path], None]:
    return table(f"file_name,{column}", lambda name, label, i: f'{name},"{write(PARENTS[label])}"', tuple(PARENTS))


def _missing(word: str, column: str = "label") -> Callable[[Path], None]:
    return table(f"file_name,{column}", lambda name, label, i: f"{name},{label if i % 4 else word}")


def _json_lines(here: Path) -> None:
    table("", lambda name, label, i: f'{{"file_name": "{name}", "label": {"NaN" if i == 3 else repr(label)}}}')(here)
    (here / "t.jsonl").write_text((here / "t.csv").read_text().replace("'", '"').strip())


def _elsewhere(here: Path) -> None:
    _timed("filename,onset,offset,label")(here / "audio")
    (here / "meta").mkdir()
    (here / "audio/t.csv").rename(here / "meta/t.csv")


def _sides(column: str, last: str) -> Callable[[Path], None]:
    sides = ("train", "train", last, "test")
    return table(f"file_name,label,{column}", lambda name, label, i: f"{name},{label},{sides[i % 4]}")


def _regions(parents: list[str]) -> str:
    region = [{"start": 0.2, "end": 0.7, "labels": parents}]
    return json.dumps(region).replace('"', '""')


def _beside(here: Path) -> None:
    table("file_name,label", lambda name, label, i: f"audio\\{name},{label}")(here / "audio")
    (here / "meta").mkdir()
    (here / "audio/t.csv").rename(here / "meta/t.csv")


def dry(*more: str, table: str = "t.csv") -> tuple[str, ...]:
    return ("train", f"{{here}}/{table}", "--dry-run", *more)


HALF_ENDS = ("note: times: end is the column 'end_s'",)
HALF = ("data: 12 clips, 0.00 hours, 2 labels (one label a clip)",)
SEVERAL = ("data: 18 clips", "5 labels (several labels a clip)")
OF_EXCEL = table(
    "File_Name;Label;Start;End", lambda name, label, i: f"{name};{label};0,25;0,75", encoding="utf-8-sig", end="\r\n"
)
UNICODE_TEXT = table(
    "file_name\tlabel\tstart\tend", lambda n, label, i: f"{n}\t{label}\t0,25\t0,75", encoding="utf-16", end="\r\n"
)
ONE_HOT = table(
    "file,start_time,end_time,dog,rain", lambda n, x, i: f"{n},0.0,0.5,{int(x == 'dog')},{int(x == 'rain')}"
)
BACKSLASHES = table("file_name,label", lambda name, label, i: f".\\{name},{label}")
OF_A_MAC = table("file_name,label", lambda name, label, i: f"/Users/anna/rec/{name},{label}")
OF_WINDOWS = table("file_name,label", lambda name, label, i: f"C:\\Users\\anna\\{name},{label}")

CASES = [
    *(
        Case(f"times of {whose}", _timed(header), dry(), said=(*HALF, "note: times: start is the column"))
        for whose, header in {
            "opensoundscape": "file,start_time,end_time,label",
            "DCASE": "filename,onset,offset,event_label",
            "Excel": "file_name,Start,End,label",
            "BirdNET": "File,Start (s),End (s),label",
            "Raven": "Begin File,Begin Time (s),End Time (s),Annotation",
            "ELAN": "file_name,Begin Time - ss.msec,End Time - ss.msec,label",
            "Praat": "file_name,tmin,tmax,label",
        }.items()
    ),
    Case("a start and a duration", _timed("file,start,duration,label", "0.25,0.5"), dry(), said=(*HALF, "together")),
    Case("milliseconds", _timed("file,start_ms,end_ms,label", "250,750"), dry(), said=HALF),
    *(
        Case(f"{a} and {b}", _timed(f"file,{a},{b},label", times), dry(), said=(f"look like a time: '{a}', '{b}'",))
        for a, b, times in (
            ("start_sample", "end_sample", "400,900"),
            ("Beginn", "Ende", "0.25,0.75"),
            ("d\u00e9but", "dur\u00e9e", "0.25,0.5"),
            ("x1", "x2", "0.25,0.75"),
        )
    ),
    Case("a time stamp", _timed("file,timestamp,n,label"), dry(), said=("looks like a time: 'timestamp'",)),
    Case("an end alone", _timed("file,n,end_s,label"), dry(), said=(*HALF_ENDS, "no column says where clips begin")),
    Case("beg_s and end_s", _timed("file,beg_s,end_s,label"), dry(), said=(*HALF, "start is the column 'beg_s'")),
    *(
        Case(f"several labels {how}", _labelled(write), dry(), said=SEVERAL)
        for how, write in {
            "with semicolons": ";".join,
            "with commas": ",".join,
            "with pipes": "|".join,
            "in a list of Python": str,
            "a line each in a cell": "\n".join,
            "with two pipes": " || ".join,
            "with commas of Chinese": "\uff0c".join,
            "as Label Studio's choices": lambda p: json.dumps({"choices": p}).replace('"', '""'),
        }.items()
    ),
    *(
        Case(
            f"labels that are taken for one, joined with {mark!r}",
            _labelled(mark.join),
            dry(),
            said=("3 labels (several labels a clip)", "no cell of labels holds several labels, 'dog"),
        )
        for mark in ("+", " - ", "__", " and ")
    ),
    *(
        Case(f"labels {how}", _labelled(write, column), dry(), code=1, said=(said,))
        for how, write, column, said in (
            ("in brackets alone", lambda p: f"[{', '.join(p)}]", "label", "may be one label or several"),
            ("in braces", lambda p: f"{{{','.join(p)}}}", "labels", "may be one label or several; write dog;animal"),
            ("on lines of their own in label", "\n".join, "label", "may be one label or several; write dog;animal"),
            ("of Label Studio", _regions, "label", "is an object of JSON; expected a label"),
        )
    ),
    Case("a list of Python in label", _labelled(str, "label"), dry(), said=(*SEVERAL, "are lists")),
    Case(
        "commas that may be of one label",
        table("file_name,labels", lambda name, label, i: f'{name},"{label}, loud"'),
        dry(),
        code=1,
        said=("may be one label or several; write", '["dog, loud"] for one'),
    ),
    *(
        Case(
            f"{word} as a label", _missing(word), dry(), code=1, said=(f"its label is {word!r}, which counts as empty",)
        )
        for word in ("nan", "NaN", "NA", "N/A", "None", "null", "#NV", "#DIV/0!", "n.a.", "<null>")
    ),
    *(
        Case(f"{word} that may be a label", _missing(word), dry(), said=(f"{word!r} in label is learned as a label",))
        for word in ("-", "...", "none", "na", "k.A.")
    ),
    Case("NaN in JSON", _json_lines, dry(table="t.jsonl"), code=1, said=("its label is empty",)),
    Case(
        "NA where several labels may be", _missing("NA", "labels"), dry(), said=("'NA' in labels counts as no label",)
    ),
    Case(
        "NA that is a label", _missing("NA"), dry("data.na=keep"), said=("3 labels (one label a clip)", "data.na=keep")
    ),
    Case(
        "empty lists",
        table("file_name,labels", lambda name, label, i: f"{name},{['[]', label][i % 2]}"),
        dry(),
        said=("1 label",),
        unsaid=("is learned as a label", "Traceback"),
    ),
    Case("numbers in lists", _labelled(lambda p: str([len(x) for x in p])), dry(), said=("4 labels (several labels",)),
    *(
        Case(
            f"sides in a column {column}",
            _sides(column, last),
            dry(),
            said=(f"{column!r} holds names of sides and is not used; call it split",),
        )
        for column, last in (("set", "val"), ("subset", "dev"), ("Partition", "Validation"))
    ),
    Case("a column a label", ONE_HOT, dry(), said=("2 labels (several labels a clip)", "columns of 0 and 1")),
    Case("a table of a German Excel", OF_EXCEL, dry(), said=(*HALF, "are decimal ones")),
    Case("Unicode text of Excel", UNICODE_TEXT, dry(), said=HALF),
    Case("backslashes", BACKSLASHES, dry(), said=("12 names with backslashes",)),
    Case(
        "names of a Mac",
        OF_A_MAC,
        dry(),
        code=1,
        said=("no such file", "/Users/anna/rec/rec0.wav", "data.audio_root=DIR"),
    ),
    Case(
        "names of a Mac found", OF_A_MAC, dry("data.audio_root={here}"), said=("12 names with the folders of another",)
    ),
    Case("names of Windows found", OF_WINDOWS, dry("data.audio_root={here}"), said=("12 names with the folders of",)),
    Case("a table elsewhere", _elsewhere, dry(table="meta/t.csv"), code=1, said=("set data.audio_root={here}/audio",)),
    Case(
        "names that begin a folder above",
        _beside,
        dry(table="meta/t.csv"),
        code=1,
        said=("set data.audio_root={here})",),
    ),
    Case("the same found", _beside, dry("data.audio_root={here}", table="meta/t.csv"), said=("12 names with backsl",)),
    *(
        Case(
            f"a table of an older Excel, {column}",
            table(f"{column};label", lambda name, label, i: f"{name};Fr\u00f6sche {i % 2}", encoding="cp1252"),
            dry(),
            code=1,
            said=("t.csv line 2: byte 0xf6 is not UTF-8; save it as UTF-8",),
        )
        for column in ("file_name", "Datei")
    ),
    Case("a table elsewhere found", _elsewhere, dry("data.audio_root={here}/audio", table="meta/t.csv"), said=HALF),
]
