"""`audioft compress` and `audioft.compress` on small runs: what is written, used, gone on with and refused."""

from __future__ import annotations

import json
import shutil

import makers
import pytest

import audioft
from audioft.errors import DataError, UsageError
from audioft.models import folder, heard
from audioft.tasks.compress import kept
from audioft.tasks.compress.result import Compression
from audioft.tasks.compress.steps import STEPS

QUIET = audioft.Console(quiet=True)
PLAIN = {"data.workers": 0, "train.precision": "fp32", "train.epochs": 1, "train.batch_size": 4}


@pytest.fixture(scope="module")
def sided(tmp_path_factory):
    """Tones in a table, most of which are not learnt."""
    place = tmp_path_factory.mktemp("sided")
    makers.tones(place, each=14)
    rows = ["file_name,label,split"]
    for label in ("high", "low"):
        rows += [f"{label}/{label}_{i:02d}.wav,{label},{'train' if i < 4 else 'valid'}" for i in range(12)]
        rows += [f"{label}/{label}_{i:02d}.wav,{label},test" for i in range(12, 14)]
    (place / "metadata.csv").write_text("\n".join([*rows, ""]))
    return place / "metadata.csv"


@pytest.fixture(scope="module")
def model(sided, small_encoder, tmp_path_factory):
    return makers.train(sided, small_encoder, tmp_path_factory.mktemp("run") / "run")


@pytest.fixture(scope="module")
def small(sided, model, tmp_path_factory) -> Compression:
    """Quantised."""
    out = tmp_path_factory.mktemp("small") / "model"
    return compress(model, sided, out, how=["quantise"], max_loss=0.5)


def compress(model, data, out, **how):
    given = {"rounds": 0, "overrides": PLAIN, "console": QUIET}
    return audioft.compress(model, data, out=out, **given | how)


def test_every_step_can_be_named():
    from audioft.tasks.compress import api

    assert set(api.HOW) == set(STEPS)
    assert all(name == step.name for name, step in STEPS.items())


def test_a_smaller_model_is_written_with_what_was_measured(small, sided, model):
    assert (small.taken.name, small.reached, small.forced) == ("quantise", True, False)
    assert small.taken.size < 0.8 * small.original.size
    assert small.gate.clips == 16  # the validation side
    assert small.test["before"].value == model.report.figures["accuracy"]
    about = json.loads((small.folder / "audioft.json").read_text())["compression"]
    assert about["passed"]
    assert about["models"][1]["about"]["int8"] > 0
    assert "quantise" in (small.folder / "README.md").read_text()
    assert heard.of_folder(small.folder).recordings == heard.of_folder(model.model).recordings
    assert not kept.folder_of(small.folder).exists()  # nothing is left beside it


def test_the_table_has_a_row_a_model(small):
    lines = str(small).splitlines()
    assert lines[0].split()[:3] == ["model", "on", "disk"]
    assert lines[1].split()[0] == "original"
    assert lines[2].startswith("* quantise")
    assert "valid side: 16 clips" in str(small)


def test_the_other_verbs_take_it(small, sided, model, tmp_path, audioft_command, two_tones):
    clip = two_tones / "high" / "high_00.wav"
    (one,), (other,) = (audioft.predict(m, clip) for m in (small.folder, model))
    assert one.label == other.label
    assert max(abs(one.scores[k] - other.scores[k]) for k in one.scores) < 0.05
    report = audioft.evaluate(small.folder, sided, side="test", overrides=[], console=QUIET)
    assert report.figures["accuracy"] == small.test["after"].value
    found = audioft.compare([model, small.folder], sided, rounds=0, side="test", console=QUIET)
    counts = [r.cost.parameters for r in found.rows]
    assert 0.99 * counts[0] < counts[1] < counts[0]  # norms and directions are one weight
    assert audioft.load_model(small.folder).timeline(clip).windows.scores.shape[1] == 2
    for verb in (("explain", small.folder, clip), ("robustness", small.folder, sided, "--limit", 2, "--severity", 1)):
        code, _, err = audioft_command(*verb, "--out", tmp_path / verb[0])
        assert code == 0, err


def test_without_a_kernel_it_gives_the_same_labels_and_says_so(small, sided, audioft_command, monkeypatch):
    from audioft.models.compression import compressed, int8

    clips = sorted((sided.parent / "low").glob("*.wav"))
    quick = [(p.label, p.scores) for p in audioft.predict(small.folder, clips)]
    for module in (compressed, int8):
        monkeypatch.setattr(module, "has_int8", lambda device: False)
    slow = [(p.label, p.scores) for p in audioft.predict(small.folder, clips)]
    assert [label for label, _ in slow] == [label for label, _ in quick]
    apart = [abs(a[k] - b[k]) for (_, a), (_, b) in zip(quick, slow, strict=True) for k in a]
    assert 0 < max(apart) < 0.01
    code, _, err = audioft_command("predict", small.folder, clips[0])
    assert (code, "computed as floats" in err) == (0, True)


def test_the_command_says_the_same(audioft_command, small, sided, model, tmp_path):
    out = tmp_path / "model"
    settings = [f"{k}={v}" for k, v in PLAIN.items()]
    quick = ("--how", "quantise", "--max-loss", 0.5, "--rounds", 0, *settings)
    code, said, err = audioft_command("compress", model.folder, "--data", sided, "--out", out, *quick)
    assert code == 0, err
    assert said.strip() == str(small).replace(str(small.folder), str(out)).strip()
    assert "=== quantise" in err
    assert f"model   {out}" in err


def test_what_does_not_pass_is_not_written_unless_forced(audioft_command, sided, model, tmp_path, monkeypatch):
    out = tmp_path / "model"
    with pytest.raises(UsageError, match=r"16 clips of the valid side cannot show that a loss is at most 0\.01"):
        compress(model, sided, out)
    assert not list(tmp_path.iterdir())
    from audioft.tasks.compress.gate import Gate

    monkeypatch.setattr(Gate, "passes", lambda self, change: False)
    settings = [f"{k}={v}" for k, v in PLAIN.items()]
    call = ("compress", model.folder, "--data", sided, "--out", out, "--how", "quantise", "--rounds", 0, *settings)
    code, said, err = audioft_command(*call, "--max-loss", 0.5)
    assert code == 1, err
    assert "Nothing was written: no smaller model passed" in said
    assert not out.exists()
    code, said, err = audioft_command(*call, "--force", "--resume")  # what was made is taken
    assert code == 0, err
    assert "It was forced past the gate" in said
    assert json.loads((out / "audioft.json").read_text())["compression"]["forced"]
    assert not json.loads((out / "audioft.json").read_text())["compression"]["passed"]


def test_a_target_out_of_reach_gives_the_best_and_says_so(audioft_command, sided, model, tmp_path):
    settings = [f"{k}={v}" for k, v in PLAIN.items()]
    call = ("compress", model.folder, "--data", sided, "--out", tmp_path / "m", "--how", "quantise", "--rounds", 0)
    code, said, err = audioft_command(*call, "--max-loss", 0.5, "--target-size", 0.01, *settings)
    assert code == 1, err
    assert "The target, 1 % of the size, was not reached: this is the best that passed." in " ".join(said.split())
    assert (tmp_path / "m" / "model.safetensors").is_file()


def test_pruned_models_are_trained_again_and_smaller(sided, model, tmp_path):
    found = compress(model, sided, tmp_path / "m", how=["prune", "quantise"], force=True)
    assert [r.name for r in found.rows] == ["original", "quantise", "prune", "prune + quantise"]
    sizes = [r.size for r in found.rows]
    assert sizes[2] < sizes[0]
    assert sizes[3] < sizes[1]
    pruned = found.rows[2]
    assert pruned.about["taken"]
    assert "trained again" in pruned.about["trained"]
    assert found.taken is found.rows[3]  # the smallest
    loaded, _ = folder.load(tmp_path / "m")
    assert sum(p.numel() for p in loaded.parameters()) < sum(
        p.numel() for p in folder.load(model.model)[0].parameters()
    )


def test_a_stopped_call_goes_on_where_it_was(sided, model, tmp_path, monkeypatch):
    out, prune, quantise = tmp_path / "m", STEPS["prune"], STEPS["quantise"]
    own = type(quantise).make
    made = list[str]()

    def stopped(self, *given):
        made.append("quantise")
        if len(made) == 2:
            raise KeyboardInterrupt
        return own(self, *given)

    monkeypatch.setattr(type(quantise), "make", stopped)
    with pytest.raises(KeyboardInterrupt):
        compress(model, sided, out, how=["prune", "quantise"], force=True)
    with pytest.raises(UsageError, match="--resume"):
        compress(model, sided, out, how=["prune", "quantise"], force=True)
    again = type(prune).make
    monkeypatch.setattr(type(prune), "make", lambda *given: pytest.fail("it was there already") or again(*given))
    found = compress(model, sided, out, how=["prune", "quantise"], force=True, resume=True)
    assert [r.name for r in found.rows] == ["original", "quantise", "prune", "prune + quantise"]
    assert made == ["quantise"] * 3
    with pytest.raises(UsageError, match="holds a model already"):
        compress(model, sided, out, how=["quantise"], force=True)


def test_several_labels_a_clip_keep_their_thresholds(chords, trained_several, tmp_path):
    found = compress(trained_several, chords, tmp_path / "m", how=["quantise"], force=True)
    assert found.metric == "map"
    thresholds = [
        json.loads((p / "audioft.json").read_text())["thresholds"] for p in (found.folder, trained_several.model)
    ]
    assert thresholds[0] == thresholds[1]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"how": ["halve"]}, "no step 'halve'"),
        ({"how": []}, "at least one step"),
        ({"max_loss": 2}, "above 0 and below 1"),
        ({"target_speed": 0.5}, "above 1"),
        ({"target_speed": 3, "rounds": 0}, "--target-speed needs times"),
        ({"target_size": 1.5}, "above 0 and below 1"),
        ({"side": "train"}, "expected valid or test"),
        ({"overrides": {"encoder.name": "mini"}}, "compress takes the model as it is"),
        ({"overrides": {"train.epoch": 1}}, "train.epoch"),
        ({"metric": "nothing"}, "unknown metric"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_told(how, said, sided, model, tmp_path):
    with pytest.raises(UsageError, match=said):
        compress(model, sided, tmp_path / "m", **{"force": True} | how)
    assert not list(tmp_path.iterdir())


def test_model_and_data_that_are_swapped_are_told(refused, sided, model, tmp_path):
    said = (f"audioft compress {model.folder} --data {sided} --out MODEL",)
    refused("compress", sided, "--data", model.folder, "--out", tmp_path / "m", code=2, said=said)


def test_places_that_are_taken_are_told(sided, model, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("mine")
    for out, said in (
        (tmp_path / "mine", "holds no model"),
        (model.folder, "is the model itself"),
        (model.model, "itself"),
    ):
        with pytest.raises(UsageError, match=said):
            compress(model, sided, out, force=True)
    assert (tmp_path / "mine" / "letter.txt").is_file()


def test_models_that_cannot_be_are_told(small, sided, model, trained, two_tones, small_encoder, tmp_path):
    with pytest.raises(UsageError, match="is compressed already"):
        compress(small.folder, sided, tmp_path / "m", force=True)
    adapter = makers.train(two_tones, small_encoder, tmp_path / "lora", adapt={"name": "lora", "save": "adapter"})
    with pytest.raises(UsageError, match="audioft merge"):
        compress(adapter, sided, tmp_path / "m", force=True)
    audioft.ensemble([model, trained], tmp_path / "joined", console=QUIET)
    with pytest.raises(UsageError, match="joined into one"):
        compress(tmp_path / "joined", sided, tmp_path / "m", force=True)


def test_data_that_cannot_be_is_told(sided, model, tmp_path):
    table = sided.read_text()
    place = tmp_path / "data"
    shutil.copytree(sided.parent, place)

    def given(text: str, said: str, **how) -> None:
        (place / "metadata.csv").write_text(text)
        with pytest.raises(DataError, match=said):
            compress(model, place / "metadata.csv", tmp_path / "m", force=True, **how)

    given(table.replace(",low,", ",bass,"), "does not know: 'bass'")
    alone = {"overrides": PLAIN | {"data.valid": None}}
    given(table.replace(",valid", ",train"), "no clips on the valid side", **alone)
    swapped = table.replace(",valid", ",x").replace(",train", ",valid").replace(",x", ",train")
    given(swapped, "was trained on all 8 clips")
    many = table.replace("label,", "labels,")
    given(many, "several labels a clip")
    assert not (tmp_path / "m").exists()
