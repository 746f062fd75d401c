"""P23: a context is a dict, recorded."""

import contextlib
import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from eventstore.values import FrozenValueError, encode, same
from runtime.context import REQUEST_REDUCER
from runtime.errors import (
    ContextClosedError,
    ContextKeyError,
    DuplicateSnapshotError,
    EditConflictError,
    ReservedKeyError,
    SnapshotNotFoundError,
    StreamTooLongError,
    UnsupportedValueError,
    ValueTooLargeError,
)
from runtime.lifecycle.local_context import LocalContext
from runtime.lifecycle.record import Recorder
from runtime.testing import run_virtual
from tests import strategies as drawn
from tests.builders import version_of
from tests.controlled import Controlled
from tests.strategies import CLASSES, as_events

KEYS = ["a", "b", "$set", "cart"]
keys = st.sampled_from(KEYS)
which = st.integers(0, 2)


class Model:
    """A context as a plain dict, and how many facts it has left."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.snapshots: dict[str, dict[str, Any]] = {}
        self.facts = 4


class Contexts(RuleBasedStateMachine):
    """Three contexts, used in any order, are held against three dicts."""

    def __init__(self) -> None:
        super().__init__()
        harness = Controlled(classes=CLASSES)
        opened = [harness.context() for _ in range(3)]
        self.contexts: list[LocalContext] = [context for context, _ in opened]
        self.records: list[Recorder] = [record for _, record in opened]
        self.models = [Model() for _ in opened]

    @rule(i=which, key=keys, value=st.one_of(drawn.small_values, drawn.values))
    def set(self, i: int, key: str, value: Any) -> None:
        self.contexts[i].set(key, value)
        self.models[i].values[key] = copy.deepcopy(value)
        self.models[i].facts += 1
        for part in (value, getattr(value, "x", None)):
            # Whoever gave the value may change it: nobody sees that.
            if isinstance(part, list | dict | set):
                part.clear()

    @rule(i=which, key=keys)
    def delete(self, i: int, key: str) -> None:
        there = key in self.models[i].values
        assert self.contexts[i].delete(key) is there
        self.models[i].values.pop(key, None)
        self.models[i].facts += there

    @rule(i=which)
    def clean(self, i: int) -> None:
        count = len(self.models[i].values)
        assert self.contexts[i].clean() == count
        self.models[i].values.clear()
        self.models[i].facts += count > 0

    @rule(
        i=which, key=keys, item=drawn.small_values, fails=st.booleans(), new=st.booleans(),
        idle=st.booleans(),
    )  # fmt: skip
    def edit(self, i: int, key: str, item: Any, *, fails: bool, new: bool, idle: bool) -> None:
        model = self.models[i]
        value = model.values.get(key, [] if new else None)
        if not isinstance(value, list | dict):
            return
        after = copy.deepcopy(value)
        _put(after, item, idle=idle)
        changed = not same(encode(after, CLASSES), encode(value, CLASSES))
        with (
            contextlib.suppress(ZeroDivisionError),
            self.contexts[i].edit(key, default=list if new else None) as draft,
        ):
            _put(draft, item, idle=idle)
            changed = changed and not fails
            _ = 1 / (not fails)
        if changed:
            model.values[key] = after
            model.facts += 1

    @rule(i=which, key=keys)
    def view(self, i: int, key: str) -> None:
        """Nothing that `get` gives can be changed."""
        shown = self.contexts[i].get(key)
        for change in _changes(shown):
            with pytest.raises((FrozenValueError, AttributeError, TypeError)):
                change()

    @rule(i=which, name=st.sampled_from(["s", "t"]))
    def snapshot(self, i: int, name: str) -> None:
        model = self.models[i]
        if name in model.snapshots:
            with pytest.raises(DuplicateSnapshotError):
                self.contexts[i].snapshot(name)
            return
        at = self.contexts[i].snapshot(name)
        assert at == f"{self.contexts[i].request_id}@{model.facts}"
        model.snapshots[name] = copy.deepcopy(model.values)
        model.facts += 1

    @rule(i=which, name=st.sampled_from(["s", "t"]))
    def restore(self, i: int, name: str) -> None:
        model = self.models[i]
        if name not in model.snapshots:
            with pytest.raises(SnapshotNotFoundError):
                self.contexts[i].restore(name)
            return
        self.contexts[i].restore(name)
        model.values = copy.deepcopy(model.snapshots[name])
        model.facts += 1

    @rule(i=which, key=keys, value=drawn.unrecordable)
    def refuse(self, i: int, key: str, value: Any) -> None:
        with pytest.raises(UnsupportedValueError):
            self.contexts[i].set(key, [value])

    @invariant()
    def contexts_are_the_dicts(self) -> None:
        for context, record, model in zip(self.contexts, self.records, self.models, strict=True):
            assert context.keys() == list(model.values)
            for key, value in model.values.items():
                assert same(encode(context.get(key), CLASSES), encode(value, CLASSES))
            assert all((key in context) == (key in model.values) for key in KEYS)
            assert record.revision == model.facts

    @invariant()
    def the_fold_is_the_live_state(self) -> None:
        for record in self.records:
            folded = REQUEST_REDUCER.apply_all(REQUEST_REDUCER.initial(), as_events(record.events))
            assert folded == record.state.state


def _put(container: Any, item: Any, *, idle: bool) -> None:
    if idle:
        return
    if isinstance(container, list):
        container.append(item)
    else:
        container["x"] = item


def _changes(shown: Any) -> list[Callable[[], object]]:
    if isinstance(shown, str | bytes | int | float | tuple | None):
        return []
    changes: list[Callable[[], object]] = [lambda: setattr(shown, "sku", 1)]
    if hasattr(shown, "__getitem__"):
        changes += [lambda: shown.__setitem__(0, 1), shown.clear, shown.pop]
    return changes


@pytest.mark.proves("P23", "LC-4", "LC-5", "LC-6", "LC-7", "LC-9", "SN-2", "SN-3", "SN-4")
def test_p23_a_context_is_a_dict_recorded() -> None:
    """Seen to fail with a fact for an edit that changed nothing."""
    run_state_machine_as_test(Contexts)


def context() -> tuple[LocalContext, Recorder]:
    return Controlled(classes=CLASSES).context()


@pytest.mark.proves("P23", "LC-4", "LC-5")
def test_what_get_gives_is_a_copy_that_cannot_be_changed() -> None:
    lctx, record = context()
    cart = ["pear"]
    lctx.set("cart", cart)
    cart.append("plum")
    lctx.set("cart", lctx.get("cart"))

    assert lctx.get("cart") == ["pear"]
    with pytest.raises(FrozenValueError, match=r"lctx\.edit"):
        lctx.get("cart").append("plum")
    assert [e.type for e in record.events[-2:]] == ["context.set", "context.set"]
    assert lctx.get("none", 7) == 7


@pytest.mark.proves("LC-4")
def test_a_value_that_cannot_be_recorded_is_refused_with_its_path() -> None:
    lctx, record = context()
    before = record.revision

    with pytest.raises(UnsupportedValueError, match="/items/1"):
        lctx.set("cart", {"items": [1, object()]})
    assert (record.revision, "cart" in lctx) == (before, False)


@pytest.mark.proves("LC-7")
def test_an_edit_of_what_changed_meanwhile_is_a_conflict() -> None:
    lctx, record = context()
    lctx.set("cart", [1])
    draft = lctx.edit("cart")
    draft.__enter__().append(2)
    lctx.set("cart", [9])
    with pytest.raises(EditConflictError):
        draft.__exit__(None)

    assert lctx.get("cart") == [9]
    assert record.events[-1].type == "context.set"


@pytest.mark.proves("LC-7")
def test_only_what_can_change_in_place_can_be_edited() -> None:
    lctx, _ = context()
    lctx.set("n", 1)

    with pytest.raises(TypeError, match=r"lctx\.set"), lctx.edit("n"):
        pass
    with pytest.raises(KeyError, match="absent"), lctx.edit("absent"):
        pass


@pytest.mark.proves("LC-8")
def test_keys_and_sizes_have_limits() -> None:
    lctx, record = context()
    before = record.revision
    for key in ("", "a\0b", "\ud800", "k" * 257):
        with pytest.raises(ContextKeyError):
            lctx.set(key, 1)
    with pytest.raises(ReservedKeyError):
        lctx.set("timescape.x", 1)
    with pytest.raises(ValueTooLargeError, match="1048576"):
        lctx.set("big", "x" * 1024 * 1024)
    lctx.set("k" * 256, 1)
    for n in range(15):
        lctx.set(f"m{n}", "x" * (1024 * 1024 - 2))
    with pytest.raises(ValueTooLargeError, match="16777216"):
        lctx.set("m15", "x" * (1024 * 1024 - 2))

    assert record.revision == before + 16
    lctx.set("m15", "x" * (1024 * 1024 - 3))
    lctx.delete("m0")
    lctx.set("m16", "x" * (1024 * 1024 - 2))


@pytest.mark.proves("LC-8")
def test_a_request_that_writes_without_end_is_answered_500() -> None:
    def forever(lctx: LocalContext) -> None:
        for n in range(60_000):
            lctx.set("n", n)

    harness = Controlled(version_of(forever), replayed=False)
    told = run_virtual(harness.send())

    assert told.answer.status == 500
    assert told.json["code"] == "stream-too-long"
    assert 40_000 < len(told.facts) <= 50_000
    failed = next(fact for fact in told.facts if fact.type == "handler.failed")
    assert failed.data.failure.error == StreamTooLongError.__name__


@pytest.mark.proves("LC-9")
def test_after_the_end_every_call_is_refused_and_the_last_state_stays() -> None:
    kept: list[LocalContext] = []

    def handle(lctx: LocalContext) -> None:
        lctx.set("a", 1)
        kept.append(lctx)

    told = run_virtual(Controlled(version_of(handle)).send())
    (lctx,) = kept
    calls: list[Callable[[], object]] = [
        lambda: lctx.set("a", 2), lambda: lctx.get("a"), lambda: lctx.delete("a"), lctx.clean,
        lctx.keys, lambda: "a" in lctx, lambda: lctx.edit("a"), lctx.snapshot, lctx.now,
        lambda: lctx.before(print), lambda: lctx.compensate(print), lambda: lctx.log("x"),
        lctx.remaining, lctx.random, lctx.uuid, lambda: lctx.sleep(1), lambda: lctx.publish("x"),
        lambda: lctx.subscribe("x"), lambda: lctx.wait_for("x"), lambda: lctx.on_cleanup(print),
        lambda: lctx.restore("x"), lambda: lctx.cancel_compensation("x"),
    ]  # fmt: skip

    for call in calls:
        with pytest.raises(ContextClosedError):
            call()
    for told_of in (
        "client", "deadline", "is_aborted", "is_cleaning_up", "is_timed_out", "meta", "phase",
        "refs", "resolved_by", "version",
    ):  # fmt: skip
        with pytest.raises(ContextClosedError):
            getattr(lctx, told_of)
    assert lctx.about["request_id"] == lctx.request_id
    assert dict(told.state.values) == {"a": 1}


@pytest.mark.proves("SN-2", "SN-3", "SN-4")
def test_a_snapshot_can_be_gone_back_to_by_name_and_by_id() -> None:
    lctx, record = context()
    lctx.set("a", 1)
    at = lctx.snapshot("first")
    lctx.set("b", 2)
    lctx.restore(at)

    assert at == f"{lctx.request_id}@5"
    assert lctx.keys() == ["a"]
    assert record.events[-1].data.revision == 5
    with pytest.raises(SnapshotNotFoundError, match="first"):
        lctx.restore("second")
