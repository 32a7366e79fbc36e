"""Encoders compared: the rules of the suggestion, the figures, and the command on tiny tones."""

from __future__ import annotations

import csv
import io
import json
import logging
import shlex
import shutil

import makers
import numpy as np
import pytest

from audioft import choosing, frozen
from audioft.errors import ModelError
from audioft.evaluation.comparison import Comparison, Row
from audioft.evaluation.layer_probes import LabelTask, Score, several_folds
from audioft.evaluation.probe import C
from audioft.evaluation.suggestion import Suggestion, suggest
from audioft.models import hub
from audioft.models.loading import load_encoder


def row(name: str, *values: float, cost: float | None = 1.0, parameters: int = 100, wide: float = 0.05) -> Row:
    layers = tuple(Score(v, v - wide, v + wide) for v in values)
    return Row(name, layers, parameters, 32, cost, 10**6)


LOW = Score(0.2, 0.1, 0.3)


def chosen(rows, per_label: float = 100, floor: Score | None = LOW) -> Suggestion:
    found = suggest(rows, floor, per_label)
    assert found is not None
    return found


def test_the_best_encoder_is_taken_where_it_stands_out():
    found = chosen([row("small", 0.5, 0.6, cost=0.1), row("large", 0.5, 0.9, cost=9)])
    assert (found.encoder, found.settings) == ("large", ("freeze=feature_extractor",))
    assert "best of 2" in found.why[0]


def test_the_cheapest_within_the_interval_of_the_best_is_taken():
    rows = [row("a", 0.86, cost=5), row("b", 0.88, cost=9), row("c", 0.85, cost=2), row("d", 0.8, cost=1)]
    found = chosen(rows)
    assert found.encoder == "c"
    assert "2.00 s a minute of sound instead of 9.00" in found.why[0]
    untimed = [row("b", 0.88, cost=None, parameters=900), row("c", 0.85, cost=2, parameters=1000)]
    assert chosen(untimed).encoder == "b"
    alike = [row("x", 0.85, cost=2), row("y", 0.86, cost=2)]
    assert chosen(alike).encoder == "y"


def test_layers_above_the_best_are_trained_where_the_last_is_clearly_worse():
    found = chosen([row("a", 0.5, 0.7, 0.9, 0.8, 0.7)])
    assert found.settings == ("freeze={top: 2}",)
    assert "up to layer 2" in found.why[1]
    assert chosen([row("a", 0.5, 0.7, 0.9, 0.88, 0.86)]).settings == ("freeze=feature_extractor",)
    assert chosen([row("a", 0.9, 0.7)]).settings == ("freeze={top: 1}",)


def test_one_clip_of_a_few_is_no_clear_difference():
    """20 of 20 have an interval of no width; 19 of 20 are not clearly less."""
    perfect, nearly = Score(1, 1, 1), Score(0.95, 0.85, 1)
    found = chosen([Row("a", (perfect, nearly), 1, 1)], floor=nearly)
    assert found.settings == ("freeze=feature_extractor",)
    assert "log-mel" in found.why[-1]


@pytest.mark.parametrize("per_label", [5, 50])
@pytest.mark.parametrize("values", [(0.5, 0.9), (0.9, 0.5)])
def test_what_is_suggested_is_a_call_that_can_be_made(values, per_label):
    from audioft import api
    from audioft.cli import parse
    from audioft.verbs.arguments import sources_and_overrides

    words = shlex.split(chosen([row("my encoder", *values)], per_label).command("my data", ["data.test=fold=5"]))
    options = parse(words[1:])
    sources, overrides = sources_and_overrides(options.items)
    assert (options.name, options.encoder, sources) == ("train", "my encoder", ["my data"])
    assert api.settings(overrides=overrides).data.test == "fold=5"


@pytest.mark.parametrize(
    ("values", "settings"),
    [((0.5, 0.9), ("freeze=all",)), ((0.5, 0.9, 0.7), ("freeze=all", "model.layers=weighted"))],
)
def test_of_few_clips_the_encoder_is_left_as_it_is(values, settings):
    assert chosen([row("a", *values)], per_label=19.5).settings == settings
    assert "freeze=all" not in chosen([row("a", *values)], per_label=20).settings
    assert "about 6 clips" in " ".join(chosen([row("a", *values)], per_label=6.5).why)
    assert "about 1 clip to" in " ".join(chosen([row("a", *values)], per_label=1).why)


def test_what_is_no_better_than_a_spectrum_is_said():
    assert "log-mel" in chosen([row("a", 0.5)], floor=Score(0.46, 0.42, 0.49)).why[-1]
    assert "log-mel" in chosen([row("a", 0.5)], floor=Score(0.44, 0.38, 0.5)).why[-1]
    assert "log-mel" not in " ".join(chosen([row("a", 0.5)], floor=Score(0.44, 0.4, 0.49)).why)
    assert "log-mel" not in " ".join(chosen([row("a", 0.5)], floor=None).why)


def test_failed_encoders_are_no_suggestion_and_one_group_has_no_interval():
    assert suggest([Row("gone", problem="not there")], LOW, 100) is None
    alone = Row("a", (Score(0.9, np.nan, np.nan), Score(0.8, np.nan, np.nan)), 1, 1)
    found = chosen([alone, Row("gone", problem="not there")])
    assert (found.encoder, found.settings) == ("a", ("freeze={top: 1}",))


def test_the_table_names_what_failed_and_sorts_by_score():
    base = row("log-mel", 0.4)
    found = Comparison((row("a", 0.5, 0.6), row("b", 0.9, 0.7), Row("gone", problem="no such folder")), base,
                       "accuracy", 0.1, "tones", (("Take b.",), "audioft train"))  # fmt: skip
    lines = found.text(layers=True).splitlines()
    assert [line.split()[0] for line in lines[2:7]] == ["encoder", "b", "a", "log-mel", "gone"]
    assert "0 of 1" in lines[3]
    assert "FAILED: no such folder" in lines[6]
    assert sum(line.startswith("b ") for line in lines) == 3
    assert json.loads(json.dumps(found.json(), allow_nan=False))["encoders"][2]["problem"] == "no such folder"


def task(multilabel: bool, several: int = 2) -> tuple[LabelTask, np.ndarray]:
    rng = np.random.default_rng(0)
    targets = np.eye(3)[rng.integers(0, 3, 60)]
    if multilabel:
        targets = np.maximum(targets, rng.random((60, 3)) < 0.2).astype(float)
    features = (targets @ rng.normal(size=(3, 8)) + rng.normal(0, 0.7, (60, 8))).astype(np.float32)
    test = np.arange(60) % several == 0
    known = np.ones((60, 3), bool)
    groups = np.array([f"g{i // 3}" for i in range(60)])
    return LabelTask(("x", "y", "z"), multilabel, targets, known, groups, [(~test, test)], ""), features


def test_several_labels_are_measured_by_scikit_learns_average_precision():
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import average_precision_score
    from sklearn.preprocessing import StandardScaler

    asked, features = task(multilabel=True)
    asked.known[5, 1] = asked.known[4, 2] = False  # one to learn from, one to test on
    asked.targets[5, 1] = 1 - asked.targets[5, 1]  # what is not known must not matter
    found = asked.score(features)
    ((learn, test),) = asked.splits
    expected = []
    for c in range(3):
        rows, judged = learn & asked.known[:, c], test & asked.known[:, c]
        scaler = StandardScaler().fit(features[rows])
        model = LogisticRegression(C=C, max_iter=500).fit(scaler.transform(features[rows]), asked.targets[rows, c])
        scores = model.predict_proba(scaler.transform(features[judged]))[:, 1]
        expected.append(average_precision_score(asked.targets[judged, c], scores))
    assert found.value == pytest.approx(np.mean(expected), abs=1e-4)
    assert found.low < found.value < found.high
    assert asked.metric == "map"
    assert asked.chance < found.value


def test_a_label_that_is_never_learnt_ranks_nothing():
    asked, features = task(multilabel=True)
    ((learn, test),) = asked.splits
    asked.targets[learn, 0] = 0
    share = asked.targets[test, 0].mean()
    alone = LabelTask(("x",), True, asked.targets[:, :1], asked.known[:, :1], asked.groups, asked.splits, "")
    assert alone.score(features).value == pytest.approx(share)


def test_one_label_is_measured_by_accuracy_and_one_group_has_no_interval():
    asked, features = task(multilabel=False)
    found = asked.score(features)
    assert found.low < found.value < found.high
    assert asked.chance == pytest.approx(asked.targets.sum(0).max() / 60)
    assert asked.per_label == np.median(asked.targets[asked.splits[0][0]].sum(0))
    together = LabelTask(asked.labels, False, asked.targets, asked.known, np.array(["g"] * 60), asked.splits, "")
    assert np.isnan(together.score(features).low)
    assert together.score(features).value == found.value


def test_folds_of_several_labels_keep_groups_apart_and_test_every_clip_once():
    asked, _ = task(multilabel=True)
    folds = several_folds(asked.targets, asked.groups.tolist(), 0)
    assert len(folds) == 5
    assert (sum(test.astype(int) for _, test in folds) == 1).all()
    assert not any(set(asked.groups[learn]) & set(asked.groups[test]) for learn, test in folds)
    with pytest.raises(ValueError, match="one group"):
        several_folds(asked.targets, ["g"] * 60, 0)


@pytest.fixture
def here(monkeypatch):
    """The passes in this process: a new one takes seconds to begin. What goes through the encoder is counted."""
    from audioft.evaluation import embeddings

    counted: list[int] = []
    embed = embeddings.embed

    def counting(encoder, waveforms, *rest):
        counted.append(len(waveforms))
        return embed(encoder, waveforms, *rest)

    def features(order, progress):
        said: list[dict] = []
        try:
            frozen.carry_out(order, lambda answer: (said.append(answer), progress(answer.get("done", 0))))
        except Exception as e:
            raise ModelError(str(e)) from e
        return np.load(order.result), frozen.Passed(**said[-1]["passed"])

    monkeypatch.setattr(embeddings, "embed", counting)
    monkeypatch.setattr(choosing, "features", features)
    return counted


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "audioft" / "embeddings"


def test_encoders_on_tones(here, cache, two_tones, small_encoder, encoder_folder, audioft_command, tmp_path):
    other, out = encoder_folder("hubert"), tmp_path / "out"
    call = ("probe", two_tones, "--encoders", f"{small_encoder},{other}", "--out", out, "--layers")
    code, table, said = audioft_command(*call)
    assert code == 0, said
    assert here == [12, 12, 12]
    rows = {r["encoder"]: r for r in csv.DictReader((out / "probe.csv").open())}
    assert set(rows) == {str(small_encoder), str(other), "log-mel"}
    scores = [float(r["accuracy"]) for r in rows.values()]
    assert scores == sorted(scores, reverse=True)
    assert rows[str(other)]["width"] == "32"
    assert int(rows[str(other)]["parameters"]) > 10_000
    assert float(rows["log-mel"]["accuracy"]) == 1  # 300 and 2400 Hz
    layers = list(csv.DictReader((out / "layers.csv").open()))
    assert [r["layer"] for r in layers if r["encoder"] == str(other)] == ["0", "1", "2", "3"]
    told = json.loads((out / "probe.json").read_text())
    assert told["suggestion"]["command"] in table
    assert f"audioft train {two_tones} --encoder" in table
    assert "freeze=all" in told["suggestion"]["command"]
    assert (out / "probe.png").read_bytes().startswith(b"\x89PNG")
    assert "5 folds" in table


def test_kept_embeddings_are_used_again_and_damaged_ones_are_not(
    here, cache, two_tones, small_encoder, audioft_command
):
    call = ("probe", two_tones, "--encoders", small_encoder)
    _, first, _ = audioft_command(*call)
    assert here == [12, 12]
    code, again, said = audioft_command(*call)
    assert (code, here) == (0, [12, 12])
    assert again.splitlines()[2:5] == first.splitlines()[2:5]  # the cost of the pass, too, is that of the first
    assert "embeddings of 12 of 12 clips were kept and are used again" in said
    entry = next(cache.rglob("*.safetensors"))
    entry.write_bytes(entry.read_bytes()[:-1])
    _, mended, _ = audioft_command(*call)
    assert here == [12, 12, 1]
    assert mended.splitlines()[2:5] == first.splitlines()[2:5]
    audioft_command(*call, "--no-cache")
    assert here == [12, 12, 1, 12, 12]


def test_a_split_and_settings_of_the_data(here, cache, chords, small_encoder, audioft_command, tmp_path):
    """Several labels a clip, and a test side that the table or a selection gives."""
    out = tmp_path / "out"
    code, table, said = audioft_command("probe", chords, "--encoders", small_encoder, "--out", out)
    assert code == 0, said
    assert "(test)" in table
    assert json.loads((out / "probe.json").read_text())["metric"] == "map"
    code, table, said = audioft_command("probe", chords, "data.test=place=place 1", "--encoders", small_encoder)
    assert code == 0, said
    assert "tested on 5 (test)" in table
    assert "'data.test=place=place 1'" in table.splitlines()[-1]


def test_an_encoder_that_cannot_be_loaded_is_told_and_the_others_go_on(
    here, cache, two_tones, small_encoder, audioft_command
):
    names = f"./nowhere,{small_encoder}"
    code, table, said = audioft_command("probe", two_tones, "--encoders", names, "--clips", "10")
    assert code == 1
    assert "10 of 12 clips are chosen" in said
    lines = table.splitlines()
    assert any(line.startswith("./nowhere  FAILED: encoder './nowhere': no such folder") for line in lines)
    assert lines[-1].endswith("freeze=all")
    assert "chosen on the clips that are measured on" in table


def test_where_every_encoder_fails_nothing_is_written_and_it_is_told_once(
    here, cache, two_tones, small_encoder, audioft_command, tmp_path
):
    out = tmp_path / "new" / "out"
    code, table, said = audioft_command("probe", two_tones, "--encoders", "./nowhere", "--out", out)
    assert code == 1
    assert "audioft train" not in table
    assert "chosen on the clips" not in table
    assert "log-mel" in table
    assert (table.count("no such folder"), said.count("no such folder")) == (1, 0)
    assert f"nothing is written to {out}" in said
    assert not (tmp_path / "new").exists()
    code, _, said = audioft_command("probe", two_tones, "--encoders", small_encoder, "--out", out)
    assert code == 0, said
    assert f"written to {out}" in said
    assert (out / "probe.png").is_file()


def test_a_name_that_is_nearly_an_embedded_one_is_refused_before_anything_is_done(
    here, cache, two_tones, refused, tmp_path, monkeypatch
):
    monkeypatch.setattr("audioft.recordings.load", lambda *_, **__: pytest.fail("recordings are looked at"))
    said = ("encoder 'minni' is no folder and no embedded encoder: did you mean 'mini'?",)
    refused("probe", two_tones, "--encoders", "mini,minni", code=2, said=said)
    said = ("2 problems in the encoders", "'minni'", "'Mini'")
    refused("probe", two_tones, "--encoders", "Mini,minni", "--out", tmp_path / "out", code=2, said=said)
    said = ("encoder.name: 'minni' is no folder and no embedded encoder: did you mean 'mini'?",)
    for verb in ("train", "learning-curve"):
        refused(verb, two_tones, "--encoder", "minni", "--out", tmp_path / "out", code=2, said=said)
    said = ("encoder.start: 'minni' is no folder", "'mini'?")
    refused("pretrain", two_tones, "--from", "minni", "--out", tmp_path / "out", code=2, said=said)
    assert not (tmp_path / "out").exists()
    with pytest.raises(ModelError, match="'wav2vec2' cannot be loaded"):
        load_encoder("wav2vec2")


def test_what_the_hubs_client_tries_again_is_not_told(monkeypatch):
    from huggingface_hub import errors

    told = []

    def download(*_, **__):
        told.append(logging.getLogger("huggingface_hub.utils._http").isEnabledFor(logging.WARNING))
        raise errors.LocalEntryNotFoundError("gone")

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    monkeypatch.setattr("transformers.AutoConfig.from_pretrained", download)
    with pytest.raises(ModelError, match="gone"):
        hub.download("a/b")
    with pytest.raises(ModelError, match="gone"):
        load_encoder("a/b")
    assert told == [False, False]
    assert logging.getLogger("huggingface_hub.utils._http").isEnabledFor(logging.WARNING)


@pytest.mark.slow
def test_a_pass_in_a_process_of_its_own(small_encoder, two_tones, tmp_path):
    clips = tuple(makers.clip(p) for p in sorted(two_tones.rglob("*.wav"))[:5])
    order = frozen.Order(str(small_encoder), clips, ("",) * 5, 5, None, "cpu", tmp_path / "s", tmp_path / "x.npy")
    told: list[int] = []
    found, passed = frozen.features(order, told.append)
    assert found.shape == (5, 3, 32)
    assert np.isfinite(found).all()
    assert (told[0], told[-1]) == (0, 5)
    assert (passed.reused, passed.width, passed.failures) == (0, 16, ())
    assert passed.seconds_per_minute is not None
    assert 0 < passed.seconds_per_minute < 600
    assert passed.peak_bytes is None or 0 < passed.peak_bytes < 2e9


@pytest.mark.slow
def test_what_fails_in_another_process_is_told_in_its_words(tmp_path):
    order = frozen.Order("./nowhere", (), (), 5, None, "cpu", None, tmp_path / "x.npy")
    with pytest.raises(ModelError, match=r"encoder './nowhere': no such folder"):
        frozen.features(order, lambda done: None)


def test_a_process_that_is_killed_is_told(monkeypatch, tmp_path):
    order = frozen.Order("log-mel", (), (), 5, None, "cpu", None, tmp_path / "x.npy")
    monkeypatch.setattr(frozen.pickle, "dump", lambda order, file: file.write(b"no pickle"))
    with pytest.raises(ModelError, match=r"ended with code 1 before it was done: .*Unpickling"):
        frozen.features(order, lambda done: None)
    assert "not enough memory" in frozen._ended(-9, io.BytesIO())
    assert "not enough memory" in frozen._ended(1, io.BytesIO(b"RuntimeError: can't allocate memory\nmore"))
    assert "not enough memory" not in frozen._ended(-11, io.BytesIO(b"Segmentation fault"))


def test_clips_that_no_encoder_can_read_are_left_out_for_all(here, cache, tmp_path, small_encoder, audioft_command):
    data = makers.tones(tmp_path / "data", each=8)
    code, _, _ = audioft_command("probe", data, "--encoders", small_encoder)
    assert code == 0
    (data / "low" / "low_00.wav").write_bytes(b"RIFF")
    code, table, said = audioft_command("probe", data, "--encoders", small_encoder, "data.max_bad=0.5")
    assert code == 0
    assert "1 of 16 recordings cannot be used" in said
    assert "15 clips of 2 labels" in table


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (("train.lr=1",), "train.lr=1: a probe trains nothing"),
        (("events.use=frames",), "events.use=frames labels frames"),
        (("--device", "tpu"), "device 'tpu' is unknown"),
        (("data.tst=0.1",), "unknown key 'data.tst'"),
        (("data.test=fold=5",), "data.test='fold=5': there is no column"),
    ],
)
def test_wrong_calls(more, text, two_tones, refused):
    refused("probe", two_tones, *more, code=2, said=(text,))


def test_no_data_and_a_file_for_a_folder(refused, two_tones, tmp_path):
    refused("probe", code=2, said=("none given",))
    (tmp_path / "f").write_text("x")
    refused("probe", two_tones, "--out", tmp_path / "f", code=2, said=("is a file",))


@pytest.mark.parametrize(
    ("each", "more", "settings"),
    [
        ({"high": 6, "low": 6}, (), []),
        ({"high": 6, "low": 2}, (), ["data.valid=null"]),
        ({"high": 6, "low": 2}, ("data.valid=0.3",), ["data.valid=0.3", "data.test=null"]),
        ({"high": 6, "low": 3}, ("data.test=0.2",), ["data.test=0.2"]),
    ],
)
def test_the_command_that_is_suggested_runs(
    here, cache, each, more, settings, small_encoder, audioft_command, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    for label, n in each.items():
        makers.tones(tmp_path / "data", each=n, labels=(label,))
    code, table, said = audioft_command("probe", "data", "--encoders", small_encoder, *more)
    assert code == 0, said
    words = shlex.split(table.splitlines()[-1])
    assert [w for w in words if w.startswith("data.")] == settings
    assert ("class 'low' has 2 clips, too few" in table) == ("null" in str(settings))
    code, _, said = audioft_command(*words[1:], *makers.QUICK_ARGUMENTS, "--out", tmp_path / "run")
    assert code == 0, said


def test_the_same_recording_twice_is_no_reason_to_suggest_what_train_refuses(
    here, cache, two_tones, small_encoder, audioft_command, tmp_path
):
    data = shutil.copytree(two_tones, tmp_path / "data")
    for i in range(6):
        shutil.copy(data / "low" / f"low_{i:02d}.wav", data / "low" / f"again_{i:02d}.wav")
    code, table, said = audioft_command("probe", data, "--encoders", small_encoder)
    assert code == 0, said
    assert table.splitlines()[-1].endswith("data.valid=null data.test=null")
    assert "the model is then not measured: the same bytes on two sides" in " ".join(table.split())


def test_a_label_of_one_clip_is_named_before_an_encoder_is_run(here, cache, two_tones, refused, tmp_path):
    data = shutil.copytree(two_tones, tmp_path / "data")
    for label in ("creak", "squeak"):
        makers.tone(data / label / "x.wav", 700 + 10 * len(label))
    said = ("there is only one clip of 'creak', 'squeak'", "add recordings")
    refused("probe", data, "--out", tmp_path / "new" / "out", code=1, said=said)
    assert here == []
    assert not (tmp_path / "new").exists()


def test_encoders_that_are_named_twice_or_not_at_all(here, cache, two_tones, small_encoder, audioft_command, refused):
    code, table, said = audioft_command("probe", two_tones, "--encoders", f"{small_encoder},{small_encoder}")
    assert code == 0
    assert here == [12, 12]
    assert f"note: {small_encoder} is named more than once; it is measured once" in said
    assert "chosen on the clips that are measured on" in table
    for given in ("", " , "):
        refused("probe", two_tones, "--encoders", given, code=2, said=("--encoders names no encoder",))


def test_results_are_replaced_only_where_that_is_asked_for(
    here, cache, two_tones, small_encoder, audioft_command, refused, tmp_path
):
    out = tmp_path / "out"
    (out).mkdir()
    for name in ("probe.csv", "probe.png", "notes.txt"):
        (out / name).write_text("mine")
    call = ("probe", two_tones, "--encoders", "./nowhere", "--out", out)
    said = (f"{out} already holds results (probe.csv, probe.png)", "--overwrite", "another --out")
    refused(*call, code=2, said=said)
    assert set(makers.files(out).values()) == {b"mine"}
    refused(*call, "--overwrite", "data.test=fold=5", code=2, said=("no column 'fold'",))
    assert set(makers.files(out).values()) == {b"mine"}
    audioft_command(*call, "--overwrite")
    assert set(makers.files(out).values()) == {b"mine"}, "nothing was measured, so what was there stays"
    audioft_command("probe", two_tones, "--encoders", small_encoder, "--out", out, "--overwrite")
    assert set(makers.files(out)) == {"probe.csv", "layers.csv", "probe.json", "probe.png", "notes.txt"}
    assert (out / "notes.txt").read_text() == "mine"


def test_a_wrong_call_leaves_no_folder(two_tones, refused, tmp_path):
    (tmp_path / "here").mkdir()
    for verb in ("probe", "learning-curve"):
        for out in (tmp_path / "new" / "out", tmp_path / "here"):
            refused(verb, two_tones, "--out", out, "data.test=fold=5", code=2, said=("no column 'fold'",))
    assert list(tmp_path.iterdir()) == [tmp_path / "here"]


def test_the_probe_of_one_encoder_stays(two_tones, small_encoder):
    import audioft

    assert audioft.probe(small_encoder, two_tones, seconds=0.5).clips == 12
