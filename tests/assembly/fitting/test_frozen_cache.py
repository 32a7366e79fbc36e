"""Runs whose frozen part is computed once: the same runs, and nothing is trusted that should not be."""

from __future__ import annotations

import json
import shutil

import makers
import pytest
import torch
from checks import best_of
from safetensors.torch import load, load_file, save_file

import audioft
from audioft.assembly.fitting import frozen_states
from audioft.assembly.run_beginning import prepare
from audioft.data.check_cache import default_cache
from audioft.errors import ConfigError
from audioft.models import boundary_store
from audioft.tasks.train import training_run
from audioft.training.checkpoint import Checkpoints

EXACT = {"cache__precision": "float32"}
PLANS = {
    "all": "all",
    "feature_extractor": "feature_extractor",
    "top": {"top": 1},
    "a plan": {0: "all", 1: {"top": 1}, 2: "feature_extractor"},
    "free in the end": {0: "all", 2: "none"},
    "free at first": {0: {"top": 1}, 1: "none", 2: "all"},
}
#: those tried with draws, too; one of them among the fast tests
WITH_DRAWS = [*(pytest.param(p, marks=pytest.mark.slow) for p in ("all", "feature_extractor")), "a plan"]
DRAWN = {
    "augment": [{"name": "gain", "p": 1, "min_db": -9, "max_db": 9}, {"name": "noise", "p": 0.5}],
    "mixup": {"p": 0.5},
    "latent": {"time": 0.2, "time_length": 4},
    "data__max_seconds": 0.4,
}
MOMENTS = {"model__layers": "weighted", "model__pooling": "stats"}
QUIET = audioft.Console(quiet=True)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "audioft" / "states"


def rows(run):
    lines = (run.folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [{k: v for k, v in json.loads(x).items() if k not in ("seconds", "waiting")} for x in lines]


def near(one, other, tolerance):
    """Rows of metrics that say the same up to a tolerance."""
    assert [r.keys() for r in one] == [r.keys() for r in other]
    for a, b in zip(one, other, strict=True):
        for key, value in a.items():
            if isinstance(value, float):
                assert value == pytest.approx(b[key], abs=tolerance), (key, a, b)
            else:
                assert value == b[key]


def entries(place):
    return sorted(place.rglob("*.safetensors"))


@pytest.fixture
def train(two_tones, small_encoder, tmp_path):
    def run(name, **settings):
        usual = {"train__epochs": 3, "train__log_every": 1, "data__valid": 0.3, "data__test": None}
        return makers.train(two_tones, small_encoder, tmp_path / name, **usual | settings)

    return run


@pytest.mark.slow
@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("model", [{}, {"model__layers": "weighted"}, {"model__pooling": "attentive_stats"}, MOMENTS])
def test_it_is_the_same_run(train, plan, model):
    """With what is kept in full precision; the encoder's dropout is drawn above the boundary as without it."""
    common = model | {"freeze": PLANS[plan]}
    plain, cached = train("plain", cache__views=0, **common), train("cached", **common, **EXACT)
    near(rows(cached), rows(plain), 2e-5)
    near(rows(train("half", **common)), rows(plain), 2e-2)


@pytest.mark.parametrize("plan", WITH_DRAWS)
def test_as_many_views_as_epochs_are_the_same_run_too(train, plan, own_cache):
    """All that is drawn is drawn at the same address, whether above the boundary or below it."""
    common = DRAWN | {"freeze": PLANS[plan]}
    plain = train("plain", **common)  # by itself it keeps nothing that is drawn
    assert not entries(own_cache)
    near(rows(train("cached", cache__views=3, **common, **EXACT)), rows(plain), 5e-5)
    one = rows(train("one", cache__views=1, **common, **EXACT))
    near(one[:2], rows(plain)[:2], 5e-5)  # the first epoch
    assert abs(one[4]["loss"] - rows(plain)[4]["loss"]) > 1e-4  # and in the second the first view again


def test_the_encoder_is_heard_once(train, monkeypatch, own_cache):
    seen = []
    features = audioft.models.encoder.Encoder.features

    def counted(self, waveforms, lengths):
        seen.append(len(waveforms))
        return features(self, waveforms, lengths)

    monkeypatch.setattr(audioft.models.encoder.Encoder, "features", counted)
    train("first", freeze="all")
    assert len(entries(own_cache)) == 12
    first = len(seen)  # each clip once, what tells the size, and the report in the end
    seen.clear()
    run = train("second", freeze="all", train__lr=1e-2, model__head="mlp", train__epochs=6)
    assert len(seen) < first - 11
    assert rows(run)[-1]["epoch"] == 6


def stopped_and_resumed(train, tmp_path, monkeypatch, between=lambda: None, **settings):
    """A run that was killed at its fourth step, and went on; and one that was not."""
    whole = train("whole", train__save_steps=1, **settings)
    save = Checkpoints.save

    def save_then_stop(self, model, optimizer, state):
        found = save(self, model, optimizer, state)
        if state.step == 4:
            raise KeyboardInterrupt
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "save", save_then_stop)
        with pytest.raises(KeyboardInterrupt):
            train("stopped", train__save_steps=1, **settings)
    between()
    return whole, audioft.finetune(out=tmp_path / "stopped", resume=True, console=QUIET)


@pytest.mark.parametrize("plan", WITH_DRAWS)
@pytest.mark.parametrize("gone", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_going_on_ends_in_the_same_bits(train, tmp_path, monkeypatch, plan, gone, own_cache):
    """Also where what was kept has been thrown away meanwhile."""
    between = (lambda: shutil.rmtree(own_cache)) if gone else (lambda: None)
    settings = {"freeze": PLANS[plan], "augment": DRAWN["augment"], "cache__views": 2}
    one, other = stopped_and_resumed(train, tmp_path, monkeypatch, between, **settings)
    assert rows(one) == rows(other)
    assert (one.model / "model.safetensors").read_bytes() == (other.model / "model.safetensors").read_bytes()


@pytest.mark.parametrize("start", ["random", "probe"])
def test_summed_layers_below_stats_are_kept_as_moments(train, own_cache, start):
    """In less room than frames, in one way and in the other the run that keeps nothing."""
    how = MOMENTS | {"freeze": "all", "model__start": start}
    plain, sizes = rows(train("plain", cache__views=0, **how)), []
    for moments in (True, False):
        near(rows(train(f"moments {moments}", cache__moments=moments, **how, **EXACT)), plain, 1e-4)
        sizes.append(sum(p.stat().st_size for p in entries(own_cache)))
        shutil.rmtree(own_cache)
    assert sizes[0] < sizes[1] / 2


def test_moments_go_on_in_the_same_bits(train, tmp_path, monkeypatch):
    one, other = stopped_and_resumed(train, tmp_path, monkeypatch, **MOMENTS, freeze="all")
    assert rows(one) == rows(other)


def test_a_run_begun_before_there_were_moments_goes_on_with_frames(train, tmp_path, monkeypatch, own_cache):
    def as_older(folder, config, **given):
        prepare(folder, config, **given)
        text = (folder / "config.yaml").read_text(encoding="utf-8")
        (folder / "config.yaml").write_text(text.replace("  moments: false\n", ""), encoding="utf-8")

    monkeypatch.setattr(training_run, "prepare", as_older)
    one, other = stopped_and_resumed(train, tmp_path, monkeypatch, **MOMENTS, freeze="all", cache__moments=False)
    assert "moments" not in (other.folder / "config.yaml").read_text(encoding="utf-8")
    assert rows(one) == rows(other)
    assert len({p.parent.parent for p in entries(own_cache)}) == 1  # none were kept in the later way


def test_checkpoints_hold_what_changes(train, tmp_path, small_encoder, monkeypatch):
    def change():
        weights = load_file(encoder / "model.safetensors")
        weights["encoder.layers.0.attention.k_proj.bias"] += 1
        save_file(weights, encoder / "model.safetensors", {"format": "pt"})

    run = train("run", freeze={"top": 1})
    kept = load_file(best_of(run.folder) / "model.safetensors")
    assert any("layers.1." in k for k in kept)
    assert not any("layers.0." in k or "feature_extractor" in k for k in kept)
    encoder = tmp_path / "changed"
    shutil.copytree(small_encoder, encoder)
    with pytest.raises(audioft.AudioftError, match="other frozen weights than the one that was loaded now"):
        stopped_and_resumed(train, tmp_path, monkeypatch, change, freeze={"top": 1}, encoder__name=str(encoder))


@pytest.mark.parametrize(
    "damage", ["cut", *(pytest.param(d, marks=pytest.mark.slow) for d in ("flipped", "of another clip"))]
)
def test_a_damaged_or_foreign_entry_is_made_again(train, own_cache, damage):
    first = train("first", freeze={"top": 1})
    found = entries(own_cache)
    before = {p: p.read_bytes() for p in found}
    for path, other in zip(found, [*found[1:], found[0]], strict=True):
        data = before[path]
        flipped = data[:-5] + bytes([data[-5] ^ 255]) + data[-4:]
        path.write_bytes({"cut": data[:-9], "flipped": flipped, "of another clip": before[other]}[damage])
    again = train("again", freeze={"top": 1})
    assert rows(again) == rows(first)
    for path, data in before.items():
        made, wanted = load_file(path), load(data)
        assert all(torch.equal(made[k], wanted[k]) for k in wanted)


@pytest.mark.slow
def test_other_weights_settings_and_contents_have_entries_of_their_own(train, own_cache, two_tones, tmp_path):
    def added(name, **settings):
        before = len(entries(own_cache))
        train(name, **{"freeze": {"top": 1}} | settings)
        return len(entries(own_cache)) - before

    assert added("a") == 12
    assert added("same", train__lr=1e-3, model__head="linear") == 0
    assert added("all", freeze="all") == 12
    assert added("precision", cache__precision="bfloat16") == 12
    changed = makers.encoder(tmp_path / "changed")
    config = json.loads((changed / "preprocessor_config.json").read_text())
    (changed / "preprocessor_config.json").write_text(json.dumps(config | {"do_normalize": False}))
    assert added("preprocessing", encoder__name=str(changed)) == 12
    drawn = {"augment": DRAWN["augment"], "cache__views": 2}
    train_side = 8
    assert added("drawn", **drawn) == 2 * train_side
    assert added("drawn otherwise", **drawn | {"augment": DRAWN["augment"][:1]}) == 2 * train_side
    louder = tmp_path / "louder"
    shutil.copytree(two_tones, louder)
    makers.tone(louder / "high" / "high_00.wav", 2500)
    assert added("another recording", data__source=str(louder)) == 1


def test_the_limit(train, own_cache, capsys, tmp_path, two_tones, small_encoder):
    with pytest.raises(ConfigError, match=r"more than cache.gigabytes=0; raise cache.gigabytes or lower cache.views"):
        train("asked", freeze="all", cache__views=1, cache__gigabytes=0)
    shutil.rmtree(tmp_path / "asked", ignore_errors=True)
    train("not asked", freeze="all", cache__gigabytes=0)
    assert not entries(own_cache)


def test_where_nothing_can_be_kept(train):
    with pytest.raises(ConfigError, match=r"cache.views: nothing stays frozen"):
        train("run", freeze="none", cache__views=1)


def test_a_cache_that_cannot_be_written_lies_in_the_run(train, monkeypatch, tmp_path, own_cache):
    own_cache.parent.mkdir(parents=True, exist_ok=True)
    own_cache.write_text("a file in its place")
    before = train("plain", freeze="all", cache__views=0)
    near(rows(train("run", freeze="all", **EXACT)), rows(before), 2e-5)
    assert not (tmp_path / "run" / "states").exists()  # it goes with the end of the run


def test_numbers_too_large_for_float16_keep_their_size(tmp_path):
    store = boundary_store.Crossings(tmp_path, "float16")
    wide = frozen_states.Crossing(torch.tensor([[1e6, -3.0], [0.5, 123456.0]]), 800, (2, 2))
    for found in (store.put("a", [wide]), boundary_store.Crossings(tmp_path, "float16").get("a")):
        assert torch.allclose(found[0].states, wide.states, rtol=1e-3, atol=0.02)
        assert (found[0].samples, found[0].frames) == (800, (2, 2))


def test_a_clip_that_breaks_off_is_named_and_left_out(two_tones, small_encoder, tmp_path):
    """It passed the check, and was changed since."""
    data = tmp_path / "data"
    shutil.copytree(two_tones, data)
    settings = {"freeze": "all", "data__valid": None, "data__test": None, "train__epochs": 2}
    check = audioft.data.check.check

    def then_cut(*arguments, **more):
        found = check(*arguments, **more)
        path = data / "high" / "high_00.wav"
        path.write_bytes(path.read_bytes()[:3000])
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audioft.data.check, "check", then_cut)
        run = makers.train(data, small_encoder, tmp_path / "run", **settings)
    assert "high_00" in (run.folder / "bad_files.csv").read_text()
    assert default_cache().exists()
