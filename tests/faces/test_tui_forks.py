"""Forks on the screen: live runs, names, removal."""

import pytest

from debugger.tui.compare_screen import CompareScreen
from debugger.tui.confirm import Confirm
from debugger.tui.fields import Field
from debugger.tui.forks_screen import ForksScreen
from eventstore import Store
from tests.faces.rerun import Here, order
from tests.faces.tui import Person, drive


async def said(person: Person, key: str, text: str) -> None:
    """Open the prompt by *key*, type *text* in the place of what is suggested, press enter."""
    await person.press(key)
    assert person.app.face is not None
    person.app.face.prompt.query_one(Field).value = ""
    await person.write(text)
    await person.press("enter")


def rows_of(store: Store) -> list[object]:
    return list(store.read_log(kinds=("request",)))


@pytest.mark.proves("WI-2", "KB-4", "UI-6")
def test_a_live_run_wants_its_name_in_full_and_an_unlocked_store_and_ends_in_compare() -> None:
    async def scenario(person: Person) -> None:
        before = rows_of(person.store)
        total = next(e.revision for e in person.store.read(person.made.order) if e.key == "total")
        await person.open(1)
        await said(person, "g", str(total))
        await said(person, "~", "/total = 40")
        await said(person, "~", "live charge")
        assert "`live bank.charge`" in person.message
        await said(person, "~", "live pricing.charge")
        assert person.message.startswith("Draft: LIVE: pricing.charge is really called.")
        assert "LIVE" in person.lines[0]
        await person.press("f")
        assert person.message.endswith("the store is locked: ! unlocks it")
        assert rows_of(person.store) == before
        await person.press("!", "enter", "f")
        assert person.at(Confirm)
        assert f"LIVE fork at #{total}" in person.text
        assert "LIVE: pricing.charge is really called" in person.text
        await person.press("enter")

        assert person.at(CompareScreen), person.text
        assert "B LIVE run on from" in person.lines[0]
        assert "was free to be called; kept as req-" in person.message
        assert rows_of(person.store)[: len(before)] == before
        (fork,) = person.store.forks_of(person.made.order)
        asked = [e for e in person.store.read(fork, total + 1) if e.type == "effect.requested"]
        assert [(e.key, e.data.live) for e in asked] == [("pricing.charge", True)]
        await person.press("f")
        assert person.message.endswith("the run is kept already")

    drive(scenario, fill=order, again=Here)


@pytest.mark.proves("WI-1", "WI-2")
def test_a_value_is_unset_in_a_draft_and_an_unknown_live_name_is_refused() -> None:
    async def scenario(person: Person) -> None:
        at = next(e.revision for e in person.store.read(person.made.order) if e.key == "limit")
        await person.open(1)
        await said(person, "g", str(at))
        await said(person, "~", "unset /limit")
        assert person.message.startswith("Draft: unset /limit.")
        await person.press("f", "enter")
        assert person.at(CompareScreen), person.text
        assert "state limit" in person.text
        await person.press("2")
        await said(person, "~", "live pricing.chrage")
        await person.press("!", "enter", "f", "enter")

        assert "No effect is called 'pricing.chrage': the app has pricing.charge" in person.message

    drive(scenario, fill=order, again=Here)


async def to_fork(person: Person) -> None:
    """Open the fork of the shop, and the screen of forks with the cursor on it."""
    await person.open(1)
    await person.press("6")
    assert person.at(ForksScreen)


@pytest.mark.proves("WI-3", "UI-6", "KB-4", "TT-2")
def test_a_fork_is_named_once_the_store_is_unlocked() -> None:
    async def scenario(person: Person) -> None:
        await to_fork(person)
        await said(person, "colon", "name-fork")
        assert person.message.endswith("the store is locked: ! unlocks it")
        await person.press("!", "enter")
        await said(person, "colon", "name-fork")
        await person.write("as priced")
        await person.press("enter")

        assert person.message == "Called as priced."
        assert "as priced" in person.text

    drive(scenario)


@pytest.mark.proves("WI-3", "UI-6", "KB-4", "TT-2")
def test_a_fork_is_removed_once_it_is_agreed_to() -> None:
    async def scenario(person: Person) -> None:
        await to_fork(person)
        await person.press("!", "enter", "home")
        await said(person, "colon", "remove-fork")
        assert person.message.endswith("the cursor is on no fork")
        await person.press("j")
        await said(person, "colon", "remove-fork")
        assert person.at(Confirm)
        assert "Its hashes stay" in person.text
        await person.press("escape")
        assert person.store.forks_of(person.made.order) == [person.made.fork]
        await said(person, "colon", "remove-fork")
        await person.press("enter")
        assert "is not sealed yet. A server seals" in person.message
        person.store.seal()
        await said(person, "colon", "remove-fork")
        await person.press("enter")

        assert person.message.startswith("Removed req-")
        assert person.store.forks_of(person.made.order) == []
        assert "0 forks" in person.text

    drive(scenario)
