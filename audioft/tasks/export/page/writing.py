"""An exported model as a page that opens from the disk or from any static host and sends nothing anywhere."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import audioft
from audioft.core.storage import new_folder, write_text
from audioft.errors import UsageError
from audioft.tasks.export.asked import PAGES

VERSION = "1.30.0"  # of ONNX Runtime Web
WEB, RUNTIME = Path(__file__).parent / "web", Path(__file__).parent / "onnxruntime_web"
#: In the order they are read; the last one starts.
SCRIPTS = ("sound", "resample", "timeline", "hearing", "drawing", "formats", "live", "model", "page")
LARGEST = 200 * 2**20  # bytes of one file; larger ones some browsers do not open
PIECE = 24 * 2**20  # bytes, as packed, that a script beside the page holds: text of a third more is built up at once


@dataclass(frozen=True)
class Part:
    """Bytes that the page needs besides its own text, packed by gzip and cut into pieces."""

    name: str
    packed: bytes

    @property
    def pieces(self) -> list[str]:
        return [f"{self.name}-{i}" for i in range(-(-len(self.packed) // PIECE))]

    def texts(self) -> Iterator[tuple[str, str]]:
        """Of each piece its name and its base64."""
        for i, name in enumerate(self.pieces):
            yield name, base64.b64encode(self.packed[i * PIECE : (i + 1) * PIECE]).decode("ascii")


def write(model: Path, about: Mapping[str, Any], out: Path) -> Path:
    """Write the page of a model.

    Args:
        model: an ONNX file with the inputs `waveform` and `lengths` and the output `scores`.
        about: what the file says of itself, see `audioft.inference.exported.about.About`.
        out: one file, where it ends in .html; else a folder, whole or not at all.

    Returns:
        The page: `out`, or `index.html` in it.

    Raises:
        UsageError: a model that hears a band shifted down, or one too large for one file.
    """
    if about.get("band") is not None:
        raise UsageError(
            f"this model hears {about['band'][0] / 1000:g} to {about['band'][1] / 1000:g} kHz shifted down, which the "
            "page cannot do; export it with --to onnx"
        )
    parts = [
        Part("worker", _packed((WEB / "worker.js").read_bytes())),
        Part("runtime", _packed((RUNTIME / "ort.wasm.bundle.min.mjs").read_bytes())),
        Part("wasm", (RUNTIME / "ort-wasm-simd-threaded.wasm.gz").read_bytes()),
        Part("model", _packed(model.read_bytes())),
        Part("licences", _packed(licences().encode("utf-8"))),
    ]
    if out.suffix.lower() in PAGES:
        if (size := 4 * sum(len(part.packed) for part in parts) // 3) > LARGEST:
            raise UsageError(
                f"--out {out}: the page would be one file of {size / 1e6:.0f} MB, and browsers open up to "
                f"{LARGEST / 1e6:.0f} MB well; name a folder, or compress the model first"
            )
        write_text(out, page(about, parts, alone=True))
        return out
    with new_folder(out) as folder:
        (folder / "parts").mkdir()
        for part in parts:
            for name, text in part.texts():
                # a page opened from the disk may load scripts beside it, and nothing else
                write_text(folder / "parts" / f"{name}.js", f'audioft.pieces["{name}"] = "{text}";\n')
        write_text(folder / "index.html", page(about, parts, alone=False))
        write_text(folder / "LICENSES.txt", licences())
    return out / "index.html"


def licences() -> str:
    """Those of the runtime."""
    return "\n\n".join((RUNTIME / name).read_text("utf-8") for name in ("LICENSE", "ThirdPartyNotices.txt"))


def page(about: Mapping[str, Any], parts: list[Part], *, alone: bool) -> str:
    """The page's HTML, with all parts in it where it stands `alone`, else with none."""
    told = {**about, "parts": {part.name: {"pieces": part.pieces} for part in parts}}
    # no text of a label may end the script that it stands in
    as_json = json.dumps(told, ensure_ascii=True).replace("<", "\\u003c")
    own = [f'"use strict";\nconst audioft = {{ about: {as_json}, pieces: {{}} }};\nglobalThis.audioft = audioft;\n']
    script = "\n".join(own + [(WEB / f"{name}.js").read_text("utf-8") for name in SCRIPTS])
    style = (WEB / "page.css").read_text("utf-8")
    held = "".join(
        f'<script type="application/gzip" id="{name}">{text}</script>\n'
        for part in parts
        for name, text in part.texts()
        if alone
    )
    return Template((WEB / "page.html").read_text("utf-8")).substitute(
        policy=policy(script, style, alone=alone),
        title=html.escape(str(about["name"])),
        style=style,
        script=script,
        data=held,
        version=html.escape(audioft.__version__),
        runtime=VERSION,
    )


def policy(script: str, style: str, *, alone: bool) -> str:
    """What the page may do: run its own text and what it was exported with, and ask no address for anything."""
    beside = "" if alone else " 'self' file:"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {_hash(script)} blob: 'wasm-unsafe-eval'{beside}",
            "worker-src blob:",
            f"style-src {_hash(style)}",
            "img-src data: blob:",
            "media-src blob:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"


def _packed(content: bytes) -> bytes:
    return gzip.compress(content, 9, mtime=0)  # the same page of the same model
