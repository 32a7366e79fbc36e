"""The examples in docstrings run as they stand."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import makers
import pytest

import audioft

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    m.name
    for m in pkgutil.walk_packages(audioft.__path__, "audioft.")
    if m.name != "audioft.__main__" and ">>>" in m.module_finder.find_spec(m.name).loader.get_source(m.name)
)
#: those whose examples train for seconds
LONG = {"audioft.tasks.train.api", "audioft.tasks.pretrain.api", "audioft.tasks.probe.api"}
#: those whose examples label the sample keywords with a model
NEED_A_MODEL = {
    *("audioft.tasks.train.api", "audioft.tasks.evaluate.api", "audioft.tasks.predict.api"),
    *("audioft.tasks.relabel.api", "audioft.tasks.speakers.api", "audioft.tasks.speakers.trials_api"),
    *(
        "audioft.evaluation.report",
        "audioft.tasks.compare.api",
        "audioft.tasks.compress.api",
        "audioft.inference.predictor",
        "audioft.tasks.ensemble.api",
        "audioft.tasks.export.api",
        "audioft.tasks.explain.api",
        "audioft.tasks.report.api",
        "audioft.tasks.robustness.api",
    ),
}


@pytest.fixture(scope="module")
def keywords(tmp_path_factory):
    """A run on the sample keywords, called `trained` in the examples."""
    return makers.train(ROOT / "samples" / "keywords", Path("mini"), tmp_path_factory.mktemp("runs") / "keywords")


@pytest.fixture(scope="module")
def adapted(tmp_path_factory, two_tones, small_encoder):
    """A model folder with an adapter alone."""
    out = tmp_path_factory.mktemp("runs") / "adapted"
    return makers.train(two_tones, small_encoder, out, adapt={"name": "lora", "save": "adapter"})


@pytest.mark.parametrize("name", audioft.__all__)
def test_a_public_name_has_an_example(name):
    assert ">>>" in (getattr(audioft, name).__doc__ or "")


@pytest.mark.parametrize(
    "name", [pytest.param(m, marks=[pytest.mark.slow] * (m in LONG)) for m in ("audioft", *MODULES)]
)
def test_examples_run(name, request, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    module = importlib.import_module(name)
    names = vars(module) | {"tmp": tmp_path, "Console": audioft.Console}
    if name in NEED_A_MODEL:
        names["trained"] = request.getfixturevalue("keywords")
    if name == "audioft.tasks.export.api":
        pytest.importorskip("onnxscript", reason="needs the extra onnx")
    if name == "audioft.tasks.ensemble.api":
        names["again"] = makers.train(ROOT / "samples" / "keywords", Path("mini"), tmp_path / "again", seed=1)
    if name == "audioft.tasks.merge.api":
        names["adapted"] = request.getfixturevalue("adapted")
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    finder = doctest.DocTestFinder()
    for test in (t for t in finder.find(module, name, module=module, extraglobs=names) if t.examples):
        report: list[str] = []
        assert not runner.run(test, out=report.append).failed, "".join(report)
