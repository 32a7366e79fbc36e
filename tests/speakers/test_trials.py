"""Lists of trials: made, written, read, and refused with every line that is wrong."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioft.data.clip import Clip
from audioft.errors import DataError, UsageError
from audioft.speakers import trials as lists
from audioft.speakers.trial_lists import read, refuse, text_of
from audioft.speakers.trials import Trial, make, speakers


def clips(*counts, sessions=2, folder=Path("/d")):
    """Of speakers a, b, ... so many clips each, in sessions that alternate."""
    return [
        Clip(folder / f"{who}{i}.wav", f"{who}{i}.wav", labels=(who,), columns={"day": f"{who}-{i % sessions}"})
        for who, count in zip("abcdefgh", counts, strict=False)
        for i in range(count)
    ]


def pairs(trials):
    return {(t.enrol.key, t.test.key) for t in trials}


@given(st.lists(st.integers(0, 5), min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_all_pairs_are_all_pairs_once_whatever_the_order(counts, random):
    given_clips = clips(*counts)
    expected = {frozenset((a.key, b.key)): a.labels == b.labels for a, b in itertools.combinations(given_clips, 2)}
    if set(expected.values()) != {True, False}:
        with pytest.raises(DataError, match="make no pair"):
            make(given_clips)
        return
    made = make(given_clips)
    assert {frozenset((t.enrol.key, t.test.key)): t.target for t in made} == expected
    assert len(made) == len(expected)
    random.shuffle(given_clips)
    assert make(given_clips) == made


def test_so_many_are_drawn_and_the_seed_decides():
    many = clips(6, 5, 7, 1)
    whole = make(many)
    drawn = make(many, same=10, different=20, seed=3)
    assert Counter(t.target for t in drawn) == {True: 10, False: 20}
    assert len(pairs(drawn)) == 30
    assert pairs(drawn) <= pairs(whole)
    assert make(list(reversed(many)), same=10, different=20, seed=3) == drawn
    assert make(many, same=10, different=20, seed=4) != drawn
    assert make(many, same=10_000) == whole


def test_a_draw_prefers_no_pair():
    seen = Counter()
    for seed in range(300):
        seen.update(pairs(make(clips(3, 3), same=2, different=3, seed=seed)))
    for pair in pairs(make(clips(3, 3))):
        inside = pair[0][0] == pair[1][0]
        assert seen[pair] == pytest.approx(300 * (2 / 6 if inside else 3 / 9), rel=0.25)


def test_sessions_are_told():
    made = make(clips(3, 2), session="day")
    told = {(t.enrol.key, t.test.key): t.same_session for t in made}
    assert told["a0.wav", "a2.wav"] is True
    assert told["a0.wav", "a1.wav"] is False
    assert told["a0.wav", "b0.wav"] is False
    assert {t.same_session for t in make(clips(3, 2))} == {None}
    blank = [Clip(Path(f"/d/{i}"), f"{i}", labels=("ab"[i // 2],), columns={"day": " "}) for i in range(4)]
    assert {t.same_session for t in make(blank, session="day")} == {None}
    with pytest.raises(UsageError, match=r"session 'dya': there is no such column.*day"):
        make(clips(3, 2), session="dya")
    plain = [Clip(Path(f"/d/{i}"), f"{i}", labels=("ab"[i // 2],)) for i in range(4)]
    with pytest.raises(UsageError, match=r"session 'day': there is no such column; recordings in folders have no col"):
        make(plain, session="day")


def test_too_many_are_refused(monkeypatch):
    monkeypatch.setattr(lists, "MOST", 5)
    with pytest.raises(UsageError, match="10 trials are more than 5; draw some with --same N"):
        make(clips(3, 2))
    assert len(make(clips(3, 2), same=1, different=2)) == 3


@pytest.fixture
def folder(tmp_path):
    for name in ("a0.wav", "a1.wav", "b0.wav", "b1.wav", "c d.wav"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("session", [None, "day"])
def test_a_table_is_read_as_it_was_written(folder, cut, session):
    own = clips(2, 2, folder=folder)
    if cut:
        own += [
            Clip(folder / "c d.wav", "c d.wav", s, e, labels=("ç",), columns={"day": "1"})
            for s, e in ((0.5, 2), (3, None))
        ]
    made = make(own, session=session)
    path = folder / "lists" / "pairs.csv"
    path.parent.mkdir()
    path.write_text(text_of(made, path), encoding="utf-8")
    assert path.read_text(encoding="utf-8").splitlines()[0].startswith("enrol,test,target,")
    again = read(path)

    def plain(trials):
        return [
            (*((c.path, c.start, c.end, c.labels) for c in (t.enrol, t.test)), t.target, t.same_session) for t in trials
        ]

    assert plain(again) == plain(made)
    assert speakers(again) == speakers(made)


def test_lines_are_read_as_they_were_written(folder):
    made = make(clips(2, 2, folder=folder))
    path = folder / "veri_test.txt"
    path.write_text(text_of(made, path), encoding="utf-8")
    assert path.read_text().splitlines()[:2] == ["1 a0.wav a1.wav", "1 b0.wav b1.wav"]
    again = read(path)
    assert [(t.target, t.enrol.path, t.test.path) for t in again] == [
        (t.target, t.enrol.path, t.test.path) for t in made
    ]
    assert speakers(again) == tuple(
        [c.name[0] + "0.wav" for c in side] for side in zip(*[(t.enrol, t.test) for t in made], strict=True)
    )


def test_names_may_be_relative_to_another_folder(folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("lists") / "pairs.txt"
    path.write_text("1 a0.wav a1.wav\n\n0 a0.wav b0.wav\n")
    assert read(path, root=folder)[1].test.path == folder / "b0.wav"
    with pytest.raises(DataError, match=r"lines 1, 3: enrol: no such file: a0\.wav"):
        read(path)


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ([Clip(Path("/d/a b.wav"), "a b.wav", labels=("x",))], "'../d/a b.wav' has a blank in its name"),
        ([Clip(Path("/d/a.wav"), "a.wav", 1.0, 2.0, labels=("x",))], "a.wav@1-2' is a part of a recording"),
    ],
)
def test_what_lines_cannot_hold_is_refused(own, said):
    trial = Trial(own[0], clips(1)[0], False)
    with pytest.raises(DataError, match=said):
        text_of([trial], Path("/l/pairs.txt"))
    assert text_of([trial], Path("/l/pairs.csv")).count("\n") == 2


def test_everything_wrong_with_lines_is_told_at_once(folder):
    path = folder / "pairs.txt"
    path.write_text("1 a0.wav a1.wav\n2 a0.wav b0.wav\na0.wav b0.wav 0\n1 a0.wav\n0 x.wav y.wav\n1 a0.wav a0.wav\n")
    with pytest.raises(DataError) as e:
        read(path)
    told = sorted(p.split("pairs.txt ")[1] for p in e.value.problems)
    assert [t.split(":")[0] for t in told] == ["line 2", "line 3", "line 3", "line 4", "line 5", "line 5", "line 6"]
    assert "target '2': expected 1 (one speaker) or 0 (two)" in told[0]
    assert "compared with itself" in told[-1]


def test_everything_wrong_with_a_table_is_told_at_once(folder):
    path = folder / "pairs.csv"
    path.write_text(
        "enrol,test,target,enrol_speaker,test_speaker,same_session,enrol_start\n"
        "a0.wav,a1.wav,1,a,a,1,\n"
        "a0.wav,b0.wav,yes,a,b,,\n"
        "a0.wav,b0.wav,0,a,b,maybe,\n"
        "a0.wav,b0.wav,0,a,b,,soon\n"
        "a0.wav,b0.wav,1,a,b,,\n"
        "a1.wav,b1.wav,0,b,b,,\n"
    )
    with pytest.raises(DataError) as e:
        read(path)
    told = sorted(p.split("pairs.csv ")[1] for p in e.value.problems)
    assert [t.split(":")[0] for t in told] == ["line 3", "line 4", "line 5", "line 6", "line 7", "line 7"]
    assert "called of one speaker, but 'a' and 'b'" in told[3]
    assert any("a1.wav is of 'b', but of 'a' in" in t for t in told)


def test_trials_that_others_contradict_are_refused(folder):
    path = folder / "pairs.txt"
    path.write_text("1 a0.wav a1.wav\n1 a1.wav b0.wav\n0 a0.wav b0.wav\n0 a0.wav b1.wav\n")
    with pytest.raises(
        DataError, match=r"line 3: a0\.wav and b0\.wav are called of two speakers, but other trials join"
    ):
        read(path)


@pytest.mark.parametrize(
    ("name", "text", "error", "said"),
    [
        ("p.txt", "\n", UsageError, "no list of trials: no line of it is as `1 a.wav b.wav`"),
        ("p.txt", "a0.wav b0.wav 0\n1 a0.wav\n", UsageError, "no list of trials: no line of it"),
        ("p.csv", "enrol,test,target\n", DataError, "expected one row a trial"),
        (
            *("p.csv", "file_name,label\na0.wav,a\n", UsageError),
            "no list of trials: no column enrol, test, target; .* the columns are file_name, label.*audioft trials",
        ),
    ],
)
def test_lists_of_nothing(folder, name, text, error, said):
    (folder / name).write_text(text)
    with pytest.raises(error, match=said):
        read(folder / name)


@pytest.mark.parametrize("name", ["p.csv", "p.txt"])
def test_a_list_is_only_replaced_when_asked_and_nothing_else_ever(folder, name):
    path = folder / name
    refuse(path, overwrite=False)  # nothing is there
    path.write_text(text_of(make(clips(2, 2, folder=folder)), path))
    with pytest.raises(UsageError, match=rf"{name} is there already: replace it \(--overwrite\)"):
        refuse(path, overwrite=False)
    refuse(path, overwrite=True)
    path.write_text("file_name,label\na0.wav,a\n")
    with pytest.raises(UsageError, match="is no list of trials and is not replaced"):
        refuse(path, overwrite=True)
    for ending in ("tsv", "jsonl"):  # they would be read as tables, which is not what would be written
        with pytest.raises(UsageError, match=rf"p\.{ending}: expected a \.csv, or another name as list\.txt"):
            refuse(folder / f"p.{ending}", overwrite=True)


def test_a_list_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="no such list of trials"):
        read(tmp_path / "pairs.txt")
