"""X7: a tag has one target, belongs to one handler, and moves as a whole."""

from typing import Any

import pytest
from hypothesis import event as seen
from hypothesis import given
from hypothesis import strategies as st

from eventstore.memory import MemoryStore
from runtime import facts, version_facts
from runtime.control import Versions, change, control_stream, read_table
from runtime.errors import TagConflictError, TagNameError, VersionDeactivated, VersionNotFound
from runtime.testing import FakeClock, SeededIds
from runtime.timescape.tags import ANYWHERE
from tests.faces.asgi import memory_store
from tests.routes import HANDLER, deployed, version_id

STREAM = control_stream("shop")


class Racing:
    """A log to which another writer appends first, whenever it is told to."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.first: tuple[str, facts.Fact] | None = None

    def append(self, *words: Any, **more: Any) -> Any:
        if self.first is not None:
            key, fact = self.first
            self.first = None
            other = change(self._store, STREAM, lambda *_: [(key, fact)], clock=FakeClock())
            assert other
        return self._store.append(*words, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def deploy(store: Any, count: int, handler: str = HANDLER) -> None:
    new = [deployed(number, handler=handler) for number in range(1, count + 1)]
    change(store, STREAM, lambda *_: new, clock=FakeClock())


def versions(store: Any) -> Versions:
    return Versions(store, STREAM, clock=FakeClock(), ids=SeededIds(), by="ann")


steps = st.lists(
    st.tuples(
        st.sampled_from(["tag", "tag", "tag", "untag", "deactivate", "race"]),
        st.sampled_from(["stable", "beta", "Stable", "latest", "1x"]),
        st.integers(1, 4),
        st.sampled_from(["anywhere", "nowhere", "right", "wrong"]),
    ),
    min_size=4,
    max_size=8,
)


@pytest.mark.proves("X7", "TG-1", "TG-2", "TG-3")
@given(steps)
def test_x07_a_tag_has_one_target_and_moves_as_a_whole(
    said: list[tuple[str, str, int, str]],
) -> None:
    """Seen to fail with a tag that is moved although it was expected nowhere."""
    store = Racing(memory_store())
    deploy(store, 3)
    model: dict[str, str] = {}
    gone: set[str] = set()
    for kind, tag, number, guess in said:
        target = version_id(number)
        before = store.end()
        if kind == "deactivate":
            # The third is current.
            if number < 3 and versions(store).deactivate(target, force=True):
                gone.add(target)
        elif kind == "untag":
            assert bool(versions(store).untag(HANDLER, tag)) == (tag in model)
            model.pop(tag, None)
        else:
            expected = _expected(guess, model.get(tag))
            raced = kind == "race" and tag == "stable" and "Stable" not in model
            if raced:
                store.first = version_id(3), version_facts.VersionTagged(tag)
                model |= (
                    {tag: version_id(3)}
                    if _would_append(model, gone, tag, target, expected)
                    else {}
                )
            wanted = _fault(model, gone, tag, target, expected)
            seen(wanted.__name__ if wanted else "moved")
            if wanted is None:
                versions(store).tag(tag, target, expected=expected)
                model[tag] = target
            else:
                with pytest.raises(wanted):
                    versions(store).tag(tag, target, expected=expected)
                assert store.end() == before or raced
            store.first = None
        routes = read_table(store, STREAM).handlers[HANDLER]
        assert routes.tags_now == model


def _expected(guess: str, now: str | None) -> str | None:
    return {"anywhere": ANYWHERE, "nowhere": None, "right": now, "wrong": version_id(9)}[guess]


def _fault(
    model: dict[str, str], gone: set[str], tag: str, target: str, expected: str | None
) -> type[Exception] | None:
    """Say what a move meets, in the order in which it is looked at."""
    if target == version_id(4):
        return VersionNotFound
    if target in gone:
        return VersionDeactivated
    if tag in ("latest", "1x") or any(o != tag and o.lower() == tag.lower() for o in model):
        return TagNameError
    if expected not in (ANYWHERE, model.get(tag)):
        return TagConflictError
    return None


def _would_append(
    model: dict[str, str], gone: set[str], tag: str, target: str, expected: str | None
) -> bool:
    return _fault(model, gone, tag, target, expected) is None and model.get(tag) != target


@pytest.mark.proves("X7", "TG-2")
def test_x07_who_loses_a_race_decides_again_and_changes_nothing() -> None:
    store = Racing(memory_store())
    deploy(store, 3)
    versions(store).tag("stable", version_id(1))
    store.first = version_id(2), version_facts.VersionTagged("stable", version_id(1))

    with pytest.raises(TagConflictError, match="points to"):
        versions(store).tag("stable", version_id(3), expected=version_id(1))

    told = list(store.read(STREAM))
    assert [e.key for e in told if e.type == "version.tagged"] == [version_id(1), version_id(2)]


@pytest.mark.proves("X7", "TG-1", "TG-2")
def test_x07_a_move_is_one_fact_and_of_one_handler() -> None:
    store = memory_store()
    deploy(store, 2)
    deploy(store, 1, "get-cart")
    control = versions(store)

    control.tag("stable", version_id(1))
    control.tag("stable", version_id(1, "get-cart"))
    moved = control.tag("stable", version_id(2))
    again = control.tag("stable", version_id(2))

    assert [(e.key, e.data) for e in moved.events] == [
        (version_id(2), version_facts.VersionTagged("stable", version_id(1), "ann"))
    ]
    assert not again
    table = read_table(store, STREAM)
    assert table.handlers[HANDLER].tagged("stable") == version_id(2)
    assert table.handlers["get-cart"].tagged("stable") == version_id(1, "get-cart")


@pytest.mark.proves("TG-2")
def test_a_dry_run_says_what_would_be_and_appends_nothing() -> None:
    store = memory_store()
    deploy(store, 1)
    end = store.end()
    dry = Versions(store, STREAM, clock=FakeClock(), ids=SeededIds(), dry_run=True)

    would = dry.tag("stable", version_id(1))

    assert would.table.handlers[HANDLER].tagged("stable") == version_id(1)
    assert (store.end(), len(would.events)) == (end, 1)
