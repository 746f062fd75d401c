"""Errors are sentences that follow each other."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.errors import BadInputError
from eventstore import EventStoreError
from eventstore.errors import sentence
from runtime.errors import ModuleStartError


@pytest.mark.parametrize(
    ("said", "ended"),
    [
        ("It did not start: there is no way", "It did not start: there is no way."),
        ("It is str, which cannot be checked..", "It is str, which cannot be checked."),
        ("It is full.", "It is full."),
        ("It waits...", "It waits..."),
        ("Is it there?", "Is it there?"),
        ("It cannot be read:\n  a b\n  ^ here", "It cannot be read:\n  a b\n  ^ here"),
        ("", ""),
    ],
)
def test_a_problem_ends_once_before_its_remedy_begins(said: str, ended: str) -> None:
    told = EventStoreError("some-code", said, "Do it.", {})

    assert sentence(said) == ended
    assert str(told) == f"{ended} Do it. [some-code]"
    for kind in (ModuleStartError, BadInputError):
        assert str(kind(said, "Do it.")) == f"{ended} Do it."
        assert kind(said).problem == said  # nothing follows it: it stays as it was said


@given(said=st.text())
def test_what_is_ended_stays_so(said: str) -> None:
    """Also through a process boundary, where an error is made anew of what it holds."""
    told = EventStoreError("some-code", said, "Do it.", {})

    assert sentence(sentence(said)) == sentence(said)
    assert str(pickle.loads(pickle.dumps(told))) == str(told)  # noqa: S301 - our own
