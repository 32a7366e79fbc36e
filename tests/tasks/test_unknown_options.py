"""What is answered to a verb or an option that there is not: with what was meant."""

from __future__ import annotations

import pytest

from audioft import tasks
from audioft.configuration import other_names
from audioft.tasks import unknown_options

VERBS = [verb.NAME for verb in tasks.verbs()]


@pytest.fixture
def answer(audioft_command):
    """What the last line says, without the name of the program."""

    def call(*arguments) -> str:
        code, out, err = audioft_command(*arguments)
        assert (code, out) == (2, "")
        return err.splitlines()[-1].partition(": error: ")[2]

    return call


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("train d --epochs 3", "--epochs: did you mean train.epochs=3? (settings are written as section.key=value)"),
        ("train d --epochs=3", "--epochs: did you mean train.epochs=3?"),
        ("train --epochs d", "--epochs: did you mean train.epochs=d?"),
        ("train --freeze-encoder a=b", "--freeze-encoder: did you mean freeze=... (feature_extractor, all, none"),
        ("train d --warmup-steps 500", "did you mean train.schedule.warmup=... (a share of all steps, 0 to 1)?"),
        ("train d --lr 1e-4 --seed 3", "--lr: did you mean train.lr=1e-4?; --seed: did you mean seed=3?"),
        ("train d --encodr mini", "--encodr: did you mean --encoder?"),
        ("pretrain d --lr 1", "--lr: did you mean train.lr=1?"),
        ("evaluate m d --audio-root x", "--audio-root: did you mean data.audio_root=x?"),
        ("predict m x --topk 3", "--topk: did you mean --top-k?"),
        ("predict m x --top_k=3", "--top_k: did you mean --top-k?"),
        ("predict m x --output a.csv", "--output: did you mean --out?"),
        ("predict m x --cuda", "--cuda: did you mean --device cuda?"),
        ("predict m x --epochs 3", "--epochs: train.epochs is a setting of `audioft train`"),
        ("predict m x --few-shot", "--few-shot: that is an option of `audioft train`"),
        ("predict m x --frobnicate", "--frobnicate; `audioft predict --help` lists them"),
        ("-q train d", "-q: it goes behind the verb, `audioft train -q ...`"),
        ("--out x train d", "--out: options go behind the verb"),
        ("merge a b --out x", "too much is given: b is left over"),
        ("trian d", "there is no verb 'trian': did you mean train?"),
        ("finetune d", "there is no verb 'finetune': did you mean train?"),
        ("learning_curve d", "there is no verb 'learning_curve': did you mean learning-curve?"),
        ("help trian", "there is no verb 'trian': did you mean train?"),
        ("frobnicate", "there is no verb 'frobnicate'; `audioft --help` lists them"),
    ],
)
def test_what_was_meant_is_said(answer, call, said, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert said in answer(*call.split())


def test_the_value_of_an_option_is_not_taken_from_what_is_there(answer, two_tones):
    assert "train.epochs=...?" in answer("train", "--epochs", two_tones)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_answers_to_each_of_its_options_misspelt(answer, verb):
    from audioft.cli import make_parser

    own = [o for o in unknown_options._options(make_parser()[1][verb]) if "-" in o.strip("-")]
    needed = {"merge": ["m", "--out", "o"], "trials": ["d", "--out", "o"], "render": ["d", "--out", "o"]}
    for option in [*own, "--quiet"]:
        wrong = option.replace("--", "--x", 1) if option == "--quiet" else "--" + option.strip("-").replace("-", "_")
        said = answer(verb, *needed.get(verb, ["a", "b"] if verb == "evaluate" else []), wrong)
        if "required" not in said:
            assert f"did you mean {option}?" in said


def test_help_of_a_verb(audioft_command):
    assert audioft_command("help", "train") == audioft_command("train", "--help")
    assert audioft_command("help") == audioft_command("--help")


def test_options_that_are_called_otherwise_elsewhere_are_there():
    from audioft.cli import make_parser

    known = {o for parser in make_parser()[1].values() for o in unknown_options._options(parser)}
    for own, names in other_names._OPTIONS:
        assert own.split()[0] in known
        assert own.strip("-") not in names.split()
    for verb in tasks.verbs():
        assert not set(getattr(verb, "ELSEWHERE", ())) & set(VERBS)


@pytest.mark.parametrize("verb", ["predict", "evaluate", "identify", "verify", "enroll"])
def test_a_model_and_recordings_the_other_way_round(refused, trained, two_tones, verb):
    extra = {"enroll": ["Ada"], "verify": [two_tones / "low" / "low_00.wav"]}.get(verb, [])
    said = f"{two_tones} holds no model, and {trained.folder} does: swapped? It comes first: `audioft {verb} "
    right = " ".join(map(str, [trained.folder, two_tones, *extra]))
    refused(verb, two_tones, trained.folder, *extra, code=2, said=(said + right + "`",))
    file = two_tones / "low" / "low_00.wav"
    refused(verb, file, trained.model, *extra, code=2, said=(f"{file} holds no model, and {trained.model} does",))
