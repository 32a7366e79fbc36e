"""The speakers enrolled by embeddings of their recordings, and the file that holds these."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch

from audioft.errors import AudioftError, DataError, ModelError, UsageError
from audioft.inference.predictor import Predictor
from audioft.models.classifier import AudioClassifier
from audioft.models.folder import ModelCard, store_verification
from audioft.models.folder import load as load_folder
from audioft.models.weight_files import fingerprint
from audioft.speakers.enrolled import Enrolled
from audioft.speakers.enrolment import UNKNOWN, Enrolment
from audioft.speakers.pair_scores import Scorer
from audioft.speakers.thresholds import threshold_of


def test_a_fingerprint_changes_with_everything_that_an_embedding_depends_on(trained, tmp_path):
    model = load_folder(trained.model)[0]
    own = fingerprint(model)
    copied = shutil.copytree(trained.model, tmp_path / "model")
    store_verification(copied, {"threshold": 0.5})
    assert fingerprint(load_folder(copied)[0]) == own == fingerprint(Predictor(trained).model)
    seen = {own}
    weight = model.head.projector.weight
    with torch.no_grad():
        weight[0, 0] += 1e-6
        seen.add(fingerprint(model))
        weight[0, 0] -= 1e-6
    seen.add(fingerprint(AudioClassifier(model.encoder, 2, layers="weighted")))
    seen.add(fingerprint(AudioClassifier(model.encoder, 2, pooling="attentive_stats")))
    assert len(seen) == 4


def speaker(*vectors, seconds=1.0, digests=()):
    return Enrolled.of(np.array(vectors, float), np.full(len(vectors), seconds), digests)


def test_recordings_added_later_count_as_much_as_those_before():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(5, 4))
    at_once = speaker(*vectors)
    later = speaker(*vectors[:2]).with_more(speaker(*vectors[2:]))
    assert later.embedding == pytest.approx(at_once.embedding)
    assert (later.recordings, later.seconds) == (5, 5.0)
    # a loud recording counts no more than a quiet one
    assert speaker(vectors[0] * 100, vectors[1]).embedding == pytest.approx(speaker(*vectors[:2]).embedding)


def test_the_file_holds_what_was_enrolled_and_is_readable(tmp_path):
    rng = np.random.default_rng(0)
    own = Enrolment("f00d", cohort=rng.normal(size=(3, 4)), cohort_digests=("c1", "c2", "c3"))
    own = own.enrol("Ada", speaker(*rng.normal(size=(2, 4)), digests=("a1", "a2"))).enrol(
        'Zoë "Z"', speaker(rng.normal(size=4))
    )
    path = tmp_path / "speakers.json"
    own.save(path)
    again = Enrolment.load(path, "f00d")
    assert list(again.speakers) == ["Ada", 'Zoë "Z"']
    for name, s in own.speakers.items():
        assert again.speakers[name].embedding == pytest.approx(s.embedding, rel=1e-6)
        assert (again.speakers[name].recordings, again.speakers[name].seconds) == (s.recordings, s.seconds)
    assert [s.digests for s in again.speakers.values()] == [("a1", "a2"), ()]
    assert again.cohort_digests == ("c1", "c2", "c3")
    assert again.cohort == pytest.approx(own.cohort, rel=1e-6)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert '    "Ada": {"recordings": 2, "seconds": 2.0, "digests": ["a1", "a2"], "embedding": [' in lines[4]
    assert len(lines) < 16
    empty = Enrolment("f00d")
    empty.save(path)
    assert Enrolment.load(path, "f00d").speakers == {}


def test_names_that_are_taken_or_mean_nobody_are_refused():
    own = Enrolment("f00d").enrol("Ada", speaker([1, 0]))
    for name, said in (
        ("Ada", "--add adds .* --replace takes"),
        ("unknown", "stands for nobody"),
        ("", "expected a name"),
    ):
        with pytest.raises(UsageError, match=said):
            own.enrol(name, speaker([0, 1]))
    assert own.enrol("Ada", speaker([0, 1]), add=True).speakers["Ada"].embedding.tolist() == [0.5, 0.5]
    assert own.enrol("Ada", speaker([0, 1]), replace_old=True).speakers["Ada"].embedding.tolist() == [0, 1]
    assert own.speakers["Ada"].embedding.tolist() == [1, 0]


def test_speakers_of_another_model_are_refused(tmp_path):
    path = tmp_path / "speakers.json"
    Enrolment("f00d" * 16).enrol("Ada", speaker([1, 0])).save(path)
    with pytest.raises(ModelError, match=r"enrolled with another model .*f00df00df00d.* beef.*enrol them again"):
        Enrolment.load(path, "beef" * 16)
    assert Enrolment.load(tmp_path / "none.json", "beef").speakers == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda about: about.pop("cohort"), "damaged"),
        (lambda about: about["speakers"]["Ada"].pop("embedding"), "damaged"),
        (lambda about: about["speakers"]["Ada"].update(embedding=[1, "x"]), "damaged"),
        (lambda about: about["speakers"]["Ada"].update(embedding=[1, None]), "damaged"),
        (lambda about: about["speakers"]["Ada"].update(embedding=[1, 2, 3]), "embeddings of 2 sizes"),
        (lambda about: about["speakers"]["Ada"].pop("digests"), "damaged"),
        (lambda about: about["speakers"]["Ada"].update(digests=[1]), "digests that are no list of texts"),
        (lambda about: about.update(cohort_digests=["c1"]), "a cohort of other recordings than it names"),
        (lambda about: about.update(format_version=3), "format_version 3, this audioft reads 1 and 2"),
    ],
)
def test_damaged_files_are_refused(tmp_path, change, said):
    path = tmp_path / "speakers.json"
    Enrolment("f00d").enrol("Ada", speaker([1, 0])).enrol("Bob", speaker([0, 1])).save(path)
    about = json.loads(path.read_text())
    change(about)
    path.write_text(json.dumps(about))
    with pytest.raises(DataError, match=said):
        Enrolment.load(path, "f00d")
    path.write_text("{")
    with pytest.raises(DataError, match="cannot be read as JSON"):
        Enrolment.load(path, "f00d")


def test_a_file_of_the_first_version_is_read(tmp_path):
    path = tmp_path / "speakers.json"
    Enrolment("f00d", cohort=np.eye(2)).enrol("Ada", speaker([1, 0], [0, 1])).save(path)
    about = json.loads(path.read_text())
    about["format_version"] = 1
    about.pop("cohort_digests")
    about["speakers"]["Ada"].pop("digests")
    path.write_text(json.dumps(about))
    own = Enrolment.load(path, "f00d")
    assert (own.speakers["Ada"].recordings, own.speakers["Ada"].digests) == (2, ())
    assert (own.cohort.tolist(), own.cohort_digests) == ([[1, 0], [0, 1]], ())
    own.enrol("Ada", speaker([1, 1], digests=("a3",)), add=True).save(path)
    assert json.loads(path.read_text())["format_version"] == 2
    assert Enrolment.load(path, "f00d").speakers["Ada"].digests == ("a3",)


def test_a_recording_is_of_one_speaker():
    own = Enrolment("f00d").enrol("Ada B", speaker([1, 0], [0, 1], digests=("a1", "a2")))
    own.refuse_of_others("Ada B", [("x.wav", "a1")])
    own.refuse_of_others("Bob", [("x.wav", "b1"), ("broken.wav", "")])
    with pytest.raises(
        UsageError, match=r"x\.wav is a recording that 'Ada B' is enrolled from\n.* it with .*'Ada B' --remove`$"
    ):
        own.refuse_of_others("Bob", [("y.wav", "b1"), ("x.wav", "a2")])
    with pytest.raises(
        UsageError, match=r"(?s)^2 problems in the recordings.*enrolled from\na recording is .* them out"
    ):
        own.refuse_of_others("Bob", [("y.wav", "a1"), ("x.wav", "a2")])


def test_a_speaker_is_forgotten():
    own = Enrolment("f00d").enrol("Ada", speaker([1, 0], digests=("a1",))).enrol("Bob", speaker([0, 1]))
    assert list(own.without("Ada").speakers) == ["Bob"]
    assert own.without("Ada").owners() == {}
    assert list(own.speakers) == ["Ada", "Bob"]
    with pytest.raises(UsageError, match="'Bop' is not enrolled: did you mean 'Bob'"):
        own.without("Bop")
    with pytest.raises(UsageError, match="'Ada' is not enrolled; nobody is"):
        Enrolment("f00d").without("Ada")


def test_a_cohort_loses_those_who_are_enrolled():
    own = Enrolment("f00d", cohort=np.eye(3), cohort_digests=("c1", "a1", "c3"))
    assert own.without_enrolled() is own
    found = own.enrol("Ada", speaker([1, 0, 0], digests=("a1",))).without_enrolled()
    assert found.cohort_digests == ("c1", "c3")
    assert found.cohort.tolist() == [[1, 0, 0], [0, 0, 1]]


def test_a_file_that_cannot_be_written_stays_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "speakers.json"
    Enrolment("f00d").enrol("Ada", speaker([1, 0])).save(path)
    before = path.read_bytes()

    def fail(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("audioft.core.storage.os.fsync", fail)
    with pytest.raises(AudioftError, match="No space left"):
        Enrolment("f00d").enrol("Bob", speaker([1, 0])).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_nearest_is_believed_from_the_threshold_on():
    own = Enrolment("f00d").enrol("Ada", speaker([1, 0, 0])).enrol("Bob", speaker([0, 1, 0]))
    heard = np.array([[2, 0.1, 0], [0.3, 0.9, 0.1], [0, 0.1, 1]])
    found = own.identify(heard, Scorer(), 0.5)
    assert [(name, nearest) for name, _, nearest in found] == [("Ada", "Ada"), ("Bob", "Bob"), (UNKNOWN, "Bob")]
    assert found[2][1] == pytest.approx(0.1 / np.linalg.norm(heard[2]))
    assert own.identify(heard, Scorer(), found[0][1])[0][0] == "Ada"
    assert own.identify(heard, Scorer(), found[0][1] + 1e-9)[0][0] == UNKNOWN
    assert own.identify(np.zeros((0, 0)), Scorer(), 0.5) == []
    with pytest.raises(UsageError, match="nobody is enrolled"):
        Enrolment("f00d").identify(heard, Scorer(), 0.5)
    cohort = np.random.default_rng(0).normal(size=(10, 3))
    normalised = own.identify(heard, Scorer(cohort), 0.0)
    assert normalised[0][1] == pytest.approx(Scorer(cohort).matrix(heard[:1], np.eye(3)[:1])[0, 0])


def test_a_threshold_is_only_for_scores_of_its_kind():
    card = ModelCard(("a", "b"), False, 1.0)
    chosen = {"threshold": 0.4, "normalised": False}
    assert threshold_of(card, 0.2, True) == 0.2
    with pytest.raises(UsageError, match=r"give one with --threshold, or let it be chosen .* --store"):
        threshold_of(card, None, False)
    plain = ModelCard(("a", "b"), False, 1.0, verification=chosen)
    assert threshold_of(plain, None, False) == 0.4
    with pytest.raises(UsageError, match="is for plain cosines, these scores are cosines normalised"):
        threshold_of(plain, None, True)
    with pytest.raises(UsageError, match="give a cohort with --cohort"):
        threshold_of(ModelCard(("a", "b"), False, 1.0, verification=chosen | {"normalised": True}), None, False)


def test_a_model_folder_keeps_its_verification_and_an_older_one_has_none(trained, tmp_path):
    folder = shutil.copytree(trained.model, tmp_path / "model")
    about = json.loads((folder / "audioft.json").read_text())
    about.pop("verification")
    (folder / "audioft.json").write_text(json.dumps(about))
    assert load_folder(folder)[1].verification is None
    store_verification(folder, {"threshold": 0.4, "normalised": False})
    assert load_folder(folder)[1].verification == {"threshold": 0.4, "normalised": False}
    assert json.loads((folder / "audioft.json").read_text()).keys() == about.keys() | {"verification"}
