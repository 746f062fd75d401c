"""Pins: checked when they are set, looked up when they are used, and who goes before whom."""

import itertools

import pytest
from hypothesis import event as seen
from hypothesis import given
from hypothesis import strategies as st

from runtime.care_facts import VersionPinned, VersionUnpinned
from runtime.errors import PinError, VersionNotFound
from runtime.timescape import Refusal, Resolution, RouteTable, fold_table, resolve
from runtime.timescape.keeping import TABLE_REDUCER
from runtime.timescape.pins import KINDS, pin, pinned, pins_of, unpin
from runtime.timescape.retiring import guards
from runtime.version_facts import VersionTagged, VersionUntagged
from tests.routes import HANDLER, at, deployed, history, version_id

TWO = (deployed(1, "2026-03-01"), deployed(2, "2026-10-01"))


def table(*more: tuple[str, VersionPinned | VersionUnpinned | VersionTagged]) -> RouteTable:
    return fold_table(history(*TWO, *more))


PLACES = list(itertools.product((HANDLER, "*", "other"), KINDS, ("ann", "bob")))
moves = st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(["a", "b", None])), max_size=12)


@pytest.mark.proves("TG-4", "TR-5")
@given(moves, st.tuples(*[st.sampled_from(["ann", "bob", None])] * 3))
def test_the_first_pin_of_what_a_caller_is_decides(
    said: list[tuple[tuple[str, str, str], str | None]], caller: tuple[str | None, ...]
) -> None:
    facts = [
        (place[0], VersionUnpinned(*place[1:]) if to is None else VersionPinned(*place[1:], to))
        for place, to in said
    ]
    known = table(*facts)
    wanted = None
    for kind, subject in reversed(list(zip(KINDS, caller, strict=True))):
        for handler in ("*", HANDLER):
            last = [to for place, to in said if place == (handler, kind, subject)]
            wanted = last[-1] if last and last[-1] else wanted

    found = pinned(known, HANDLER, caller)

    seen("pinned" if wanted else "free")
    assert [each.text for each in found] == ([] if wanted is None else [wanted])
    assert TABLE_REDUCER.load(TABLE_REDUCER.dump(known)).pins == known.pins


@pytest.mark.proves("TG-4", "TR-5")
def test_a_pin_to_a_tag_follows_the_tag_and_its_end() -> None:
    tagged = (version_id(1), VersionTagged("beta"))
    to_tag = (HANDLER, VersionPinned("tenant", "acme", "beta"))
    asked = pinned(table(tagged, to_tag), HANDLER, (None, "ann", "acme"))

    def meant(*more: object) -> Resolution | Refusal:
        known = fold_table(history(*TWO, tagged, to_tag, *more))  # type: ignore[arg-type]
        return resolve(known.handlers[HANDLER], asked, now_us=at(99))

    first, moved = meant(), meant((version_id(2), VersionTagged("beta")))
    gone = meant((version_id(1), VersionUntagged("beta")))

    assert isinstance(first, Resolution)
    assert (str(first.version.id), first.source) == (version_id(1), "pin")
    assert isinstance(moved, Resolution)
    assert str(moved.version.id) == version_id(2)
    assert isinstance(gone, Refusal)
    assert (gone.status, gone.code) == (404, "tag-not-found")


@pytest.mark.proves("TG-4")
@pytest.mark.parametrize(
    ("handler", "kind", "subject", "selector"),
    [
        (HANDLER, "role", "ann", "latest"),
        (HANDLER, "principal", "", "latest"),
        (HANDLER, "principal", "a\n", "latest"),
        (HANDLER, "principal", "ann", "20260301"),
        (HANDLER, "principal", "ann", "beta"),
        (HANDLER, "principal", "ann", "2026-02-28"),
        (HANDLER, "principal", "ann", version_id(9)),
        ("*", "principal", "ann", version_id(1)),
    ],
)
def test_what_cannot_be_pinned_is_refused(
    handler: str, kind: str, subject: str, selector: str
) -> None:
    with pytest.raises(PinError) as refused:
        pin(table(), handler, kind, subject, selector, now_us=at(9), by="ann")

    assert refused.value.remedy


@pytest.mark.proves("TG-4")
def test_a_pin_says_what_it_takes_the_place_of_and_twice_is_once() -> None:
    known = table((HANDLER, VersionPinned("principal", "ann", "latest")))

    again = pin(known, HANDLER, "principal", "ann", "latest", now_us=at(9), by="x")
    other = pin(known, HANDLER, "principal", "ann", "2026-03-01", now_us=at(9), by="x")

    assert again is None
    assert other == (HANDLER, VersionPinned("principal", "ann", "2026-03-01", "latest", "x"))
    assert unpin(known, HANDLER, "principal", "bob", by="x") is None
    assert unpin(known, HANDLER, "principal", "ann", by="x") is not None
    with pytest.raises(VersionNotFound):
        pin(known, "get-nothing", "principal", "ann", "latest", now_us=at(9), by="x")


@pytest.mark.proves("VL-4", "TG-4")
def test_a_pin_holds_the_version_that_it_means() -> None:
    known = table(("*", VersionPinned("tenant", "acme", "2026-03-01")))
    routes = known.handlers[HANDLER]

    held = guards(routes, routes.line[0], at(10_000), pins_of(known, HANDLER))

    assert "tenant acme is pinned to it" in held
    assert not any("pinned" in each for each in guards(routes, routes.line[0], at(10_000)))
