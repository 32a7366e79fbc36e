"""Whole runs with adapters: what the command takes, what it leaves, and that going on changes no bit."""

import json
import re
from pathlib import Path

import makers
import pytest
import torch
import yaml
from checks import best_of
from safetensors.torch import load_file

import audioft
from audioft.core.progress import Console
from audioft.training.checkpoint import Checkpoints

LORA = {"name": "lora", "r": 2, "dropout": 0.1}


@pytest.fixture(scope="module")
def whole(two_tones, small_encoder, tmp_path_factory):
    """A run with adapters that is saved merged."""
    return makers.train(two_tones, small_encoder, tmp_path_factory.mktemp("whole") / "run", adapt=LORA, train__lr=1e-2)


@pytest.fixture(scope="module")
def small(two_tones, small_encoder, tmp_path_factory):
    """The same run, saved as an adapter."""
    adapt = LORA | {"save": "adapter"}
    return makers.train(two_tones, small_encoder, tmp_path_factory.mktemp("small") / "run", adapt=adapt, train__lr=1e-2)


def test_both_forms_of_a_run_are_the_same_model(whole, small, two_tones, tmp_path, audioft_command):
    assert (whole.folder / "predictions.csv").read_bytes() == (small.folder / "predictions.csv").read_bytes()
    code, out, said = audioft_command("merge", small.folder, "--out", tmp_path / "merged")
    assert (code, out) == (0, f"{tmp_path / 'merged'}\n")
    assert f"merged the adapter of {small.model} and its encoder" in said
    assert "which transformers loads, too" in said
    first, second = (load_file(f / "model.safetensors") for f in (whole.model, tmp_path / "merged"))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[k], second[k]) for k in first)
    told = {m: (m / "README.md").read_text(encoding="utf-8") for m in (small.model, tmp_path / "merged")}
    assert "save adapter" in told[small.model]
    own = [line for line in told[tmp_path / "merged"].splitlines() if line not in told[small.model]]
    assert own == [
        "library_name: transformers",  # which needs the encoder in the folder
        f"- parameters: {sum(t.numel() for t in second.values()):,}",
        "- adapted by: name lora, r 2, alpha 16, dropout 0.1, targets attention; merged into the encoder's weights by "
        "`audioft merge`",
    ]
    said = {audioft_command("predict", m, two_tones)[1] for m in (whole.model, small.model, tmp_path / "merged")}
    assert len(said) == 1
    assert "high_00.wav" in said.pop()


def test_the_encoder_in_the_merged_model_has_moved_in_its_attention_only(whole, small_encoder):
    before, after = load_file(small_encoder / "model.safetensors"), load_file(whole.model / "model.safetensors")
    moved = {k for k, v in before.items() if not torch.equal(v, after[f"wav2vec2.{k}"])}
    assert moved == {f"encoder.layers.{i}.attention.{n}_proj.weight" for i in range(2) for n in ("q", "k", "v", "out")}


def test_what_was_adapted_is_told(whole, small):
    readme = (whole.model / "README.md").read_text(encoding="utf-8")
    assert "adapted by: name lora, r 2, alpha 16, dropout 0.1, targets attention" in readme
    weights = load_file(whole.model / "model.safetensors")
    head = sum(v.numel() for k, v in weights.items() if not k.startswith("wav2vec2."))
    adapters = 2 * 4 * 2 * (16 + 16)  # layers, projections, rank, width in and out
    found = re.search(r"parameters: ([\d,]+) of ([\d,]+)", readme)
    trained, total = (int(n.replace(",", "")) for n in found.groups())
    assert trained == head + adapters
    assert total == adapters + sum(v.numel() for v in weights.values())
    base = json.loads((small.model / "audioft.json").read_text())["base"]
    assert base["adapt"] == {"alpha": 16, "targets": "attention", "save": "adapter"} | LORA
    assert base["layers"] == ["layer_1", "layer_2"]


def test_dotted_keys_and_yaml_mean_the_same(tmp_path, two_tones):
    file = tmp_path / "c.yaml"
    file.write_text(yaml.safe_dump({"adapt": {"name": "lora", "r": 4, "targets": ["q_proj"]}}))
    written = audioft.settings(two_tones, config=file)
    dotted = audioft.settings(two_tones, overrides=["adapt.name=lora", "adapt.r=4", "adapt.targets=[q_proj]"])
    short = audioft.settings(two_tones, overrides=["adapt=lora", "adapt.r=4", "adapt.targets=[q_proj]"])
    assert written == dotted == short


def test_a_dry_run_shows_what_trains(audioft_command, two_tones, small_encoder):
    call = ("train", two_tones, "--encoder", small_encoder, "--dry-run", "adapt.name=lora", "adapt.r=4")
    code, out, err = audioft_command(*call, "freeze={top: 1}", "--settings")
    assert code == 0, err
    assert yaml.safe_load(out)["adapt"] == {"name": "lora", "r": 4}
    assert "(lora in 1 of 2 layers; the encoder itself is frozen)" in err
    assert f"{err}settings that differ" in audioft_command(*call, "freeze={top: 1}")[1]
    rows = {line.split()[0]: line.split(None, 2)[2] for line in err.splitlines() if line.startswith("  ")}
    assert rows["layer_1"] == rows["projection"] == rows["feature_extractor"] == "frozen"
    assert rows["layer_2"] == f"{4 * 4 * (16 + 16)} train"
    assert rows["head"] == "trains"


def test_contradictions_end_before_anything_is_read(train, two_tones):
    train(two_tones, "adapt=lora", "freeze=all", code=2, said=("freeze: `all` freezes the adapters too",))
    train(two_tones, "adapt.name=lora", "adapt.targets=[gate]", code=2, said=("adapt.targets: no linear layer", "gate"))


@pytest.mark.parametrize(
    "adapt", [LORA, pytest.param({"name": "bias", "save": "adapter"}, marks=pytest.mark.slow)], ids=["lora", "bias"]
)
def test_going_on_ends_in_the_same_bits(adapt, two_tones, encoder_folder, tmp_path, monkeypatch):
    settings = makers.QUICK | {
        "adapt": adapt,
        "freeze": {0: "all", 1: "feature_extractor"},
        "train.epochs": 3,
        "train.lr": 1e-2,
        "train.log_every": 1,
        "train.save_steps": 1,
    }
    encoder, quiet = str(encoder_folder("wavlm")), Console(quiet=True)
    unbroken = audioft.finetune(two_tones, encoder=encoder, out=tmp_path / "a", overrides=settings, console=quiet)
    save, saves = Checkpoints.save, []

    def save_then_stop(self, *arguments):
        saves.append(save(self, *arguments))
        if len(saves) == 4:
            raise KeyboardInterrupt
        return saves[-1]

    with monkeypatch.context() as patched:
        patched.setattr(Checkpoints, "save", save_then_stop)
        with pytest.raises(KeyboardInterrupt):
            audioft.finetune(two_tones, encoder=encoder, out=tmp_path / "b", overrides=settings, console=quiet)
    assert not (tmp_path / "b" / "model").exists()
    audioft.finetune(out=tmp_path / "b", resume=True, console=quiet)
    files = [f"checkpoints/{best_of(unbroken.folder).name}/model.safetensors", "predictions.csv"]
    last = max((unbroken.folder / "checkpoints").glob("step-*")).name
    files += [f"checkpoints/{last}/{n}.safetensors" for n in ("model", "optimizer")]
    files += [str(f.relative_to(unbroken.folder)) for f in unbroken.model.rglob("*.safetensors")]
    assert len(files) == 5 + ("save" in adapt)
    for file in files:
        assert Path(tmp_path / "a" / file).read_bytes() == Path(tmp_path / "b" / file).read_bytes(), file
    held = load_file(unbroken.folder / "checkpoints" / last / "optimizer.safetensors")
    assert any(("lora_B" in k) if adapt is LORA else k.endswith("bias/exp_avg") for k in held)
    assert not any("conv_layers" in k or "k_proj.weight" in k for k in held)
