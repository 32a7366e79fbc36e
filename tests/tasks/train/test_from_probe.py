"""`audioft train --from-probe`: the model's scores are the probe's, and what contradicts it is told."""

from __future__ import annotations

import csv
import json
import shutil

import makers
import numpy as np
import passes
import pytest
import soundfile
import tiny

import audioft
from audioft.assembly import kept_probe
from audioft.core.progress import Console
from audioft.errors import AudioftError
from audioft.evaluation.linear import Linear
from audioft.evaluation.probe import embed
from audioft.evaluation.scoring import preparation_of
from audioft.models import heard
from audioft.models.loading import load_encoder


def probe(data, encoder, out, **overrides):
    """The kept probe of one encoder."""
    with pytest.MonkeyPatch.context() as patched:
        passes.here(patched)
        how = {"out": out, "overrides": overrides, "cache": False, "console": Console(quiet=True)}
        audioft.compare_encoders(data, [encoder], **how)
    return out


def from_probe(place, out, **how):
    return audioft.finetune(from_probe=place, out=out, console=Console(quiet=True), **how)


def own_scores(place, encoder, paths):
    """What the probe itself says of recordings, `(N, C)`, from every layer of the whole encoder."""
    from safetensors.numpy import load_file

    kept = kept_probe.read(place)
    loaded, _ = load_encoder(str(encoder))
    prepare = preparation_of(loaded)
    waves = [prepare(soundfile.read(p, dtype="float32")[0]) for p in paths]
    features = embed(loaded, waves).reshape(len(paths), loaded.num_layers + 1, -1)[:, kept.layer]
    width = features.shape[1] // (2 if kept.pooling == "mean" else 1)
    linear = Linear(**load_file(kept.place / kept_probe.WEIGHTS), multilabel=kept.multilabel)
    return linear.scores(features[:, :width])


def assert_same_scores(place, encoder, data, run):
    paths = sorted(data.rglob("*.wav"))[::3]
    labels = kept_probe.read(place).labels
    ours = np.array([[one.scores[label] for label in labels] for one in audioft.predict(run, paths)])
    assert np.abs(ours - own_scores(place, encoder, paths)).max() < 1e-5
    assert np.ptp(ours, axis=0).max() > 1e-3


@pytest.fixture(scope="module")
def kept(two_tones, small_encoder, tmp_path_factory):
    return probe(two_tones, small_encoder, tmp_path_factory.mktemp("probe") / "out")


def test_one_of_two_labels_from_folds(kept, two_tones, small_encoder, tmp_path, audioft_command):
    out = tmp_path / "run"
    code, _, said = audioft_command("train", "--from-probe", kept, "--out", out)
    assert code == 0, said
    assert f"audioft evaluate {out} DATA" in said
    assert_same_scores(kept, small_encoder, two_tones, out)
    assert not (out / "report.json").exists()
    readme = (out / "model" / "README.md").read_text()
    assert f"accuracy {kept_probe.read(kept).figure.value:.3f}" in readme
    assert "5 folds" in readme
    assert audioft.Run(out).config.freeze == "all"
    learnt = heard.of_folder(out / "model")
    assert list(learnt.recordings.values()) == ["train"] * 12


@pytest.mark.parametrize("kind", tiny.EVERY)
def test_three_labels_and_a_test_side_in_every_family(kind, tones, encoder_folder, tmp_path):
    encoder = encoder_folder(kind)
    place = probe(tones, encoder, tmp_path / "out", **{"data.test": 0.3, "data.max_seconds": 2.0, "seed": 3})
    run = from_probe(place, tmp_path / "run")
    assert_same_scores(place, encoder, tones, run)
    assert run.report.side == "test"
    assert run.report.metrics["accuracy"].value == pytest.approx(kept_probe.read(place).figure.value)
    assert (run.folder / "report.html").is_file()
    told = {r["split"] for r in csv.DictReader((run.folder / "manifest.csv").open())}
    assert told == {"train", "test"} == set(heard.of_folder(run.model).recordings.values())


@pytest.mark.parametrize("sides", [True, False])
def test_several_labels_partly_known(sides, chords, small_encoder, tmp_path):
    data = chords
    if not sides:
        data = shutil.copytree(chords, tmp_path / "chords")
        lines = (chords / "metadata.csv").read_text().splitlines()
        rows = [",".join(line.split(",")[:2]) for line in lines]
        (data / "metadata.csv").write_text("\n".join([*rows, ""]))
    place = probe(data, small_encoder, tmp_path / "out")
    run = from_probe(place, tmp_path / "run")
    assert kept_probe.read(place).multilabel
    assert (kept_probe.read(place).thresholds is not None) == sides
    assert (run.folder / "report.json").is_file() == sides
    assert_same_scores(place, small_encoder, chords, run)


def test_what_else_can_be_done_with_it(kept, two_tones, tmp_path):
    run = from_probe(kept, tmp_path / "run")
    quiet = Console(quiet=True)
    assert audioft.evaluate(run, two_tones, console=quiet).clips == 12
    how = {"out": tmp_path / "further", "overrides": makers.QUICK, "console": quiet}
    further = audioft.finetune(two_tones, start=run.folder, **how)
    assert json.loads((further.model / "audioft.json").read_text())["layers"] == kept_probe.read(kept).layer
    again = from_probe(kept, tmp_path / "run", overwrite=True)
    assert again.config == run.config
    assert audioft.finetune(config=run.config, out=tmp_path / "same", console=quiet).model.is_dir()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--from", "mini"), "leave out --from"),
        (("--few-shot",), "leave out --few-shot"),
        (("--each",), "leave out --each"),
        (("--dry-run",), "leave out --dry-run"),
        (("--encoder", "mini"), "encoder.name: mini, but the probe in"),
        (("elsewhere",), "data.source: "),
        (("model.layers=weighted",), "model.layers: weighted, but the probe in"),
        (("train.epochs=3",), "train.epochs: 3, but the probe in"),
    ],
)
def test_what_contradicts_it_is_told(more, said, kept, refused, tmp_path):
    refused("train", *more, "--from-probe", kept, "--out", tmp_path / "run", code=2, said=(said,))
    assert not (tmp_path / "run").exists()


def test_a_folder_without_a_probe_or_of_another_version_or_damaged(kept, refused, tmp_path):
    def told(place, *said, code=2):
        refused("train", "--from-probe", place, "--out", tmp_path / "run", code=code, said=said)

    told(tmp_path / "nowhere", "no such folder", "audioft probe DATA --out")
    (tmp_path / "empty").mkdir()
    told(tmp_path / "empty", "there is no probe in it")
    old = shutil.copytree(kept, tmp_path / "old", ignore=shutil.ignore_patterns("classifier"))
    told(old, "older audioft", "--overwrite")
    other = shutil.copytree(kept, tmp_path / "other")
    about = other / "classifier" / "classifier.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | {"format_version": 9}))
    told(other, "format_version 9, this audioft reads 1", code=1)
    broken = shutil.copytree(kept, tmp_path / "broken")
    weights = broken / "classifier" / "classifier.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    told(broken, "classifier.safetensors", "probe again", code=1)


def test_an_encoder_that_has_changed_or_is_gone(two_tones, tmp_path, small_encoder):
    encoder = shutil.copytree(small_encoder, tmp_path / "encoder")
    place = probe(two_tones, encoder, tmp_path / "out")
    shutil.rmtree(encoder)
    with pytest.raises(AudioftError, match="which is not there"):
        from_probe(place, tmp_path / "run")
    tiny.save_encoder(encoder, "wav2vec2")
    with pytest.raises(AudioftError, match="of another encoder than"):
        from_probe(place, tmp_path / "run")
    assert not (tmp_path / "run").exists()


CHANGED = {
    "config.json": ("layer_norm_eps", 0.1),
    "preprocessor_config.json": ("do_normalize", False),
}


@pytest.mark.parametrize("file", CHANGED)
def test_an_encoder_of_other_settings(file, kept, two_tones, tmp_path, small_encoder):
    encoder = shutil.copytree(small_encoder, tmp_path / "encoder")
    place = probe(two_tones, encoder, tmp_path / "out")
    said = json.loads((encoder / file).read_text())
    key, value = CHANGED[file]
    (encoder / file).write_text(json.dumps(said | {key: value}))
    with pytest.raises(AudioftError, match=rf"another encoder than .* is today: .*{file}.* was .*, is "):
        from_probe(place, tmp_path / "run")
    (encoder / file).write_text(json.dumps(said | {"of_another_version": 1}))
    assert from_probe(place, tmp_path / "run").model.is_dir()


def test_a_probe_that_fails_half_way_leaves_the_one_before(kept, two_tones, small_encoder, tmp_path, monkeypatch):
    place = shutil.copytree(kept, tmp_path / "out")
    before = makers.files(place)

    def full(*args, **how):
        raise AudioftError("the disk is full")

    passes.here(monkeypatch)
    monkeypatch.setattr(kept_probe, "write", full)
    for out, left in ((place, before), (tmp_path / "none", {})):
        with pytest.raises(AudioftError, match="the disk is full"):
            audioft.compare_encoders(
                two_tones, [small_encoder], out=out, overrides={"seed": 4}, overwrite=True, console=Console(quiet=True)
            )
        assert makers.files(out) == left
    assert not (tmp_path / "none").exists()


def test_a_classifier_of_another_comparison(kept, tmp_path):
    place = shutil.copytree(kept, tmp_path / "out")
    (place / "probe.json").write_text("{}")
    with pytest.raises(AudioftError, match=r"is not of the comparison in .*probe again"):
        from_probe(place, tmp_path / "run")
    (place / "probe.json").unlink()
    assert from_probe(place / "classifier", tmp_path / "run").model.is_dir()


@pytest.mark.parametrize("sides", [{}, {"data.test": 0.3, "start.keep_sides": False}])
def test_what_the_encoder_was_trained_on_stays_told(sides, trained, two_tones, tmp_path, audioft_command):
    place = probe(two_tones, trained.model, tmp_path / "out", **sides)
    code, _, said = audioft_command("train", "--from-probe", place, "--out", tmp_path / "run")
    assert code == 0, said
    readme = (tmp_path / "run" / "model" / "README.md").read_text()
    for told in (said, readme, *([] if not sides else [(tmp_path / "run" / "report.html").read_text()])):
        assert "trained on by" in told
        assert "too good" in told


@pytest.mark.parametrize("given", [(), ("--from-probe", "MOVED")], ids=["as it was", "where it lies"])
@pytest.mark.parametrize("whole", [True, False])
def test_a_run_whose_probe_was_moved(given, whole, kept, tmp_path, audioft_command, refused):
    place = shutil.copytree(kept, tmp_path / "probe")
    run = from_probe(place, tmp_path / "run").folder
    before = makers.files(run)
    moved = place.rename(tmp_path / "moved")
    call = ["train", *(str(moved) if x == "MOVED" else x for x in given), "--out", run, "--resume"]
    if not whole:
        shutil.rmtree(run / "model")
    if not whole and not given:
        refused(*call, code=2, said=(f"probe {place}: no such folder", "--from-probe PLACE"))
        return
    code, _, said = audioft_command(*call)
    assert code == 0, said
    assert ("is finished" in said) == whole
    after = makers.files(run)
    assert after.keys() == before.keys()
    assert after["model/model.safetensors"] == before["model/model.safetensors"]
    assert str(audioft.Run(run).config.start.probe) == str(place if whole else moved)


def test_the_settings_of_a_run_whose_probe_was_moved(kept, tmp_path, refused):
    place = shutil.copytree(kept, tmp_path / "probe")
    run = from_probe(place, tmp_path / "run").folder
    place.rename(tmp_path / "moved")
    said = (f"probe {place}: no such folder", "--from-probe PLACE (and no --config)")
    refused("train", "--config", run / "config.yaml", "--out", tmp_path / "again", code=2, said=said)
    assert not (tmp_path / "again").exists()
