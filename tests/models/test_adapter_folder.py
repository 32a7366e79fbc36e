"""A small model folder gives the same bits as the whole one, with the encoder it was trained on and with no other."""

import json
import shutil
from pathlib import Path

import pytest
import tiny
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import Wav2Vec2FeatureExtractor

from audioft.errors import ModelError, UsageError
from audioft.models import adapter_folder, adapting
from audioft.models import folder as folders
from audioft.models.classifier import AudioClassifier
from audioft.models.folder import ModelCard
from audioft.models.loading import load_encoder
from audioft.tasks.merge.api import merge

LABELS = ("cat", "dog", "wren")
CLIPS = tiny.noises([9000, 5000, 1400])
CARD = ModelCard(LABELS, multilabel=False, window=10.0, encoder={"name": "tiny"})
SPECS = ["lora", "ia3", "bias", "norm"]


def trained(base, spec="lora", head="own", save="adapter"):
    """A classifier whose adapters have moved."""
    encoder, _ = load_encoder(str(base))
    torch.manual_seed(0)
    model = AudioClassifier(encoder, len(LABELS), head=head).eval()
    adapting.adapt(encoder, {"name": spec, "save": save}, {"top": 2}, seed=0)
    with torch.no_grad():
        for n, p in encoder.model.named_parameters():
            if n in encoder.tuned.parameters:
                p.add_(0.1 * torch.randn_like(p))
    return model


def save_small(model, path):
    """The folder, and the model that was saved, merged."""
    adapter = adapter_folder.take(model.encoder)
    adapting.merge(model.encoder)
    folders.save(model, CARD, path, "# card\n", adapter)
    return model


def logits(model):
    with torch.no_grad():
        return model(*tiny.batch(CLIPS))


def edit(path: Path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.fixture(scope="module")
def base(encoder_folder):
    return encoder_folder("wavlm")


@pytest.fixture
def saved(base, tmp_path):
    save_small(trained(base), tmp_path / "m")
    return tmp_path / "m"


@pytest.mark.parametrize("head", ["projection", "linear"])
@pytest.mark.parametrize("spec", SPECS)
def test_a_small_folder_has_the_bits_of_the_whole_model(spec, head, base, tmp_path):
    model = save_small(trained(base, spec, head), tmp_path / "small")
    folders.save(model, CARD, tmp_path / "whole", "")
    loaded, card = folders.load(tmp_path / "small")
    assert card == CARD
    assert loaded.spec == model.spec
    assert not loaded.training
    assert torch.equal(logits(loaded), logits(model))
    assert torch.equal(logits(folders.load(tmp_path / "whole")[0]), logits(model))
    size = sum(f.stat().st_size for f in (tmp_path / "small" / "adapter").rglob("*.safetensors"))
    assert size < (base / "model.safetensors").stat().st_size / 4
    assert not list((tmp_path / "small").rglob("encoder"))
    merged = merge(tmp_path / "small", tmp_path / "merged")
    assert torch.equal(logits(folders.load(merged)[0]), logits(model))
    assert (merged / "README.md").read_text() == "# card\n"


def inputs(kind, clip):
    if tiny.make_preprocessing(kind).features is None:
        return {"input_values": clip[None]}
    return tiny.make_extractor(kind)(clip.numpy(), sampling_rate=tiny.RATE, return_tensors="pt")


@pytest.mark.parametrize("kind", tiny.EVERY)
def test_transformers_reads_what_is_merged(kind, encoder_folder, tmp_path):
    model = trained(encoder_folder(kind), save="merged")
    unmerged = logits(model)
    assert adapter_folder.take(model.encoder) is None
    adapting.merge(model.encoder)
    folders.save(model, CARD, tmp_path / "m", "")
    loaded, info = transformers.AutoModelForAudioClassification.from_pretrained(
        tmp_path / "m", output_loading_info=True
    )
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    with torch.no_grad():  # a clip by itself: transformers lets padding leak
        theirs = torch.cat([loaded.eval()(**inputs(kind, c)).logits for c in CLIPS])
    assert (theirs - unmerged).abs().max() < 1e-4
    plain = AudioClassifier(load_encoder(str(encoder_folder(kind)))[0], len(LABELS))
    plain.head = model.head
    assert (logits(plain.eval()) - unmerged).abs().max() > 1e-3


@pytest.mark.parametrize("kind", ["wav2vec2", "wavlm"])
def test_the_pipeline_of_transformers_reads_what_is_merged(kind, encoder_folder, tmp_path):
    save_small(trained(encoder_folder(kind)), tmp_path / "small")
    whole = merge(tmp_path / "small", tmp_path / "whole")
    with pytest.raises(ValueError, match="audioft"):
        transformers.pipeline("audio-classification", model=str(tmp_path / "small"))
    pipeline = transformers.pipeline("audio-classification", model=str(whole), device="cpu")
    wave = CLIPS[0].numpy()
    theirs = {p["label"]: p["score"] for p in pipeline(wave, top_k=None)}
    mean, deviation = wave.mean(), (wave.var() + 1e-7) ** 0.5
    x = tiny.batch([torch.from_numpy((wave - mean) / deviation)])
    with torch.no_grad():
        ours = folders.load(tmp_path / "small")[0](*x).softmax(-1)[0]
    assert max(abs(theirs[label] - float(p)) for label, p in zip(LABELS, ours, strict=True)) < 1e-4


@pytest.mark.parametrize("spec", ["lora", "ia3"])
def test_peft_itself_reads_the_adapter(spec, encoder_folder, tmp_path):
    from peft import PeftModel

    model = save_small(trained(encoder_folder("wav2vec2"), spec), tmp_path / "m")
    own = transformers.AutoModel.from_pretrained(encoder_folder("wav2vec2")).eval()
    x = CLIPS[0][None]
    with torch.no_grad():
        plain = own(x).last_hidden_state
        adapted = PeftModel.from_pretrained(own, str(tmp_path / "m" / "adapter"))(x).last_hidden_state
        ours = model.encoder.frames(*tiny.batch(CLIPS[:1])).states
    assert (adapted - ours).abs().max() < 1e-4
    assert (plain - ours).abs().max() > 1e-2


def test_the_same_adapter_gives_the_same_files(base, tmp_path):
    for name in ("one", "two"):
        save_small(trained(base), tmp_path / name)
    for file in ("adapter/adapter_config.json", "adapter/adapter_model.safetensors", "audioft.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_an_encoder_that_has_changed_or_gone_is_told(base, tmp_path):
    place = Path(shutil.copytree(base, tmp_path / "encoder"))
    model = save_small(trained(place), tmp_path / "m")
    moved = Path(shutil.move(place, tmp_path / "elsewhere"))
    with pytest.raises(ModelError, match=r"(?s)needs the encoder .*encoder.*audioft merge"):
        folders.load(tmp_path / "m")
    assert torch.equal(logits(folders.load(tmp_path / "m", str(moved))[0]), logits(model))
    merged = merge(tmp_path / "m", tmp_path / "whole", encoder=str(moved))
    assert torch.equal(logits(folders.load(merged)[0]), logits(model))
    tiny.make_model("wavlm", seed=1).save_pretrained(place)
    Wav2Vec2FeatureExtractor().save_pretrained(place)
    with pytest.raises(ModelError, match=r"(?s)another encoder than .*hash"):
        folders.load(tmp_path / "m")


def test_damage_is_named(saved):
    place = saved / "adapter" / "adapter_model.safetensors"
    weights = {k: v.clone() for k, v in load_file(place).items()}  # not what is mapped from the file
    place.write_bytes(place.read_bytes()[:100])
    with pytest.raises(ModelError, match=r"adapter_model\.safetensors is damaged"):
        folders.load(saved)
    (saved / "hashes.json").unlink()  # as if it had been changed on purpose
    key = next(iter(weights))
    for changed in ({k: v for k, v in weights.items() if k != key}, weights | {key: weights[key][:, :-1].contiguous()}):
        save_file(changed, place)
        with pytest.raises(ModelError, match="does not fit"):
            folders.load(saved)
    place.write_bytes(place.read_bytes()[:100])
    with pytest.raises(ModelError, match="adapter cannot be read"):
        folders.load(saved)
    place.unlink()
    with pytest.raises(ModelError, match="adapter cannot be read"):
        folders.load(saved)
    save_file(weights, place)
    (saved / "adapter" / "adapter_config.json").write_text('{"peft_type": "SOMETHING"}')
    with pytest.raises(ModelError, match="adapter cannot be read"):
        folders.load(saved)
    (saved / "adapter" / "adapter_config.json").unlink()
    with pytest.raises(ModelError, match="does not fit"):
        folders.load(saved)
    edit(saved / "audioft.json", base={"name": "mini"})
    with pytest.raises(ModelError, match="which encoder"):
        folders.load(saved)


def test_merge_touches_nothing_that_is_there(saved, base, tmp_path):
    whole = merge(saved, tmp_path / "whole")
    with pytest.raises(UsageError, match="is whole already: use it as it is"):
        merge(whole, tmp_path / "again")
    with pytest.raises(UsageError, match="not empty"):
        merge(saved, whole)
    with pytest.raises(UsageError, match="no such folder"):
        merge(tmp_path / "none", tmp_path / "again")
    assert not (tmp_path / "again").exists()
