"""A call that fails before there is anything worth keeping leaves nothing behind, whatever verb it is of."""

from __future__ import annotations

import makers
import passes
import pytest
import small_pretraining as small

from audioft.tasks.probe import encoder_pass


@pytest.fixture
def one_label(tmp_path):
    return makers.tones(tmp_path / "data" / "one", each=3, labels=("low",))


@pytest.fixture
def broken(tmp_path):
    for label in ("high", "low"):
        for i in range(4):
            place = tmp_path / "data" / "broken" / label / f"{i}.wav"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text("no recording")
    return tmp_path / "data" / "broken"


def calls(request: pytest.FixtureRequest) -> dict[str, tuple]:
    use = request.getfixturevalue
    encoder, several, trained = use("small_encoder"), use("chords"), use("trained")
    quick = ("--encoder", encoder, *makers.QUICK_ARGUMENTS)
    return {
        "train": ("train", use("one_label"), *quick),
        "train, a loss": ("train", use("two_tones"), *quick, "train.loss=bce"),
        "train, an encoder": ("train", use("two_tones"), "--encoder", use("tmp_path") / "gone"),
        "pretrain": ("pretrain", use("two_tones"), *small.strings(small.BRIEF), "--probe", several),
        "probe": ("probe", several, "--encoders", use("tmp_path") / "gone", "--no-cache"),
        "learning-curve": ("learning-curve", several, "--encoder", encoder, "--no-cache"),
        "render": ("render", use("broken"), "augment=[gain]"),
        "merge": ("merge", trained.folder),
        "trials": ("trials", use("one_label")),
        "evaluate": ("evaluate", trained.folder, several),
        "predict": ("predict", trained.folder, "gone.wav"),
        "predict, unreadable": ("predict", trained.folder, use("broken")),
        "predict over time": ("predict", trained.folder, use("broken"), "--what", "windows"),
        "predict, audacity": ("predict", trained.folder, "gone.wav", "--format", "audacity"),
        "predict, pictures": ("predict", trained.folder, "gone.wav", "--what", "segments", "--plot"),
    }


@pytest.mark.parametrize(
    "name",
    [
        *("train", "train, a loss", "train, an encoder", "pretrain", "probe", "learning-curve", "render", "merge"),
        *("trials", "evaluate", "predict", "predict, unreadable", "predict over time", "predict, audacity"),
        "predict, pictures",
    ],
)
def test_nothing_is_left_behind(audioft_command, tmp_path, request, name, monkeypatch):
    monkeypatch.setattr(encoder_pass, "features", passes.features)
    call = calls(request)[name]
    file = name.startswith("predict") and "audacity" not in name and "pictures" not in name
    out = tmp_path / "deep" / "down" / ("out.csv" if file or name == "trials" else "out")
    wanted = (*call, out) if call[-1] == "--plot" else (*call, "--out", out)
    code, _, err = audioft_command(*wanted)
    assert code in (1, 2), err
    assert "Traceback" not in err
    assert not (tmp_path / "deep").exists()
