"""Names of forks: unique under their parent, also while others name; removal (WI-3)."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.errors import BadInputError, NameTakenError, NotFoundError
from debugger.session import Session
from debugger.session.forks import fork_tree, name_fork, remove_fork
from debugger.session.naming import MOST, NAMES, checked, give_name, read_names
from eventstore import EventStoreError, Store, StreamId
from tests.debugger.stores import Ticks, memory_store, order, record, sqlite_store

NAMES_USED = ("with tax", "without tax", "é" * MOST)


def forked(store: Store, *moments: int, on: StreamId | None = None) -> tuple[StreamId, ...]:
    """Return a request and a fork of it at each of *moments*."""
    clock = Ticks()
    session = Session(store, write=lambda: store, clock=clock)
    request = on or record(store, order(clock), stream=session.new_request())
    return request, *(session.restore(request, at, by="ann") for at in moments)


def refusal(store: Store, fork: StreamId, name: str) -> str | None:
    """Give *fork* a name; return who has it already, if somebody does."""
    try:
        give_name(store, fork, name, by="ann", clock=Ticks())
    except NameTakenError as refused:
        return refused.holder
    return None


@pytest.mark.proves("WI-3")
@given(asked=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(NAMES_USED)), max_size=12))
def test_of_the_forks_of_a_request_no_two_have_one_name(asked: list[tuple[int, str]]) -> None:
    """Held against a dict: the first who asks has a name until it takes another one."""
    with memory_store() as store:
        (one, *its), (other, *others) = forked(store, 3, 5), forked(store, 3, 5)
        parents = {**dict.fromkeys(its, one), **dict.fromkeys(others, other)}
        forks, known = list(parents), dict[StreamId, str]()
        for number, name in asked:
            fork = forks[number]
            holders = [f for f, n in known.items() if n == name and parents[f] == parents[fork]]
            refused = refusal(store, fork, name)
            assert refused == (holders[0].hex if holders not in ([], [fork]) else None)
            if refused is None:
                known[fork] = name

        assert read_names(store).called == {fork.hex: name for fork, name in known.items()}
        for fork, name in known.items():
            assert Session(store).find(f"{parents[fork].hex}/{name}") == fork


@pytest.mark.proves("WI-3")
def test_who_names_at_the_same_time_decides_again() -> None:
    """Another one takes the name between the decision and its append: the later is refused."""
    with memory_store() as store:
        _, first, second = forked(store, 3, 5)
        racing = _Racing(store, lambda: give_name(store, first, "x", by="eve", clock=Ticks()))
        with pytest.raises(NameTakenError) as refused:
            give_name(racing, second, "x", by="ann", clock=Ticks())

        assert refused.value.holder == first.hex
        assert pickle.loads(pickle.dumps(refused.value)).holder == first.hex  # noqa: S301
        assert [event.key for event in store.read(NAMES)] == ["x"]


class _Racing:
    """A store on which somebody is a moment faster."""

    def __init__(self, store: Store, first: Callable[[], None]) -> None:
        self._store = store
        self._first = [first]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def append(self, *args: Any, **kwargs: Any) -> Any:
        if self._first:
            self._first.pop()()
        return self._store.append(*args, **kwargs)


@pytest.mark.proves("WI-3")
@pytest.mark.parametrize("name", ["", "  ", "x" * (MOST + 1), "a/b", "a\nb", "\x1b[2J", "\u202e"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(BadInputError):
        checked(name)


@pytest.mark.proves("WI-3")
def test_only_forks_have_names_and_only_they_are_removed() -> None:
    with memory_store() as store:
        (request,) = forked(store)
        session = Session(store, write=lambda: store)
        with pytest.raises(BadInputError, match="is no fork"):
            name_fork(session, request, "x", by="ann")
        with pytest.raises(BadInputError, match="is no fork"):
            remove_fork(session, request, by="ann", reason="why not")
        with pytest.raises(NotFoundError, match="None has a name"):
            session.find(f"{request.hex}/x")

        assert not read_names(store).called


@pytest.mark.proves("WI-3")
def test_a_fork_without_children_is_removed_and_its_hashes_stay(tmp_path: Path) -> None:
    with sqlite_store(tmp_path / "shop.db") as store:
        session = Session(store, write=lambda: store, clock=Ticks())
        request, fork, other = forked(store, 18, 5)
        (_, child) = forked(store, 18, on=fork)
        name_fork(session, fork, "first", by="ann")
        name_fork(session, child, "second", by="bob")
        before = list(store.read(request))
        with pytest.raises(EventStoreError, match="without its fork") as refused:
            remove_fork(session, fork, by="ann", reason="looked at")
        assert refused.value.code == "has-forks"

        remove_fork(session, child, by="bob", reason="done")
        at = remove_fork(session, fork, by="ann", reason="looked at")

        (told,) = store.read_log(after=at - 1, limit=1)
        fact = told.events[0]
        assert fact.type == "maintenance.pruned"
        data = getattr(fact.data, "data", fact.data)
        assert [data[key] for key in ("stream", "by", "reason")] == [fork.hex, "ann", "looked at"]
        assert [each.summary.stream for each in fork_tree(session, request)] == [request, other]
        assert list(store.read(request)) == before
        assert session.verify().fault is None
        name_fork(session, other, "first", by="eve")
        assert session.find(f"{request.hex}/first") == other
