"""Every family as an ONNX file gives the scores of audioft, of a clip alone and in a ragged batch."""

from __future__ import annotations

import numpy as np
import pytest
import tiny
import torch

from audioft.evaluation.scoring import preparation, probabilities
from audioft.inference.exported.labeller import pad
from audioft.models.exported import graph_file
from audioft.models.exported.classifier import PipelineGraph

onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra onnx")
pytest.importorskip("onnxscript", reason="needs the extra onnx")

QUICK = ("wav2vec2", "whisper")
KINDS = [k if k in QUICK else pytest.param(k, marks=pytest.mark.slow) for k in tiny.KINDS]
FORMS = {
    "weighted, stats": {"kind": "wav2vec2-layer", "layers": "weighted", "pooling": "stats"},
    "cut, attentive, cosine": {
        "kind": "wavlm",
        "layers": 2,
        "pooling": {"name": "attentive_stats", "context": True},
        "head": "cosine",
    },
    "xvector, mlp": {
        "kind": "hubert",
        "pooling": {"name": "xvector", "sizes": [16, 20], "kernels": [5, 3], "dilations": [1, 2]},
        "head": "mlp",
    },
    "before the first layer": {"kind": "bert", "layers": 0, "pooling": "mean"},
    "frames": {"kind": "sew", "pooling": "none"},
    "frames of a canvas": {"kind": "whisper", "pooling": "none"},
    "prototypes": {"kind": "wav2vec2", "head": "prototype"},
}


def session(model, path, multilabel=False, form=None):
    graph = graph_file.graph_of(model, multilabel)
    graph_file.write(graph if form is None else form(graph), path)
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def clips(encoder) -> list[np.ndarray]:
    """Of lengths that leave odd and even numbers of frames, the shortest that goes through, and a shorter one."""
    most = encoder.max_samples or 40000
    lengths = [16000, 5000, 9001, most - 40, 12321, encoder.min_samples, encoder.min_samples - 1]
    rng = np.random.default_rng(0)
    return [(rng.normal(0.02, 0.01 + 0.05 * i, max(1, n))).astype(np.float32) for i, n in enumerate(lengths)]


def expected(model, clip, multilabel=False):
    with torch.inference_mode():
        waveforms, lengths = tiny.batch([preparation(model)(clip)])
        pooled = model.embed(waveforms, lengths)
        own = getattr(model.head, "embed", lambda x: x)
        return probabilities(model.head(pooled), multilabel)[0].numpy(), own(pooled)[0].numpy()


@pytest.mark.parametrize("kind", KINDS)
def test_a_family_gives_the_same_scores_alone_and_in_a_batch(kind, tmp_path):
    model = tiny.make_classifier(kind)
    own = clips(model.encoder)
    run = session(model, tmp_path / "model.onnx")
    names = [(i.name, i.type) for i in run.get_inputs()]
    assert names == [("waveform", "tensor(float)"), ("lengths", "tensor(int64)")]
    assert run.get_inputs()[0].shape == ["batch", "samples"]
    waveform, lengths = pad(own, model.encoder.min_samples)
    scores, embedding = run.run(None, {"waveform": waveform, "lengths": lengths})
    for clip, row, vector in zip(own, scores, embedding, strict=True):
        wanted, pooled = expected(model, clip)
        np.testing.assert_allclose(row, wanted, atol=2e-6)
        np.testing.assert_allclose(vector, pooled, atol=1e-5 * np.abs(pooled).max())
        alone, count = pad([clip], model.encoder.min_samples)
        np.testing.assert_allclose(run.run(["scores"], {"waveform": alone, "lengths": count})[0][0], row, atol=1e-5)
    assert np.ptp(scores, axis=0).max() > 1e-3  # or all this would show nothing


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("multilabel", [False, True])
def test_poolings_heads_and_cut_layers(form, multilabel, tmp_path):
    model = tiny.make_classifier(**FORMS[form])
    own = clips(model.encoder)[:4]
    run = session(model, tmp_path / "model.onnx", multilabel)
    waveform, lengths = pad(own, model.encoder.min_samples)
    scores, other = run.run(None, {"waveform": waveform, "lengths": lengths})
    for i, clip in enumerate(own):
        wanted, pooled = expected(model, clip, multilabel)
        if model.frame_level:
            count = int(model.encoder.frame_lengths(torch.tensor([len(clip)]))[0])
            assert other[i] == count
            np.testing.assert_allclose(scores[i][:count], wanted[:count], atol=5e-6)
        else:
            np.testing.assert_allclose(scores[i], wanted, atol=5e-6)
            np.testing.assert_allclose(other[i], pooled, atol=1e-5 * np.abs(pooled).max())


@pytest.mark.slow
def test_an_ensemble_is_one_file(tmp_path):
    from audioft.models.card import ModelCard
    from audioft.models.ensembles.combining import Average
    from audioft.models.ensembles.ensemble import Ensemble, Member

    labels = ("a", "b", "c")
    kinds = ("wav2vec2", "whisper")
    members = [Member(k, tiny.make_classifier(k), ModelCard(labels, False, 1.0)) for k in kinds]
    model = Ensemble(members, labels, Average(torch.ones(2, 3, dtype=torch.bool), False)).eval()
    run = session(model, tmp_path / "model.onnx")
    own = clips(model.encoder)[1:3]
    waveform, lengths = pad(own, model.encoder.min_samples)
    scores = run.run(["scores"], {"waveform": waveform, "lengths": lengths})[0]
    for clip, row in zip(own, scores, strict=True):
        np.testing.assert_allclose(row, expected(model, clip)[0], atol=2e-6)


@pytest.mark.slow
def test_adapters_are_merged(tmp_path):
    from audioft.models.adapting import adapt

    model = tiny.make_classifier("wavlm")
    adapt(model.encoder, "lora", {"top": 2}, seed=0)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "lora_B" in name:
                p.normal_(0, 0.3)
    clip = clips(model.encoder)[0]
    wanted = expected(model.eval(), clip)[0]
    waveform, lengths = pad([clip], 400)
    found = session(model, tmp_path / "model.onnx").run(["scores"], {"waveform": waveform, "lengths": lengths})[0][0]
    np.testing.assert_allclose(found, wanted, atol=2e-6)
    assert model.encoder.tuned is not None


@pytest.mark.slow
def test_the_form_of_transformers_js_takes_what_its_extractor_gives(tmp_path):
    model = tiny.make_classifier("wav2vec2")
    run = session(model, tmp_path / "model.onnx", form=PipelineGraph)
    clip = preparation(model)(clips(model.encoder)[1]).numpy()
    given = {"input_values": clip[None], "attention_mask": np.ones((1, len(clip)), np.int64)}
    (logits,) = run.run(["logits"], given)
    with torch.inference_mode():
        wanted = model(torch.from_numpy(clip)[None], torch.tensor([len(clip)]))
    np.testing.assert_allclose(logits, wanted, atol=1e-5)


def test_a_file_names_nothing_of_the_machine_that_made_it(tmp_path):
    session(tiny.make_classifier("whisper"), tmp_path / "model.onnx")
    content = (tmp_path / "model.onnx").read_bytes()
    assert b"stack_trace" not in content
    assert b".py" not in content
