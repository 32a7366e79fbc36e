"""The benchmark does not rot: every row runs at its smallest, and what it says of both sides can be wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from against_transformers import clips, processes, rows, settings, table  # noqa: E402


@pytest.fixture(scope="module")
def tried(tmp_path_factory):
    """Some rows at their smallest: what is printed, and the JSON."""

    def call(*words: str) -> tuple[str, dict[str, dict]]:
        out = tmp_path_factory.mktemp("bench") / "bench.json"
        paths = os.pathsep.join([str(BENCHMARKS), str(BENCHMARKS.parent.parent), os.environ.get("PYTHONPATH", "")])
        command = [sys.executable, "-m", "against_transformers", *words, "--quick", "--out", str(out)]
        done = subprocess.run(command, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout, {row["row"]: row for row in json.loads(out.read_text(encoding="utf-8"))["rows"]}

    return call


@pytest.mark.slow
@pytest.mark.parametrize("name", settings.TRAININGS)
def test_a_row_in_which_both_train(tried, name):
    more = ("--defaults", "1") if name == "mixed" else ()
    printed, found = tried(name, *more)
    row = found[name]
    assert row["ratio"].keys() == ({"best", "defaults"} if more else {"best"})
    for side in row["runs"]:
        for one in row["runs"][side]:
            assert 0 < one["found"]["training_seconds"] < one["seconds"]
            assert one["peak_mb"] > 100
            assert 0 <= one["found"]["accuracy"] <= 1
    ours, best = row["same score"]["train_loss"]  # from the same weights, in one epoch
    assert abs(ours - best) < 0.3
    assert f"{row['ratio']['best']:.3g} x" in printed


@pytest.mark.slow
@pytest.mark.parametrize("name", settings.LABELLINGS)
def test_a_row_in_which_both_label(tried, name):
    row = tried(name, *(("--defaults", "1") if name == "label-fp32" else ()))[1][name]
    assert row["pipeline seconds by batch"].keys() == {"4", "1"}
    assert row["agreement"]["largest difference"] < (1e-4 if name == "label-fp32" else 0.2)


@pytest.mark.slow
def test_a_hundred_times_the_clips(tried):
    row = tried("hundredfold")[1]["hundredfold"]
    assert row["figures"].keys() == {"train: ms a clip", "train: MB", "predict: ms a clip", "predict: MB"}
    assert all(value > 0 for pair in row["figures"].values() for value in pair)


@pytest.mark.slow
def test_the_share_of_the_matrix_product_speed(tried):
    row = tried("step")[1]["step"]
    assert 0 < row["share"] < 1
    assert sum(row["profile"].values()) == pytest.approx(1, abs=0.01)
    assert row["profile"]["convolutions"] > 0.05


@pytest.mark.slow
def test_an_unknown_row_is_refused():
    env = os.environ | {"PYTHONPATH": str(BENCHMARKS)}
    command = [sys.executable, "-m", "against_transformers", "prob"]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 2
    assert "unknown rows: prob" in done.stderr


def test_a_failed_run_ends_the_benchmark_and_says_why():
    with pytest.raises(SystemExit, match="no such thing"):
        processes.run([sys.executable, "-c", "raise RuntimeError('no such thing')"])


@pytest.mark.slow
def test_memory_is_that_of_a_process_and_its_children_together():
    child = "import time; held = bytearray(200_000_000); time.sleep(2)"
    both = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}]); held = bytearray(1)"
    began = time.monotonic()
    ran = processes.run([sys.executable, "-c", both])
    assert 200 < ran.peak_mb < 400
    assert 2 < ran.seconds <= time.monotonic() - began


def test_ratios_are_medians_over_pairs():
    def ran(*times: float) -> list[processes.Ran]:
        return [processes.Ran(t, 1.0, None, {"training_seconds": t / 2}) for t in times]

    runs = {"ours": ran(1, 2, 1), "best": ran(3, 4, 50), "defaults": ran(7)}
    found = rows.summary("x", "title", (1, 2), runs)
    assert found["ratio"] == {"best": 3, "defaults": 7}
    assert found["ratio of training alone"] == 3


def test_scores_are_the_same_only_where_their_intervals_meet():
    def side(accuracy: float) -> dict:
        return {"accuracy": accuracy, "clips": 80, "valid_loss": 1.0, "train_loss": None}

    assert table.same_score(side(0.8), side(0.75))["same"]
    assert not table.same_score(side(0.9), side(0.5))["same"]


def test_agreement_is_refused_where_recordings_are_missing():
    with pytest.raises(ValueError, match="1 recordings labelled, 2"):
        table.agreement({"a": {"x": 1.0}}, {"a": {"x": 1.0}, "b": {"x": 1.0}})


def test_mixed_lengths_are_spread_evenly_and_the_same_each_time(tmp_path):
    import soundfile

    a, b = (clips.make_side(tmp_path / name, "mixed", 8, seed=1) for name in "ab")
    found = [soundfile.info(str(p)) for p in sorted(a.glob("*/*"))]
    assert sorted(round(i.duration, 2) for i in found) == [round(0.5 + 11.5 * (n + 0.5) / 8, 2) for n in range(8)]
    assert {(i.samplerate, i.channels) for i in found} == {(44100, 2)}
    assert all(p.read_bytes() == (b / p.relative_to(a)).read_bytes() for p in a.glob("*/*"))


def test_the_opponent_freezes_what_audioft_freezes(tmp_path):
    from against_transformers import opponent, ours
    from transformers import AutoModelForAudioClassification

    import audioft
    from audioft.assembly import build

    data = clips.make_sides(tmp_path / "data", "mixed", 8, 8)
    encoder = str(clips.make_encoder(tmp_path / "encoder", settings.SMALL))
    for policy in ("feature_extractor", "all", {"top": 2}):
        given = settings.OURS | {"freeze": policy}
        model, _ = build.classifier(audioft.settings(data, encoder, overrides=given), clips.LABELS, False)
        begin = ours.initial(data, encoder, given, tmp_path / f"begin-{policy}")
        theirs = AutoModelForAudioClassification.from_pretrained(begin)
        opponent.freeze(theirs, policy, quiet=True)
        mine = sum(p.numel() for n, p in model.named_parameters() if p.requires_grad)
        assert sum(p.numel() for p in theirs.parameters() if p.requires_grad) == mine, policy
        theirs.train()
        assert not theirs.wav2vec2.feature_extractor.training
        assert theirs.wav2vec2.encoder.layers[-1].training == (policy != "all")
