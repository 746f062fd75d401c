"""`timescape fork`: all it can change, live calls, names, lists and removal (CL-11)."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from debugger.cli.exits import Exit
from eventstore import Event, Store, StreamId
from tests.debugger.stores import sqlite_store
from tests.faces.command_line import run
from tests.faces.rerun import order, served

APP = ("--app", "tests.faces.replayed_app:app")
LIVE = "pricing.charge"


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[tuple[Store, str]]:
    with sqlite_store(tmp_path / "shop.db") as store:
        yield store, f"req-{order(store).order.hex}"


def moment_of(store: Store, key: str) -> str:
    return str(next(e.revision for e in store.read(served()[1]) if e.key == key))


def own(store: Store, fork: str) -> list[Event]:
    """Return the facts that only a fork has."""
    stream = StreamId(UUID(fork[4:]))
    return list(store.read(stream, store.head(stream).parent_revision + 1))


@pytest.mark.proves("CL-11", "RX-5")
def test_values_are_unset_and_the_fork_replays_like_any_request(
    recorded: tuple[Store, str],
) -> None:
    store, request = recorded
    at = moment_of(store, "limit")
    words = ("--at", at, "--unset", "/limit", "--unset", "seen/0", "--json")
    unset = run("fork", request, *APP, *words, store=store).records[0]
    kept, whole = (
        {each["path"]: each["value"] for each in run("state", name, "--json", store=store).records}
        for name in (unset["fork"], request)
    )

    assert unset["edits"] == 2
    assert set(whole) - set(kept) == {"/limit"}
    assert kept["/seen"] == whole["/seen"][1:]
    assert [event.type for event in own(store, unset["fork"])[:2]] == [
        "context.deleted", "context.edited",
    ]  # fmt: skip
    again = run("replay", unset["fork"], *APP, "--json", store=store)
    assert (again.status, again.records[0]["verdict"]) == (Exit.OK, "same")


@pytest.mark.proves("CL-11", "RX-5")
def test_the_request_is_another_one_from_a_file(
    recorded: tuple[Store, str], tmp_path: Path
) -> None:
    store, request = recorded
    (tmp_path / "order.json").write_text('{"sku": "pen", "quantity": 3, "card": "4111 2222"}')
    words = ("--input", str(tmp_path / "order.json"), "--stub", "pricing.charge=true")
    other = run("fork", request, *APP, *words, "--stub", "pricing.quote=5", "--json", store=store)
    assert other.status == Exit.OK, other.err
    first = own(store, other.records[0]["fork"])[0].data
    assert (first.body["sku"], first.body["quantity"]) == ("pen", 3)


@pytest.mark.proves("CL-11", "RX-5", "CL-2")
def test_what_cannot_be_forked_so_says_why(recorded: tuple[Store, str]) -> None:
    store, request = recorded
    at = ("--at", moment_of(store, "net"))
    ends = [
        ((*at, "--unset", "total"), Exit.BAD_INPUT, "There is no 'total' at that moment"),
        ((*at, "--unset", "net/deep"), Exit.BAD_INPUT, "net/deep"),
        (("--input", "missing.json"), Exit.BAD_INPUT, "'missing.json'"),
        ((*at, "--live", "charge"), Exit.BAD_INPUT, "'charge': the app has pricing.charge"),
        ((*at, "--live", LIVE, "--dry-run"), Exit.BAD_INPUT, "Leave one of them out"),
        (("--list", "--remove"), Exit.BAD_INPUT, "Ask for one of them"),
        (("--remove",), Exit.BAD_INPUT, "--reason TEXT"),
        (("--name", "x"), Exit.BAD_INPUT, "is no fork"),
        ((*at, "--name", "a/b"), Exit.BAD_INPUT, "holds a slash"),
        (("--remove", "--reason", "x", "--yes"), Exit.BAD_INPUT, "is no fork"),
    ]
    end = store.end()

    for words, status, said in ends:
        told = run("fork", request, *APP, *words, store=store)
        assert (told.status, said in told.err) == (status, True), told.err
    unkept = run("replay", request, *APP, "--live", LIVE, store=store)
    assert (unkept.status, "Add --keep" in unkept.err) == (Exit.BAD_INPUT, True)
    assert store.end() == end


@pytest.mark.proves("WI-2", "CL-11", "RX-6")
def test_only_what_is_named_in_full_is_really_called_and_that_is_on_record(
    recorded: tuple[Store, str],
) -> None:
    store, request = recorded
    before = list(store.read_log(kinds=("request",)))
    words = ("--at", moment_of(store, "total"), "--set", "total=40", "--live", LIVE)
    told = run("fork", request, *APP, *words, "--json", store=store)
    asked = [e for e in own(store, told.records[0]["fork"]) if e.type == "effect.requested"]

    assert told.status == Exit.OK
    assert f"LIVE: {LIVE} is really called." in told.err
    assert [(event.key, event.data.live) for event in asked] == [(LIVE, True)]
    assert list(store.read_log(kinds=("request",)))[: len(before)] == before
    listed = run("fork", request, "--list", "--json", store=store).records
    assert [(each["how"], each["edits"]) for each in listed] == [("LIVE", 1)]


@pytest.mark.proves("WI-3", "CL-11", "CL-1")
def test_forks_are_named_listed_compared_and_removed(recorded: tuple[Store, str]) -> None:
    store, request = recorded
    at = ("--at", moment_of(store, "total"), "--stub", "pricing.charge=true")
    made = run("fork", request, *APP, *at, "--set", "total=40", "--name", "cheap", store=store)
    assert (made.status, made.out.splitlines()[0].split()) == (
        Exit.OK, ["fork", "parent", "at", "edits", "outcome"],
    )  # fmt: skip
    cheap = f"{request}/cheap"
    assert run("compare", request, cheap, store=store).status == Exit.DIFFERENT
    taken = run("fork", request, *APP, *at, "--name", "cheap", store=store)
    assert (taken.status, "called 'cheap' already" in taken.err) == (Exit.WRITE_REFUSED, True)
    assert run("fork", cheap, "--name", "dear", "--by", "ann", store=store).status == Exit.OK
    assert run("fork", cheap, "--list", store=store).status == Exit.NOT_FOUND
    (listed,) = run("fork", request, "--list", "--json", store=store).records
    assert [listed[name] for name in ("name", "how", "by", "edits")] == ["dear", "edited", "ann", 1]
    assert listed["request"] == request

    unsure = run("fork", f"{request}/dear", "--remove", "--reason", "looked at", store=store)
    assert (unsure.status, "Add --yes" in unsure.err) == (Exit.BAD_INPUT, True)
    words = ("--remove", "--reason", "looked at", "--yes")
    assert run("fork", f"{request}/dear", *words, store=store).status == Exit.OK
    assert run("state", listed["fork"], store=store).status == Exit.NOT_FOUND
    assert "Nothing was forked" in run("fork", request, "--list", store=store).err
    assert run("verify", store=store).status == Exit.OK
