"""`audioft explain`: cells, their background, evidence that adds up, pages that are kept, and what is refused."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import makers
import numpy as np
import pytest
import soundfile
import tiny
import torch

import audioft
from audioft.audio.hearing import Hearing
from audioft.data.clip import Clip
from audioft.tasks.explain import faithfulness, gradients, occlusion, removal, sounds
from audioft.tasks.explain.explanation import Explanation
from audioft.tasks.explain.logodds import LogOdds
from audioft.tasks.explain.neighbours import Neighbours, nearest
from audioft.tasks.explain.stft import Cells, Spectrum

RATE = 16000
QUIET = audioft.Console(quiet=True)
HOW = {"neighbours": 0, "console": QUIET}


def spectrum_of(samples: np.ndarray) -> Spectrum:
    return Spectrum(torch.from_numpy(samples), RATE, Cells.of(len(samples) / RATE, RATE))


def burst(at: float = 0.6, seconds: float = 1.2) -> np.ndarray:
    """A tone of 1 kHz for 0.2 s in faint noise."""
    time = np.arange(round(seconds * RATE)) / RATE
    inside = (time >= at) & (time < at + 0.2)
    noise = np.random.default_rng(0).standard_normal(len(time))
    return (0.01 * noise + 0.3 * inside * np.sin(2 * np.pi * 1000 * time)).astype(np.float32)


@pytest.mark.parametrize("samples", [401, 4000, 16000])
def test_what_is_kept_whole_is_the_sound_itself(samples):
    own = np.random.default_rng(1).standard_normal(samples).astype(np.float32)
    spectrum = spectrum_of(own)
    kept = spectrum.kept(torch.ones(1, *spectrum.cells.shape))[0].numpy()
    assert np.abs(kept - own).max() < 1e-5


def test_a_cell_that_is_replaced_is_as_loud_as_the_background():
    spectrum = spectrum_of(burst())
    cells = torch.ones(1, *spectrum.cells.shape)
    cells[0, 5:9] = 0
    gone = spectrum.kept(cells)[0].numpy()
    time = np.arange(len(gone)) / RATE
    inside, before = gone[(time > 0.65) & (time < 0.75)], gone[(time > 0.2) & (time < 0.4)]
    assert 0.1 < inside.std() / before.std() < 2, "neither silent nor the tone"
    assert np.abs(gone[time < 0.4] - spectrum.samples.numpy()[time < 0.4]).max() < 1e-3


class Loudness(torch.nn.Module):
    """As `LogOdds`: how loud 1 kHz is, a figure that is known."""

    at_once = staticmethod(lambda samples: 7)

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        found = torch.stft(given, 512, 128, window=torch.hann_window(512), return_complex=True)
        return torch.log(found[:, 28:37].abs().square().mean((1, 2)) + 1).double()

    def several(self, given: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return self(given)


class Faint(Loudness):
    """Of the first half second, however faint; below 0 where there is none."""

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        return super().forward(1e3 * given[:, : RATE // 2]) - 5


@pytest.mark.parametrize("method", ["occlusion", "gradients", "waveform"])
def test_evidence_lies_where_the_sound_is_and_adds_up(method):
    if method != "occlusion":
        pytest.importorskip("captum", reason="captum is not installed")
    spectrum = spectrum_of(burst())
    of = {"occlusion": occlusion.occlusion, "gradients": gradients.over_spectrum, "waveform": gradients.over_samples}
    found = of[method](spectrum, Loudness())
    assert found.gap <= 0.01
    assert abs(found.values.sum() - found.total) <= 0.02 * abs(found.total)
    times = spectrum.cells.times
    assert 0.5 < times[found.values.sum(1).argmax()] < 0.8
    if found.values.shape[1] > 1:
        band = found.values.sum(0).argmax()
        assert spectrum.cells.bands[band] < 1000 < spectrum.cells.bands[band + 1]
    assert np.array_equal(found.values, of[method](spectrum, Loudness()).values), "the same each time"


@pytest.mark.parametrize(("kilohertz", "share"), [(1, (0.9, 1)), (3, (0, 0.1))])
def test_what_lies_in_silence_is_what_is_lost_without_it(kilohertz, share):
    """A tone 60 dB below a burst of noise, which the model listens to, or does not."""
    time, rng = np.arange(24000) / RATE, np.random.default_rng(0)
    wave = 1e-5 * rng.standard_normal(24000) + 0.3 * rng.standard_normal(24000) * (abs(time - 0.9) < 0.1)
    wave += 1e-3 * np.sin(2 * np.pi * 1000 * kilohertz * time) * (abs(time - 0.3) < 0.1)
    spectrum, log_odds = spectrum_of(wave.astype(np.float32)), Faint()
    whole, background = log_odds.several(torch.stack([spectrum.samples, spectrum.sound(spectrum.background)])).tolist()
    quiet = faithfulness.quiet(spectrum)
    assert quiet.sum() >= 8
    assert not quiet[7]
    assert share[0] <= faithfulness.in_silence(spectrum, log_odds, quiet, whole, background) <= share[1]


def test_passes_are_few():
    assert occlusion.passes((12, 8)) <= 100
    assert len(occlusion.parts((12, 8))) * 2 + 2 == occlusion.passes((12, 8))


@pytest.mark.parametrize("kind", tiny.EVERY)
def test_gradients_reach_the_samples_in_every_family(kind):
    model = tiny.make_classifier(kind)
    with torch.inference_mode():  # what prediction has cached is no part of a graph
        model(torch.randn(1, 8000), torch.tensor([8000]))
    log_odds = LogOdds(model, 1, False)
    sound = torch.from_numpy(np.random.default_rng(2).standard_normal(8000).astype(np.float32))
    given = sound[None].clone().requires_grad_()
    (slope,) = torch.autograd.grad(log_odds(given).sum(), given)
    assert torch.isfinite(slope).all()
    assert slope.abs().sum() > 0
    step = 1e-2 * slope / slope.norm()
    rise = (log_odds(given.detach() + step) - log_odds(given.detach() - step)).item() / 2
    assert rise == pytest.approx(1e-2 * slope.norm().item(), rel=0.2, abs=1e-4)


def test_of_a_model_of_frames_it_is_the_mean_over_the_frames():
    model = tiny.make_classifier(pooling="none")
    sound = torch.randn(1, 8000, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        normed = (sound - sound.mean()) / (sound.var(correction=0) + 1e-7).sqrt()
        frames = model(normed, torch.tensor([8000]))[0, : int(model.encoder.frame_lengths(torch.tensor([8000])))]
    assert LogOdds(model, 1, True).several(sound).item() == pytest.approx(frames[:, 1].double().mean().item(), abs=1e-5)


def test_against_one_other_label_it_is_what_parts_the_two():
    model = tiny.make_classifier()
    sound = torch.randn(2, 8000, generator=torch.Generator().manual_seed(0))
    own, others = LogOdds(model, 0, False, against=2), [LogOdds(model, i, False) for i in range(3)]
    p = others[0].probabilities(sound)
    assert torch.allclose(p.sum(1), torch.ones(2, dtype=torch.float64))
    assert torch.allclose(own.several(sound), (p[:, 0] / p[:, 2]).log(), atol=1e-6)
    assert torch.allclose(others[1].several(sound), (p[:, 1] / (1 - p[:, 1])).log(), atol=1e-6)


def made(evidence: list[list[float]], **more) -> Explanation:
    return Explanation("a.wav", "dog", "dog", 0.9, 0.0, 6.0, np.arange(7.0), np.array([0.0, 1000, 8000]),
                       np.array(evidence), 2.0, -1.0, **more)  # fmt: skip


def test_moments_are_named_where_few_of_them_matter_more():
    spread, apart = made([[1.0, 0.0]] * 6), made([[0.1, 0.0]] * 4 + [[3.0, 0.0], [0.0, 0.0]])
    assert spread.spans == []
    assert str(spread) == "the answer `dog` (0.90) rests on 0-1 kHz, at no moment more than at others"
    assert apart.spans == [(4.0, 5.0)]
    assert str(apart) == "the answer `dog` (0.90) rests on 4.0-5.0 s, 0-1 kHz"
    against = made([[1.0, 0.0]] * 6, against="cat", rival=0.05)
    assert str(against).startswith("the answer `dog` rather than `cat` (0.90 to 0.05) rests on 0-1 kHz")
    wrong = replace(against, true=("cat",), right=False)
    assert str(wrong).startswith("the answer `dog` rather than `cat` (0.90 to 0.05), which is wrong, rests on 0-1 kHz")
    assert "0.160-0.200 s" in str(replace(apart, times=apart.times / 25))


class Loud(LogOdds):
    """Two labels: `loud`, of as much probability as the sound has amplitude at 1 kHz, and `quiet`."""

    def __init__(self, multilabel: bool = False):
        self.label, self.multilabel = 0, multilabel

    def probabilities(self, sounds: torch.Tensor) -> torch.Tensor:
        share = torch.fft.rfft(sounds)[:, round(1000 * sounds.shape[1] / RATE)].abs() / 3000
        return torch.stack([share.clamp(max=1), 1 - share.clamp(max=1)], 1).double()


def test_what_is_named_is_taken_out_and_the_answer_told():
    spectrum = spectrum_of(np.tile(burst(), 2))
    times, bands = spectrum.cells.times, spectrum.cells.bands
    evidence = np.zeros(spectrum.cells.shape)
    evidence[(times[:-1] < 0.8) & (times[1:] > 0.6), (bands[:-1] < 1000) & (bands[1:] > 1000)] = 1.0
    one = Explanation("a.wav", "loud", "loud", 0.5, 0.0, times[-1], times, bands, evidence)
    by_band, by_moment = removal.without(spectrum, Loud(), one, ("loud", "quiet"))
    whole = Loud().probabilities(spectrum.samples[None])[0, 0].item()
    assert (by_band.part, by_band.answer) == ("bands", "quiet")
    assert by_band.own < 0.1 * whole, "no tone is left"
    assert 0.3 * whole < by_moment.own < 0.7 * whole, "one of two tones is left"
    (several, _) = removal.without(spectrum, Loud(multilabel=True), one, ("loud", "quiet"))
    assert replace(one, without=(several,)).tried == f"without these bands loud has {by_band.own:.2f}"
    told = replace(one, without=(by_band,)).tried
    assert told == f"without these bands it would be quiet ({by_band.score:.2f}; loud {by_band.own:.2f})"


def test_of_the_nearest_the_labels_are_told():
    clips = [Clip(Path(f"{i}.wav"), f"{i}.wav", labels=(name,)) for i, name in enumerate("aab")]
    known = Neighbours(clips, np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]], np.float32))
    vector = np.array([0.6, 0.8], np.float32)
    told = nearest(known, vector, known.near(vector, 3), ["a", "b"])
    assert told == (
        "Of the 3 training clips nearest to it 2 are a, 1 is b. "
        "The nearest a is 0.96 alike; half of its clips have another of 0.80 or more."
    )


def test_what_speaks_for_it_is_heard_and_nothing_of_what_does_not():
    spectrum = spectrum_of(burst())
    evidence = np.zeros(spectrum.cells.shape)
    evidence[6:8] = 1
    speaks_for, against = sounds.parted(burst(), RATE, evidence)
    time = np.arange(len(speaks_for)) / RATE
    assert against is None
    assert np.abs(speaks_for[time < 0.5]).max() < 1e-4 < 0.2 < np.abs(speaks_for).max()


def test_a_recording_is_explained_and_its_page_kept(trained, two_tones, tmp_path, audioft_command):
    first, second = sorted((two_tones / "high").glob("*.wav"))[:2]
    call = ("explain", trained.folder, first, second, "--out", tmp_path / "why", "--neighbours", "2")
    code, out, err = audioft_command(*call)
    assert code == 0, err
    assert len(out.splitlines()) == 2
    page = (tmp_path / "why" / f"{first.stem}.html").read_text()
    assert page.count("<audio") >= 4
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")
    with open(tmp_path / "why" / "explanations.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == [str(first), str(second)]
    code, _, err = audioft_command(*call)
    assert code == 2
    assert "--resume keeps them" in err
    before = makers.files(tmp_path / "why")[f"{first.stem}.html"]
    code, out, _ = audioft_command(*call, "--resume")
    assert code == 0
    assert makers.files(tmp_path / "why")[f"{first.stem}.html"] == before


def test_alone_and_among_others_it_is_the_same(trained, two_tones):
    paths = [str(p) for p in sorted(two_tones.rglob("*.wav"))[4:8]]
    among = audioft.explain(trained, paths, **HOW)
    alone = audioft.explain(trained, paths[2], **HOW)
    assert np.array_equal(among[2].evidence, alone[0].evidence)


def test_several_labels_and_arrays_and_long_recordings(trained_several):
    long = np.tile(burst(), 4)
    found = audioft.explain(trained_several, long, rate=RATE, label="low", windows=2, **HOW)
    assert [one.label for one in found] == ["low", "low"]
    assert found[0].start != found[1].start
    assert found[0].whole >= found[1].whole - 1e-4, "the highest score first"
    with pytest.raises(audioft.AudioftError, match="no label 'lo'"):
        audioft.explain(trained_several, long, rate=RATE, label="lo", **HOW)


def test_what_cannot_be_heard_is_told(trained, tmp_path, audioft_command):
    soundfile.write(tmp_path / "short.wav", np.zeros(100), RATE)
    code, out, err = audioft_command("explain", trained.folder, tmp_path / "short.wav", "--neighbours", "0")
    assert (code, out) == (1, "")
    assert "short.wav" in err
    assert "Traceback" not in err


def test_a_call_that_is_wrong(refused, trained, two_tones):
    refused("explain", trained.folder, "nowhere.wav", code=2, said=("nowhere.wav: no such file",))
    said = ("no label 'hihg'", "did you mean 'high'")
    refused("explain", trained.folder, two_tones, "--label", "hihg", code=2, said=said)
    refused("explain", trained.folder, two_tones, "--against", "high", code=2, said=("'high'", "--label"))


def explanation(label: str, band: int, quiet: bool = False) -> Explanation:
    evidence = np.zeros((4, 3))
    evidence[1, band] = 2.0
    times, bands = np.arange(5) * 0.5, np.array([0.0, 1000, 2000, 8000])
    silence = np.array([False, quiet, False, False])
    share = 0.9 if quiet else 0.0
    return Explanation("a.wav", label, label, 0.9, 0, 2, times, bands, evidence, 2.0, 0.0, silence, share)


def test_a_sentence_and_a_summary():
    assert str(explanation("dog", 1)) == "the answer `dog` (0.90) rests on 0.5-1.0 s, 1-2 kHz"
    rain = [explanation("rain", 0, quiet=True)] * 5
    found = audioft.summarise_explanations([explanation("dog", 1), explanation("dog", 1), *rain])
    assert (found["dog"].recordings, found["dog"].bands, found["dog"].seconds) == (2, ((1000.0, 2000.0),), 0.5)
    assert (found["rain"].shortcut, found["dog"].shortcut) == (True, False)
    (few,) = audioft.summarise_explanations(rain[:4]).values()
    assert (few.silent, few.shortcut) == (found["rain"].silent, False)


def test_evidence_is_told_in_the_pitches_of_the_recording():
    hearing = Hearing(RATE, 10)
    assert (hearing.range[0] + Cells.of(1.0, RATE).bands * hearing.expansion)[-1] == pytest.approx(80000)
