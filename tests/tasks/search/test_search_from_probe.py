"""`audioft search --from-probe`: the probe's encoder is that of the study, its layer and pooling are trial 1."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import makers
import pytest
import yaml

import audioft
from audioft.assembly import kept_probe, recordings
from audioft.errors import UsageError

pytest.importorskip("optuna")

from audioft.tasks.search import probed
from audioft.tasks.search.space import Space

QUIET = audioft.Console(quiet=True)
SIDES = {"data.valid": 0.25, "data.test": 0.25}  # a side hangs on the other one
QUICK = {**makers.QUICK, **SIDES, "train.batch_size": 8}
SIDES_OF = {k.removeprefix("data."): v for k, v in SIDES.items()}
SPACE = {"train.lr": {"log": [1e-4, 1e-2]}}
FROZEN = {"freeze": "all"}  # as the encoder was for the probe; a head that begins at random lets it train


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return makers.tones(tmp_path_factory.mktemp("search") / "tones", each=8)


@pytest.fixture(scope="module")
def probe(data, small_encoder, tmp_path_factory):
    out = tmp_path_factory.mktemp("probe") / "probe"
    audioft.compare_encoders(data, [small_encoder], out=out, overrides=SIDES, cache=False, console=QUIET)
    return out


@pytest.fixture(scope="module")
def search(data, probe):
    def call(out, where=data, **given):
        how = {"trials": 2, "folds": 2, "seeds": 1, "space": SPACE, "overrides": QUICK, "console": QUIET}
        return audioft.search(where, out=out, **{"from_probe": probe, **how, **given})

    return call


def test_the_encoder_and_an_early_trial_are_the_probes(search, probe, small_encoder, tmp_path):
    kept = json.loads((probe / "classifier" / "classifier.json").read_text())
    found = search(tmp_path / "study", trials=3)
    assert found.trials[0].settings == {}
    assert found.trials[1].settings == {"model.layers": kept["layer"], "model.pooling": kept["pooling"], **FROZEN}
    assert set(found.trials[2].settings) == {"train.lr"}
    assert [e.state for e in found.trials] == ["complete"] * 3
    assert yaml.safe_load((tmp_path / "study" / "config.yaml").read_text())["encoder"]["name"] == str(small_encoder)
    more = audioft.search(out=tmp_path / "study", trials=4, seeds=1, resume=True, console=QUIET)
    assert [e.settings for e in more.trials[:3]] == [e.settings for e in found.trials]


@pytest.mark.parametrize("given", [{"model.layers": 1}, {"model.pooling": "mean"}])
def test_what_is_given_stands(search, tmp_path, given):
    found = search(tmp_path / "study", overrides={**QUICK, **given})
    assert set(found.trials[1].settings) == {"train.lr"}


@pytest.mark.parametrize(("layer", "start", "tried"), [(2, "probe", False), (2, "random", True), (1, "probe", True)])
def test_the_last_layer_is_no_trial_where_each_tries_it_by_itself(probe, data, small_encoder, layer, start, tried):
    config = audioft.Config(data={"source": str(data), **SIDES_OF}, encoder={"name": str(small_encoder)})
    config = config.model_copy(update={"model": config.model.model_copy(update={"start": start})})
    kept = replace(kept_probe.read(probe), layer=layer)
    found = probed.start(kept, Space((), {}), config, recordings.load(config, QUIET), QUIET)
    assert (found is not None) == tried


def test_what_is_searched_has_the_probes_choice_among_its_values_or_it_is_no_trial(search, probe, tmp_path):
    kept = json.loads((probe / "classifier" / "classifier.json").read_text())
    other = "mean" if kept["pooling"] == "stats" else "stats"
    within = {**SPACE, "model.pooling": {"choice": [other, kept["pooling"]]}}
    assert "model.layers" in search(tmp_path / "a", space=within).trials[1].settings
    without = {**SPACE, "model.pooling": {"choice": [other, "own"]}}
    assert "model.layers" not in search(tmp_path / "b", space=without).trials[1].settings


def test_a_probe_that_has_heard_the_test_side_is_refused(search, tmp_path):
    with pytest.raises(UsageError, match=r"test clips w\w+ trained on by the probe .*data.valid=0.25 data.test=0.5`"):
        search(tmp_path / "study", overrides={**QUICK, "data.test": 0.5})
    assert not (tmp_path / "study").exists()


def test_a_probe_of_other_data_is_refused(search, data, tmp_path):
    shutil.copytree(data, tmp_path / "named")
    (tmp_path / "named" / "high").rename(tmp_path / "named" / "shrill")
    with pytest.raises(UsageError, match="of other data: its labels are"):
        search(tmp_path / "study", where=tmp_path / "named")
    other = makers.tones(tmp_path / "other", each=8, seed=50)
    with pytest.raises(UsageError, match="that it has learnt from are not in"):
        search(tmp_path / "study", where=other)


def test_another_encoder_or_a_model_beside_it_is_refused(search, trained, tmp_path):
    with pytest.raises(UsageError, match=r"encoder.name: mini, but the probe"):
        search(tmp_path / "study", encoder="mini")
    with pytest.raises(UsageError, match="leave out --from or --from-probe"):
        search(tmp_path / "study", start=trained.model)


def test_there_must_be_a_probe(search, tmp_path):
    with pytest.raises(UsageError, match="no such folder"):
        search(tmp_path / "study", from_probe=tmp_path / "nowhere")
