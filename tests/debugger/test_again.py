"""Requests run again in a process of their own, and what comes back (RP-1, RP-2)."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from debugger.cli.again import fresh_process
from debugger.errors import BadInputError, RunEndedError, WriteRefusedError
from debugger.session import Session
from debugger.session.again import (
    AnswerEdit,
    InputEdit,
    Ran,
    StateEdit,
    Stub,
    Wanted,
    history,
    keep,
    wanted_of,
)
from debugger.session.drafts import draft_edit, suggested
from debugger.session.forks import fork_tree
from debugger.session.process import FreshProcess
from debugger.session.rerun import run
from eventstore import Store, StreamId
from tests.debugger.stores import memory_store, shop, sqlite_store
from tests.faces.rerun import APP, CHANGED, CURIOUS, order


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Path]]:
    path = tmp_path_factory.mktemp("again") / "shop.db"
    with sqlite_store(path) as store:
        order(store)
        yield store, path


def asked(store: Store, **how: object) -> tuple[Session, Wanted]:
    session = Session(store, write=lambda: store)
    (stream,) = {r.stream for r in store.read_log(kinds=("request",)) if r.parent is None}
    return session, wanted_of(stream, session.new_request, **how)  # type: ignore[arg-type]


@pytest.mark.proves("RP-1")
def test_a_run_in_a_fresh_process_says_what_one_here_says(recorded: tuple[Store, Path]) -> None:
    store, path = recorded
    _, wanted = asked(store, trace=True)
    here = run(store, CHANGED, wanted)
    there = fresh_process(f"sqlite:///{path}", CHANGED).run(wanted)

    assert there.verdict == here.verdict == "diverged"
    assert there.parting == here.parting
    assert there.facts == here.facts
    assert [line.site for line in there.lines] == [line.site for line in here.lines]
    assert "4111" not in str(there)


@pytest.mark.proves("RP-1", "UI-9")
def test_a_run_that_hangs_is_killed_by_cancelling() -> None:
    stuck = FreshProcess([sys.executable, "-c", "import signal; signal.pause()"], store="", app="")
    ended: list[Exception] = []

    def go() -> None:
        try:
            stuck.run(WANTED)
        except RunEndedError as error:
            ended.append(error)

    thread = threading.Thread(target=go)
    thread.start()
    while not ended and thread.is_alive():
        stuck.cancel()
        thread.join(0.01)

    assert [str(error)[:22] for error in ended] == ["The run was cancelled."]
    stuck.cancel()


WANTED = Wanted(UUID(int=1), UUID(int=2))


@pytest.mark.proves("RP-1")
def test_a_process_that_dies_is_told_with_its_last_words() -> None:
    dying = FreshProcess(
        [sys.executable, "-c", "raise SystemExit('no such app')"], store="", app=""
    )

    with pytest.raises(RunEndedError, match="ended with 1: no such app"):
        dying.run(WANTED)


@pytest.mark.proves("RP-1", "RP-2", "WI-1")
def test_what_a_run_did_is_a_history_that_shares_its_beginning(
    recorded: tuple[Store, Path],
) -> None:
    store, _ = recorded
    session, wanted = asked(store)
    end = store.end()
    ran = run(store, CHANGED, wanted)
    before = session.timeline(StreamId(wanted.request))
    after = history(ran, wanted, before)

    assert ran.parting is not None
    assert ran.shared == ran.parting.index - 1
    assert after.events[: ran.shared] == before.events[: ran.shared]
    assert after.value_at(after.last, "/total") == 1600
    assert store.end() == end
    assert run(store, APP, wanted).verdict == "same"
    refused = run(store, CURIOUS, wanted)
    assert refused.problem is not None
    assert "/card" in refused.problem.problem


@pytest.mark.proves("WI-1", "WI-2", "UI-6")
def test_a_kept_run_is_in_the_tree_of_forks_and_its_parent_as_it_was() -> None:
    with memory_store() as store:
        order(store)
        session, wanted = asked(store)
        parent = StreamId(wanted.request)
        before = list(store.read(parent))
        at = next(e.revision for e in before if e.key == "total")
        edit = draft_edit("/total = 40")
        wanted = wanted_of(parent, session.new_request, at=at, edits=[edit])
        ran = run(store, APP, wanted)
        fork = keep(session, ran, wanted)
        tree = fork_tree(session, fork)

        assert list(store.read(parent)) == before
        assert session.timeline(fork).value_at(session.timeline(fork).last, "/total") == 40
        assert [(f.depth, f.at, f.edits, f.how) for f in tree] == [
            (0, None, 0, ""), (1, at, 1, "edited"),
        ]  # fmt: skip
        with pytest.raises(WriteRefusedError):
            keep(Session(store), Ran("same"), wanted)


# --- drafts ---


@pytest.mark.proves("WI-1")
def test_a_draft_is_read_as_it_is_written() -> None:
    assert draft_edit("/total = 3.50") == StateEdit(("total",), {"$decimal": "3.50"})
    assert draft_edit('input /body/sku="tea"') == InputEdit(("body", "sku"), "tea")
    assert draft_edit("answer 2 = [1, true]") == AnswerEdit(2, [1, True])
    assert draft_edit("stub bank.charge = true") == Stub("bank.charge", value=True)
    for text in ("total", "/total", "answer = 3", "answer 2 /x = 3", "/total = nope", "= 3"):
        with pytest.raises(BadInputError):
            draft_edit(text)


@pytest.mark.proves("WI-1")
def test_what_is_suggested_reads_back_as_the_value_there() -> None:
    with memory_store() as store:
        timeline = Session(store).timeline(shop(store).order)

    assert draft_edit(suggested(timeline, 17, "/total")) == StateEdit(
        ("total",), {"$decimal": "121.50"}
    )
    assert draft_edit(suggested(timeline, 13, "")) == AnswerEdit(1, {"net": {"$decimal": "10.00"}})
    body = draft_edit(suggested(timeline, 1, ""))
    assert body == InputEdit(("body",), {"items": [{"sku": "mug"}]})
    assert suggested(timeline, 0, "") == ""
