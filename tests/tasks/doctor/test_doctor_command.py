"""`audioft doctor` and `audioft.doctor`: what they say of what was found."""

from __future__ import annotations

import pytest

import audioft
from audioft.tasks.doctor import diagnosis
from audioft.tasks.doctor.diagnosis import Finding

WELL, ILL = Finding("decoders", "all of them"), Finding("memory", "1.0 of 2.0 GB available", "close other programs")


@pytest.fixture
def found(monkeypatch):
    """`found(*findings)`: these are what is found; gives the list of how it was asked."""

    def put(*findings):
        asked = []
        monkeypatch.setattr(diagnosis, "examine", lambda online: asked.append(online) or iter(findings))
        return asked

    return put


def test_a_problem_is_marked_has_its_remedy_below_and_ends_with_1(audioft_command, found):
    found(WELL, ILL)
    code, out, err = audioft_command("doctor")
    assert (code, err) == (1, "")
    assert out.splitlines() == [
        "    decoders    all of them",
        "!   memory      1.0 of 2.0 GB available",
        "                -> close other programs",
        "",
        "to be seen to: 1, marked with !",
    ]


def test_without_problems_all_is_well(audioft_command, found):
    found(WELL, WELL)
    code, out, _ = audioft_command("doctor")
    assert code == 0
    assert out.endswith("\n\nall is well\n")
    assert "!" not in out


def test_what_is_found_is_a_result_and_said_when_quiet(audioft_command, found):
    found(ILL)
    assert audioft_command("doctor", "-q")[:2] == audioft_command("doctor")[:2]


@pytest.mark.parametrize(("option", "online"), [((), False), (("--online",), True)])
def test_the_hub_is_asked_with_online_alone(audioft_command, found, option, online):
    asked = found(WELL)
    audioft_command("doctor", *option)
    assert asked == [online]
    assert list(audioft.doctor(online)) == [WELL]
    assert list(audioft.doctor()) == [WELL]
    assert asked == [online, online, False]


def test_a_finding_is_given_as_soon_as_it_is_there():
    looking = audioft.doctor()
    first = next(looking)
    assert (first.name, first.remedy) == ("audioft", None)
    assert audioft.__version__ in first.found
    looking.close()


def test_strange_options_are_refused(audioft_command):
    code, out, err = audioft_command("doctor", "--offline")
    assert (code, out) == (2, "")
    assert "--offline" in err
