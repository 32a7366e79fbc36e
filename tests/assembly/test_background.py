"""What a run that goes on from a model takes over of its background, and says of it."""

from __future__ import annotations

import makers
import pytest

import audioft
from audioft.models import folder as folders

QUIET = audioft.Console(quiet=True)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Folders of labels; `of(a, b)` is one of these."""
    place = tmp_path_factory.mktemp("labels")
    every = makers.tones(place / "all", labels=("high", "low", "mid"))
    for i in range(6):
        makers.tone(every / "noise" / f"{i}.wav", hz=60.0, seed=i)

    def of(*labels):
        folder = place / "-".join(labels)
        for label in labels:
            (folder / label).mkdir(parents=True, exist_ok=True)
            for path in (every / label).iterdir():
                if not (folder / label / path.name).exists():
                    (folder / label / path.name).symlink_to(path)
        return folder

    return of


@pytest.fixture(scope="module")
def models(data, small_encoder, tmp_path_factory):
    """Of labels one of which is background: as negatives; as a label that relabelling made it."""
    place = tmp_path_factory.mktemp("models")
    how = {"data__allow_outside": True, "data__keep": []}
    negatives = makers.train(
        data("high", "low", "noise"), small_encoder, place / "negatives", data__negatives=["noise"], **how
    )
    plain = makers.train(data("high", "low", "noise"), small_encoder, place / "plain", **how)
    named = audioft.relabel(plain, place / "named", background="noise", console=QUIET)
    return {"negatives": negatives.folder, "named": named}


KNOWS = "knows a background, 'background', and this run has none"


@pytest.mark.parametrize(
    ("model", "labels", "more", "background", "negatives", "said"),
    [
        ("negatives", ("high", "mid"), ["--extend"], "background", ["noise"], None),
        (
            "negatives",
            ("high", "noise"),
            ["--extend"],
            "background",
            None,
            "data.negatives=[noise] makes it background",
        ),
        ("negatives", ("high", "noise"), ["--extend", "data.negatives=[noise]"], "background", ["noise"], None),
        ("negatives", ("high", "low", "noise"), ["data.negatives=[noise]"], "background", ["noise"], None),
        ("negatives", ("high", "low", "noise"), [], None, None, "'noise' is background to "),
        ("negatives", ("high", "low"), [], None, ["noise"], KNOWS),
        ("named", ("high", "low", "noise"), [], "noise", None, None),
        ("named", ("high", "mid"), ["--extend"], "noise", None, None),
        ("named", ("high", "low"), [], None, None, "knows a background, 'noise', and this run has none"),
        (
            "named",
            ("high", "mid", "noise"),
            ["data.negatives=[mid]"],
            "background",
            ["mid"],
            "data.negatives=[mid,noise]",
        ),
    ],
)
def test_it_goes_on_or_is_told(
    audioft_command, models, data, tmp_path, model, labels, more, background, negatives, said
):
    call = ("train", data(*labels), "--from", models[model], *makers.QUICK_ARGUMENTS, "data.allow_outside=true", *more)
    code, _, err = audioft_command(*call, "--out", tmp_path / "run")
    assert code == 0, err
    card = folders.load(tmp_path / "run" / "model")[1]
    assert card.background == background
    assert card.reading.get("data.negatives") == negatives
    told = [line for line in err.splitlines() if "background to " in line or "knows a background" in line]
    assert len(told) == (said is not None), err
    assert said is None or said in told[0]
    if said and "makes it background" in told[0]:
        again = told[0].partition("; ")[2].split()[0]
        code, _, err = audioft_command(*call, again, "--out", tmp_path / "again")
        assert code == 0, err
        assert folders.load(tmp_path / "again" / "model")[1].background == "background"


def test_a_run_from_an_encoder_says_nothing(audioft_command, data, small_encoder, tmp_path):
    call = (
        "train",
        data("high", "low"),
        "--encoder",
        small_encoder,
        *makers.QUICK_ARGUMENTS,
        "data.allow_outside=true",
    )
    assert "background" not in audioft_command(*call, "--out", tmp_path / "run")[2]
    assert folders.load(tmp_path / "run" / "model")[1].background is None


def test_what_is_dropped_is_no_background_besides(data, models, tmp_path):
    every = data("high", "low", "noise")
    how = makers.QUICK | {"data.drop": ["noise"], "data.allow_outside": True}
    run = audioft.finetune(every, start=models["negatives"], out=tmp_path / "run", overrides=how, console=QUIET)
    assert folders.load(run.model)[1].reading == {"data.drop": ["noise"]}
    how = {"data.allow_outside": True}
    assert audioft.evaluate(run, every, side="all", resamples=0, overrides=how, console=QUIET).clips == 12
