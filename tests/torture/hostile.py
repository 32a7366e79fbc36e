"""Files that would like to run code, or to lead out of their folder."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import makers
import numpy as np
import torch

import audioft
from audioft.core.progress import Console
from audioft.errors import AudioftError
from torture.outcome import Outcome

DEEP = 100_000


class _Bomb:
    """Unpickled, it makes a file: code has run."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


def no_code(place: Path, model: Path) -> Outcome:
    """Row 8: a model folder cannot run code.

    Args:
        place: a folder.
        model: a whole model folder with a head of transformers' and one whose parts are attacked.
    """
    found, mark = Outcome(), place / "code has run"
    console = Console(quiet=True)
    data = makers.tones(place / "tones", 3)
    encoder = makers.encoder(place / "encoder")
    for name, folder in _model_folders(place, model, mark):
        _tried(found, f"model, {name}", mark, lambda f=folder: list(audioft.predict(f, data)))
    for name, folder in _encoder_folders(place, encoder, mark):
        run = place / f"run-{folder.name}"
        _tried(
            found,
            f"encoder, {name}",
            mark,
            lambda f=folder, r=run: audioft.finetune(
                data, encoder=str(f), out=r, overrides=makers.QUICK | {"train.epochs": 1}, console=console
            ),
        )
    for name, file in _configs(place, mark):
        _tried(found, f"config, {name}", mark, lambda f=file: audioft.settings(data, config=f))
    for name, file in _tables(place):
        _tried(found, f"table, {name}", mark, lambda f=file: audioft.evaluate(model, f, console=console))
    found.told = f"{found.tried} files; what could not be used was refused by name, the rest read as plain data"
    return found


def _tried(found: Outcome, what: str, mark: Path, use: Any) -> None:
    """Use it: it may work or be refused with a message, and nothing may have run."""
    try:
        use()
        how = "used"
    except AudioftError as e:
        how = f"refused: {e}"
    except Exception as e:
        found.count(False, f"{what}: {type(e).__name__}: {e}")
        return
    found.count(not mark.exists(), f"{what}: code has run ({how})")
    shutil.rmtree(mark, ignore_errors=True)


def _model_folders(place: Path, model: Path, mark: Path) -> Iterator[tuple[str, Path]]:
    def copy(name: str) -> Path:
        return Path(shutil.copytree(model, place / f"model {name}"))

    bomb = pickle.dumps(_Bomb(mark))
    for name in ("pytorch_model.bin", "training_args.bin", "optimizer.pt", "rng_state.pth", "data.npy"):
        folder = copy(name)
        (folder / name).write_bytes(bomb)
        yield name, folder
    folder = copy("pickle for weights")
    (folder / "model.safetensors").write_bytes(bomb)
    yield "a pickle called model.safetensors", folder
    folder = copy("npy for weights")
    with open(folder / "model.safetensors", "wb") as file:
        np.save(file, np.array([_Bomb(mark)], dtype=object), allow_pickle=True)
    yield "an array of objects called model.safetensors", folder
    folder = copy("auto_map")
    config = json.loads((folder / "config.json").read_text())
    names = {f"Auto{x}": "evil.Evil" for x in ("Config", "Model", "ModelForAudioClassification")}
    (folder / "config.json").write_text(json.dumps(config | {"auto_map": names}))
    (folder / "evil.py").write_text(f"import os\nos.mkdir({str(mark)!r})\nclass Evil: pass\n")
    yield "auto_map to its own code", folder
    folder = copy("feature extractor")
    told = {"feature_extractor_type": "Evil", "auto_map": {"AutoFeatureExtractor": "evil.Evil"}}
    (folder / "preprocessor_config.json").write_text(json.dumps(told))
    (folder / "evil.py").write_text(f"import os\nos.mkdir({str(mark)!r})\nclass Evil: pass\n")
    yield "a feature extractor of its own", folder
    for name in ("audioft.json", "config.json", "hashes.json"):
        folder = copy(f"deep {name}")
        (folder / name).write_text("[" * DEEP + "]" * DEEP)
        yield f"{name} nested {DEEP} deep", folder
        folder = copy(f"huge {name}")
        (folder / name).write_text('{"labels": ' + "9" * 100_000 + "}")
        yield f"a number of 100,000 digits in {name}", folder


def _encoder_folders(place: Path, encoder: Path, mark: Path) -> Iterator[tuple[str, Path]]:
    for name, write in (
        ("a pickle", lambda path: path.write_bytes(pickle.dumps(_Bomb(mark)))),
        ("torch's zip of a pickle", lambda path: torch.save({"a": _Bomb(mark)}, path)),
        ("torch's old format", lambda path: torch.save(_Bomb(mark), path, _use_new_zipfile_serialization=False)),
    ):
        folder = Path(shutil.copytree(encoder, place / f"encoder {name}"))
        (folder / "model.safetensors").unlink()
        write(folder / "pytorch_model.bin")
        yield f"{name} called pytorch_model.bin", folder
    folder = Path(shutil.copytree(encoder, place / "encoder auto_map"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"auto_map": {"AutoModel": "evil.Evil"}}))
    (folder / "evil.py").write_text(f"import os\nos.mkdir({str(mark)!r})\nclass Evil: pass\n")
    yield "auto_map to its own code", folder


def _configs(place: Path, mark: Path) -> Iterator[tuple[str, Path]]:
    texts = {
        "python object": f"train: !!python/object/apply:os.mkdir [{str(mark)!r}]\n",
        "python name": "train: !!python/name:os.system\n",
        "deep": "train: " + "[" * DEEP + "]" * DEEP + "\n",
        "huge number": "train: {epochs: " + "9" * 100_000 + "}\n",
        "aliases": "a: &a [x, x]\n"
        + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(24)),
    }
    for name, text in texts.items():
        path = place / f"{name}.yaml"
        path.write_text(text)
        yield name, path


def _tables(place: Path) -> Iterator[tuple[str, Path]]:
    texts = {
        "deep.jsonl": '{"file_name": ' + "[" * DEEP + "]" * DEEP + "}\n",
        "huge.jsonl": '{"file_name": "a.wav", "label": ' + "9" * 100_000 + "}\n",
        "infinite.jsonl": '{"file_name": "a.wav", "label": "x", "start": 1e999, "end": NaN}\n',
        "wide.csv": "file_name,label," + ",".join(map(str, range(50_000))) + "\na.wav,x\n",
        "formula.csv": "file_name,label\na.wav,\"=cmd|' /C calc'!A0\"\n",
    }
    for name, text in texts.items():
        path = place / name
        path.write_text(text)
        yield name, path


def no_way_out(place: Path) -> Outcome:
    """Row 9: names in tables and labels lead nowhere outside of the folder, unless that is asked for."""
    from audioft.data import manifest

    found = Outcome()
    secret = makers.tone(place / "elsewhere" / "secret.wav")
    inside = place / "data"
    for i in range(4):
        makers.tone(inside / "sounds" / f"{i}.wav", seed=i)
    (inside / "link.wav").symlink_to(secret)
    (inside / "linked").symlink_to(secret.parent)
    names = {
        "../elsewhere/secret.wav": "up",
        "sounds/../../elsewhere/secret.wav": "up from below",
        str(secret): "absolute",
        "link.wav": "a link",
        "linked/secret.wav": "a linked folder",
        "sounds/\0.wav": "NUL",
        "C:\\Windows\\win.ini": "drive letter",
        "..\\elsewhere\\secret.wav": "backslashes",
        "\\\\server\\share\\a.wav": "a network path",
        "file:///etc/passwd": "an address",
        "~/secret.wav": "home",
    }
    table = inside / "metadata.jsonl"
    for name, what in names.items():
        rows = [{"file_name": f"sounds/{i}.wav", "label": "ab"[i % 2]} for i in range(4)]
        table.write_text("".join(json.dumps(r) + "\n" for r in [*rows, {"file_name": name, "label": "a"}]))
        try:
            manifest.load(inside)
            found.count(False, f"{what}: {name!r} was read")
        except AudioftError as e:
            # a name as it was given, or as it is understood, with a slash for a backslash, and no more than that
            shown = [n.replace("\\", "") for n in (name, name.replace("\\", "/"))]
            found.count("secret" not in str(e) or any(n in str(e).replace("\\", "") for n in shown), str(e))
    asked = [{"file_name": "../elsewhere/secret.wav", "label": "a"}, {"file_name": "sounds/1.wav", "label": "b"}]
    table.write_text("".join(json.dumps(r) + "\n" for r in asked))
    found.count(len(manifest.load(inside, allow_outside=True).clips) == 2, "it was asked for, and refused")
    _labels(found, place, inside)
    found.told = f"{found.tried} names and labels, as ../, absolute, links, NUL, drive letters"
    return found


def _labels(found: Outcome, place: Path, inside: Path) -> None:
    """A label is text and never becomes a path: whatever it holds, files are made in the run folder alone."""
    labels = ("../../evil", "/tmp/evil", "a/b", "..", "nul\u2400", "C:\\evil", "<script>alert(1)</script>")
    rows = [{"file_name": f"sounds/{i}.wav", "label": x} for i, x in enumerate(labels)]
    for i in range(len(labels)):
        makers.tone(inside / "sounds" / f"{i}.wav", seed=i, hz=300 + 200 * i)
    (inside / "metadata.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    (inside / "link.wav").unlink()
    (inside / "linked").unlink()
    before = {p for p in place.rglob("*") if "run" not in p.parts}
    run = audioft.finetune(
        inside,
        encoder=str(makers.encoder(place / "encoder")),
        out=place / "run" / "here",
        overrides=makers.QUICK | {"data.valid": None, "data.test": None},
        console=Console(quiet=True),
    )
    made = {p for p in place.rglob("*") if "run" not in p.parts and "encoder" not in p.parts} - before
    found.count(not made, f"made outside of the run folder: {made}")
    shown = audioft.load_model(run).labels
    found.count(set(shown) == set(labels), f"labels {shown}")
    page = run.folder / "report.html"
    found.count(not page.exists() or "<script>alert(1)" not in page.read_text(), "a label is code in the report")
