"""A model as ONNX files, measured beside the model that they were made of."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import audioft
from audioft.core.places import PathLike
from audioft.core.progress import Console
from audioft.core.storage import new_folder, write_text
from audioft.core.wording import counted
from audioft.errors import ModelError, UsageError
from audioft.inference.exported import about as said
from audioft.inference.exported.about import About
from audioft.inference.predictor import Predictor
from audioft.models.compression import compressed
from audioft.models.exported import graph_file
from audioft.tasks.export import agreement, quantising, readme, transformers_js
from audioft.tasks.export.agreement import CLOSE, Agreement, Reference
from audioft.tasks.export.asked import Measuring, Wanted


def write(model: PathLike, name: str, place: Path, wanted: Wanted, measuring: Measuring, console: Console) -> Path:
    """Write the folder of an export, whole or not at all; see `audioft.export`."""
    graph_file.needed()
    predictor = Predictor(os.fspath(model), device="cpu")
    if wanted.transformers_js and (why := transformers_js.refused(predictor)) is not None:
        raise UsageError(f"--transformers-js: {why}; leave it out")
    if compressed.in_floats(predictor.model.encoder):
        console.say("note: its layers in 8 bits are exported as floats of the same weights; scores differ by rounding")
    reference = agreement.reference(predictor, model, measuring, console)
    about = _about(predictor, name)
    with new_folder(place) as folder:
        console.say("making a graph of the model")
        graph = graph_file.graph_of(predictor.model, predictor.card.multilabel)
        file = folder / said.FILE
        graph_file.write(graph, file)
        about = _checked(file, about, predictor, reference, console)
        quantised, told = _int8(folder, about, reference, wanted.int8, console)
        if wanted.transformers_js:
            transformers_js.write(graph, predictor, folder, quantised)
        readme.write_labels(folder, about.labels)
        write_text(folder / "README.md", readme.text(about, told))
    return place


def _about(predictor: Predictor, name: str) -> About:
    card, encoder = predictor.card, predictor.model.encoder
    own = {
        k: getattr(card, k) for k in ("labels", "multilabel", "thresholds", "segments", "background", "verification")
    }
    return About(
        audioft=audioft.__version__,
        name=name,
        window=predictor.window,
        sample_rate=encoder.sample_rate,
        time_expansion=encoder.preprocessing.time_expansion,
        band=encoder.preprocessing.band,
        min_samples=encoder.min_samples,
        max_samples=encoder.max_samples,
        canvas_samples=encoder.canvas_samples,
        seconds_per_frame=encoder.seconds_per_frame,
        frame_level=predictor.model.frame_level,
        family=encoder.family,
        **own,
    )


def _checked(file: Path, about: About, predictor: Predictor, reference: Reference | None, console: Console) -> About:
    """What is said of the file in float32, once it has given the same scores.

    Raises:
        ModelError: it does not.
    """
    said.write(file, about)
    exported = Predictor(file, device="cpu")
    found = agreement.noises(predictor).compared(exported)
    worst = found.largest
    if reference is not None:
        found = reference.few(100).compared(exported)
        worst = max(worst, found.largest)
    if not worst <= CLOSE:
        raise ModelError(
            f"the exported model is not written: its scores are up to {worst:.1e} away from the model's own, and "
            f"{CLOSE:.0e} is the most"
        )
    console.say(f"{said.FILE}: {_megabytes(file)}, scores at most {worst:.1e} away from the model's own")
    measured = {"on": "noise" if reference is None else "clips", "agreement": found.told["agreement"]}
    score = None if reference is None else reference.score
    if reference is not None and score is not None:
        own = {"metric": reference.metric, "value": score.value, "low": score.low, "high": score.high}
        measured["score"] = own | {"clips": len(reference.clips)}
    about = replace(about, measured=measured)
    said.write(file, about)
    return about


def _int8(
    folder: Path, about: About, reference: Reference | None, wanted: str, console: Console
) -> tuple[list[int] | None, dict[str, str]]:
    """The places of the products in float32 in the file in int8, None where it is not written; and what is to be said
    of both files, by their names."""
    file, target = folder / said.FILE, folder / said.QUANTISED
    told = {said.FILE: f"float32, {_megabytes(file)}"}
    if wanted == "no":
        return None, told
    about = replace(about, precision="int8")
    if reference is None:
        if wanted == "measured":
            console.say(
                f"{said.QUANTISED} is not written, as nothing was there to measure it on: give --data DATA, or take it "
                "unmeasured (--int8 unmeasured)"
            )
            return None, told
        quantising.write(file, target, replace(about, measured={}))
        told[said.QUANTISED] = f"int8, {_megabytes(target)}; not measured"
        console.say(f"{said.QUANTISED}: {_megabytes(target)}, not measured")
        return [], told
    found, kept, count = quantising.agreeing(file, target, about, reference, console)
    how = f", {len(kept)} of {counted(count, 'product')} in float32" if kept else ""
    if found.wrong is not None and wanted == "measured":
        target.unlink()
        console.say(
            f"{said.QUANTISED} is not written: {found.wrong}; give more clips (--data DATA, --side all), or take it as "
            "it is (--int8 unmeasured)"
        )
        return None, told
    said.write(target, replace(about, measured=_figures(found, kept, count)))
    told[said.QUANTISED] = f"int8, {_megabytes(target)}{how}; {found}"
    console.say(f"{said.QUANTISED}: {_megabytes(target)}{how}; {found}")
    return kept, told


def _figures(found: Agreement, kept: list[int], count: int) -> dict[str, Any]:
    return {**found.told, "on": "clips", "products": count, "products_in_float32": len(kept)}


def _megabytes(file: Path) -> str:
    return f"{file.stat().st_size / 1e6:.1f} MB"
