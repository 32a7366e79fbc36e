"""What a notebook gives to `predict`: names, arrays with a rate, and lists of them."""

from __future__ import annotations

import makers
import numpy as np
import pytest
import soundfile
import torch

import audioft
from audioft.errors import UsageError


@pytest.fixture(scope="module")
def model(trained):
    return audioft.load_model(trained)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return makers.tone(tmp_path_factory.mktemp("given") / "a.wav", 2400.0, seconds=1.0)


@pytest.fixture(scope="module")
def samples(path):
    return soundfile.read(path, dtype="float32")[0]


@pytest.fixture(scope="module")
def expected(model, path):
    (found,) = audioft.predict(model, path)
    return found


def test_names_of_files(model, path, expected):
    for given in (str(path), path, [path], [str(path)], (path,), iter([path])):
        (found,) = model.predict(given)
        assert (found.path, found.scores) == (expected.path, expected.scores)
    for found in model.predict([path, str(path)]):  # two in a batch: other sums, to rounding
        assert found.scores == pytest.approx(expected.scores, abs=1e-6)
    (found,) = model.predict(str(path.parent))
    assert found.path == path.as_posix()
    (found,) = model.predict(str(path.parent / "*.wav"))
    assert found.scores == expected.scores


@pytest.mark.parametrize("name", ["gone.wav", "", "no*.wav"])
def test_a_name_that_leads_nowhere_has_its_error(name, model, path):
    first, second = model.predict([path, name])
    assert (first.error, second.label) == (None, None)
    assert second.error is not None


SHAPES = {
    "(T,)": lambda s: s,
    "(1, T)": lambda s: s[None],
    "(T, 1)": lambda s: s[:, None],
    "(2, T)": lambda s: np.stack([s, s]),
    "(T, 2)": lambda s: np.stack([s, s], 1),
    "float64": lambda s: s.astype(np.float64),
    "not contiguous": lambda s: np.repeat(s, 2)[::2],
    "tensor": torch.from_numpy,
    "tensor (1, T) that learns": lambda s: torch.from_numpy(s)[None].requires_grad_(),
    "tensor float64": lambda s: torch.from_numpy(s).double(),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_arrays_are_heard_as_the_file_is(shape, model, samples, expected):
    for given, name in ((SHAPES[shape](samples), "the array"), ([SHAPES[shape](samples)], "inputs[0]")):
        (found,) = model.predict(given, rate=makers.RATE)
        assert (found.path, found.seconds, found.error) == (name, expected.seconds, None)
        assert found.scores == pytest.approx(expected.scores, abs=1e-6)


@pytest.mark.parametrize("dtype", [np.int16, np.int32])
def test_integers_are_as_in_files(dtype, model, path, samples, expected):
    whole = soundfile.read(path, dtype=np.dtype(dtype).name)[0]
    assert whole.dtype == dtype
    (found,) = model.predict((whole, makers.RATE))
    assert found.scores == pytest.approx(expected.scores, abs=1e-6)
    (found,) = model.predict((samples * 127 + 128).round().astype(np.uint8), rate=makers.RATE)
    assert found.label == expected.label


@pytest.mark.parametrize("rate", [8000, 44100, np.int64(48000), 22050.0])
def test_another_rate_is_resampled_as_a_file_is(rate, model, samples, tmp_path):
    sound = samples[: len(samples) // 2]
    soundfile.write(tmp_path / "r.wav", sound, int(rate), "FLOAT")
    (file,), (array,) = model.predict(tmp_path / "r.wav"), model.predict(sound, rate=rate)
    assert array.scores == pytest.approx(file.scores, abs=1e-6)
    assert array.seconds == pytest.approx(file.seconds, abs=1e-3)


def test_pairs_and_what_data_sets_have(model, path, samples, expected):
    pair = soundfile.read(path)
    theirs = {"path": None, "array": samples, "sampling_rate": makers.RATE}
    given = [path, pair, theirs, samples, (torch.from_numpy(samples)[None], makers.RATE)]
    found = list(model.predict(given, rate=makers.RATE))
    assert [p.path for p in found] == [expected.path, *(f"inputs[{i}]" for i in range(1, 5))]
    for one in found:
        assert one.scores == pytest.approx(expected.scores, abs=1e-6)
    for one in (pair, theirs):
        assert next(model.predict(one)).scores == pytest.approx(expected.scores, abs=1e-6)
    ours = [p.scores for p in audioft.predict(model, given, rate=makers.RATE)]
    assert ours == [p.scores for p in found]


class Frame:
    """What tells a data frame of pandas."""

    columns, shape = ("file_name",), (1, 1)

    def iterrows(self):
        return iter(())

    def __iter__(self):
        return iter(self.columns)


def test_names_and_sounds_in_an_array_of_objects_are_several(model, path, samples, expected):
    objects = np.empty(2, dtype=object)
    objects[0], objects[1] = str(path), samples
    for given in (np.array([str(path), str(path)]), np.array([path, path], dtype=object), objects):
        found = list(model.predict(given, rate=makers.RATE if given is objects else None))
        assert [p.scores for p in found] == [pytest.approx(expected.scores, abs=1e-6)] * 2


REFUSED = {
    "no rate": (
        np.zeros(16000, np.float32),
        None,
        UsageError,
        r"the array has no rate: .*predict\(array, rate=16000\)",
    ),
    "no rate in a list": ([np.zeros(16000)], None, UsageError, r"inputs\[0\] has no rate"),
    "no rate of a tensor": (torch.zeros(16000), None, UsageError, "the array has no rate"),
    "no rate in a mapping": ({"array": np.zeros(16000)}, None, UsageError, "has no rate"),
    "three channels": (np.zeros((3, 16000)), 16000, UsageError, r"is \(3, 16000\); expected one recording: \(T,\)"),
    "a batch": (torch.zeros(8, 1, 16000), 16000, UsageError, "3 dimensions"),
    "two by two": (np.zeros((2, 2)), 16000, UsageError, r"is \(2, 2\)"),
    "rate 0": (np.zeros(16000), 0, UsageError, "rate 0 is not a whole number of Hz"),
    "rate in kHz": (np.zeros(16000), 44.1, UsageError, "rate 44.1"),
    "rate in words": (np.zeros(16000), "16000", UsageError, "rate '16000'"),
    "rate nan": (np.zeros(16000), float("nan"), UsageError, "rate nan"),
    "a rate for a file": ("a.wav", 16000, UsageError, "rate=16000 is for arrays"),
    "16 bits as floats": (np.full(16000, 12000.0), 16000, UsageError, "samples up to 12,000"),
    "64 bits": (np.zeros(16000, np.int64), 16000, UsageError, "is of int64"),
    "a rate for files in an array": (np.array(["a", "b"]), 16000, UsageError, "rate=16000 is for arrays"),
    "16 bits in 32": (np.full(16000, 12000, np.int32), 16000, UsageError, "int32 samples up to 12,000.*as int16"),
    "a table with columns": (Frame(), None, TypeError, r"is of Frame; .*give one: frame\['file_name'\]"),
    "nothing": (None, None, TypeError, "the array is of NoneType; expected a file, a folder"),
    "a number": (3, 16000, TypeError, "is a number"),
    "a list of numbers": ([0.1, 0.2], 16000, TypeError, r"inputs\[0\] is a number; .*numpy.asarray"),
    "a mapping": ({"samples": 1}, 16000, TypeError, "is of dict"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_may_be_meant_in_two_ways_is_refused_at_the_call(what, model):
    given, rate, error, said = REFUSED[what]
    with pytest.raises(error, match=said):
        model.predict(given, rate=rate)
    with pytest.raises(error, match=said):
        audioft.predict(model, given, rate=rate)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.zeros(0, np.float32), "no samples in it"),
        (np.zeros(100, np.float32), "6.2 ms long"),
        (np.full(16000, np.nan, np.float32), "not finite"),
    ],
)
def test_an_array_that_is_no_sound_has_its_error(given, said, model, samples):
    first, second = model.predict([given, samples], rate=16000)
    assert (first.label, second.error) == (None, None)
    assert said in str(first.error)
    assert "inputs[0]" in str(first.error)
