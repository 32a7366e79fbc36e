"""The files that transformers.js reads: its pipeline for the classification of audio, in a browser or in node."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from audioft.core.storage import read_json, write_json
from audioft.errors import ModelError
from audioft.inference.exported import about as said
from audioft.inference.predictor import Predictor
from audioft.models.exported import graph_file
from audioft.models.exported.classifier import Graph, PipelineGraph
from audioft.tasks.export import quantising

#: Of encoders of waveforms those whose classification class transformers.js 4 knows.
KNOWN = ("wav2vec2", "unispeech", "unispeech-sat", "wavlm", "hubert")
FOLDER = "onnx"


def refused(predictor: Predictor) -> str | None:
    """Why transformers.js cannot run a model; None where it can."""
    model = predictor.model
    if model.encoder.family not in KNOWN:
        return f"it classifies audio with {', '.join(KNOWN)}, and this is {model.encoder.family}"
    if not model.transformers_equivalent:
        return "transformers has no classification class of this head and pooling"
    if predictor.card.multilabel:
        return "its pipeline gives a recording one label, and this model several"
    if not predictor.hearing.plain:
        return f"this model hears recordings {predictor.hearing}, which it does not"
    return None


def write(graph: Graph, predictor: Predictor, folder: Path, quantised: Sequence[int] | None) -> None:
    """Write the files beside those that are there.

    Args:
        graph: of the model.
        predictor: the model.
        folder: the export.
        quantised: the places, among the products, of those that are in float32 in the file in int8; None for no file.
    """
    config = read_json(predictor.folder / "config.json", ModelError)
    if not isinstance(config, dict) or config.get("model_type") == "audioft":
        raise ModelError(f"{predictor.folder} holds no model of transformers: `audioft merge` makes one of an adapter")
    write_json(folder / "config.json", config)
    shutil.copyfile(predictor.folder / "preprocessor_config.json", folder / "preprocessor_config.json")
    place = folder / FOLDER
    place.mkdir()
    file = place / said.FILE
    graph_file.write(PipelineGraph(graph), file)
    if quantised is not None:
        names = quantising.products(file)
        quantising.write(file, place / said.QUANTISED, None, [names[i] for i in quantised])
