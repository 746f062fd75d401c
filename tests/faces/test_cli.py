"""What each command prints, held to the letter (TT-7, CL-1)."""

import re
import unicodedata

import pytest

from debugger.cli import build_parser
from debugger.cli.index import INDEX, Entry
from debugger.session import Session, request_id
from debugger.timeline import sentence
from eventstore import Store
from eventstore.memory import MemoryStore
from tests.debugger.stores import Shop, memory_store, shop
from tests.faces.command_line import run


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    return memory_store()


@pytest.fixture(scope="module")
def made(store: MemoryStore) -> Shop:
    return shop(store)


def table(text: str) -> str:
    """Take the margin off a golden table."""
    lines = [line[4:].rstrip() for line in text.strip("\n").splitlines()]
    return "\n".join(line for line in lines if line) + "\n"


@pytest.mark.proves("CL-3")
def test_requests(store: Store, made: Shop) -> None:
    said = run("requests", "!since:1d", "or", "principal:ann", "status:>=200", store=store)

    assert (said.status, said.err) == (0, "")
    assert said.out == table(
        """
    started                  request     route                        version     outcome                  ms  facts  principal
    2026-10-01 12:04:01.042  req-0aa044  GET /items                   2026-10-01  504 timeout             9.0     10  ann
    2026-10-01 12:04:01.034  req-0aa022  POST /orders/{order_id:int}  2026-10-01  400 validation-failed   7.0      8  ann
    2026-10-01 12:03:01.001  req-0aa000  POST /orders/{order_id:int}  2026-10-01  201                    22.0     23  ann
    """  # noqa: E501 - a table is as wide as it is
    )


@pytest.mark.proves("CL-3")
def test_requests_of_a_fork_and_of_no_route_say_so(store: Store, made: Shop) -> None:
    said = run("requests", store=store)

    assert "POST /orders/{order_id:int} < req-0aa000" in said.out
    assert re.search(r"GET /nowhere +404 not-found", said.out)
    assert "fork @18" in said.out


@pytest.mark.proves("CL-3")
def test_a_limit_gives_the_newest(store: Store, made: Shop) -> None:
    said = run("requests", "--limit", "2", "--json", store=store)

    assert [r["request"] for r in said.records] == [
        request_id(made.fork),
        request_id(made.hostile),
    ]
    assert {r["kind"] for r in said.records} == {"request"}


@pytest.mark.proves("CL-1", "CL-3")
def test_requests_as_json_are_whole_and_equal_to_the_sessions_answer(
    store: Store, made: Shop
) -> None:
    records = run("requests", "--json", store=store).records
    summaries = Session(store).requests().requests

    assert [(r["request"], r["outcome"], r["facts"], r["ms"] * 1000) for r in records] == [
        (s.request_id, s.outcome, s.facts, s.duration_us) for s in summaries
    ]
    assert records[-1] == {
        "kind": "request",
        "started": "2026-10-01T12:03:01.001000Z",
        "request": request_id(made.order),
        "method": "POST",
        "path": "/orders/7",
        "route": "POST /orders/{order_id:int}",
        "handler": "post-orders",
        "version": "tsv:1790000000-post-orders-001",
        "edition": "2026-10-01",
        "status": 201,
        "outcome": "201",
        "failed": False,
        "ms": 22.0,
        "facts": 23,
        "principal": "ann",
        "parent": None,
        "position": 4,
    }


@pytest.mark.proves("CL-4")
def test_log(store: Store, made: Shop) -> None:
    said = run("log", "0aa000", "--from", "hook audit", "--to", "priced", store=store)

    assert said.status == 0
    assert said.out == table(
        """
     #     +ms  type              subject           line
     8   7.000  hook.started      shop.audit
     9   8.000  hook.ended        shop.audit
    10   9.000  handler.started   shop.place_order
    11  10.000  context.set       /items            shop.py:30
    12  11.000  effect.requested  pricing.quote     shop.py:31
    13  12.000  effect.returned   pricing.quote
    14  13.000  context.set       /total            shop.py:30
    """
    )


@pytest.mark.proves("CL-4")
def test_log_with_a_filter_and_as_json(store: Store, made: Shop) -> None:
    records = run("log", "0aa000", "kind:context.edited", "--json", store=store).records

    assert records == [
        {
            "kind": "fact",
            "revision": 16,
            "at": "2026-10-01T12:03:01.016000Z",
            "ms": 15.0,
            "type": "context.edited",
            "subject": "/items/1",
            "key": "items",
            "line": "shop.py:34",
            "data": {
                "patch": [{"op": "splice", "path": [1], "value": [{"sku": "tea", "quantity": 1}]}]
            },
        }
    ]


@pytest.mark.proves("AC-2", "CL-4")
def test_log_plain_is_a_sentence_a_fact(store: Store, made: Shop) -> None:
    said = run("log", "0aa000", "kind:context.*", "--plain", store=store)

    assert said.out == table(
        """
    #11 of 23. The handler shop.place_order set /items to [{"sku": "mug", "quantity": 2}].
    #14 of 23. The handler shop.place_order set /total to 118.00.
    #15 of 23. The handler shop.place_order took the snapshot priced.
    #16 of 23. The handler shop.place_order set /items/1 to {"sku": "tea", "quantity": 1}.
    #17 of 23. The handler shop.place_order set /total from 118.00 to 121.50.
    #18 of 23. The handler shop.place_order set /note to "fragile".
    #19 of 23. The handler shop.place_order deleted /note.
    """
    )


@pytest.mark.proves("AC-2")
def test_every_fact_of_every_request_is_told_in_one_plain_sentence(
    store: Store, made: Shop
) -> None:
    session = Session(store)

    for stream in made.all:
        timeline = session.timeline(stream)
        for revision in range(1, timeline.last + 1):
            told = sentence(timeline, revision)
            assert told.startswith(f"#{revision} of {timeline.last}. ")
            assert told.endswith(".")
            assert "\n" not in told
    failing = session.timeline(made.failing)
    assert sentence(failing, 8) == (
        "#8 of 10. The handler shop.place_order failed with KeyError at tax.py:38."
    )
    assert sentence(session.timeline(made.fork), 19) == (
        "#19 of 19. ann restored the moment #18 as a fork."
    )


@pytest.mark.proves("CL-5")
def test_state(store: Store, made: Shop) -> None:
    said = run("state", "0aa000", "--at", "17", store=store)

    assert said.out == table(
        """
    path    value                                                           last write
    /items  [{"sku": "mug", "quantity": 2}, {"sku": "tea", "quantity": 1}]  #16 shop.place_order shop.py:34
    /total  121.50                                                          #17 shop.place_order shop.py:36
    """  # noqa: E501 - a table is as wide as it is
    )
    assert said.err == (
        f"{request_id(made.order)} at #17 of 23, phase processing, "
        "in the handler shop.place_order.\n"
    )


@pytest.mark.proves("CL-5")
def test_state_of_a_path_and_as_json(store: Store, made: Shop) -> None:
    said = run("state", "0aa000", "--at", "priced", "--path", "/items/0", "--json", store=store)

    assert said.records == [
        {
            "kind": "value", "path": "/items/0/sku", "value": "mug",
            "revision": 11, "by": "shop.place_order", "line": "shop.py:30",
        },
        {
            "kind": "value", "path": "/items/0/quantity", "value": 2,
            "revision": 11, "by": "shop.place_order", "line": "shop.py:30",
        },
    ]  # fmt: skip


@pytest.mark.proves("CL-5", "CL-1")
def test_state_as_json_is_the_state_at_every_moment(store: Store, made: Shop) -> None:
    timeline = Session(store).timeline(made.order)

    for at in range(timeline.last + 1):
        records = run("state", "0aa000", "--at", str(at), "--json", store=store).records
        assert {r["path"][1:]: r["value"] for r in records} == dict(timeline.state_at(at).values)


@pytest.mark.proves("CL-6")
def test_diff(store: Store, made: Shop) -> None:
    said = run("diff", "0aa000", "priced", "+3", store=store)

    assert said.status == 1
    assert said.out == table(
        """
       path      before  after
    +  /items/1          {"sku": "tea", "quantity": 1}
    ~  /total    118.00  121.50
    """
    )
    assert said.err == "2 differences from #14 to #17.\n"


@pytest.mark.proves("CL-6")
def test_diff_of_equal_moments_and_as_json(store: Store, made: Shop) -> None:
    same = run("diff", "0aa000", "17", "23", store=store)
    records = run("diff", "0aa000", "17", "18", "--json", store=store).records

    assert (same.status, same.out, same.err) == (0, "", "#17 and #23 hold the same.\n")
    assert records == [{"kind": "change", "sign": "+", "path": "/note", "after": "fragile"}]


@pytest.mark.proves("CL-7", "AD-12")
def test_blame(store: Store, made: Shop) -> None:
    said = run("blame", "0aa000", "total", store=store)
    every = run("blame", "0aa000", "/total", "--all", store=store)
    before = run("blame", "0aa000", "total", "--at", "16", "--json", store=store)

    assert said.out == table(
        """
     #  type         before  after   by                line
    17  context.set  118.00  121.50  shop.place_order  shop.py:36
    """
    )
    assert every.out == table(
        """
     #  type         before  after   by                line
    14  context.set  absent  118.00  shop.place_order  shop.py:30
    17  context.set  118.00  121.50  shop.place_order  shop.py:36
    """
    )
    assert before.records == [
        {
            "kind": "write", "path": "/total", "revision": 14, "type": "context.set",
            "after": {"$decimal": "118.00"}, "by": "shop.place_order", "line": "shop.py:30",
            "changed": True,
        }
    ]  # fmt: skip


@pytest.mark.proves("CL-7")
def test_blame_of_the_whole_state(store: Store, made: Shop) -> None:
    records = run("blame", "0aa000", "/", "--json", store=store).records

    assert [(r["revision"], r["type"]) for r in records] == [(19, "context.deleted")]
    assert list(records[0]["before"]) == ["items", "total", "note"]


@pytest.mark.proves("CL-8")
def test_search(store: Store, made: Shop) -> None:
    said = run("search", "kind:handler.failed", store=store)

    assert said.out == table(
        """
    position  time                     request     #  match
          35  2026-10-01 12:04:01.031  req-0aa011  8  handler.failed shop.place_order {"failure":{"error":"KeyError","frames":["tax.py:38"]}}
          55  2026-10-01 12:04:01.049  req-0aa044  8  handler.failed shop.place_order {"failure":{"error":"RequestTimedOutError","frames":["tax.py:38"]}}
    """  # noqa: E501 - a table is as wide as it is
    )
    assert run("search", "coffee", store=store).err == "No fact matches.\n"
    limited = run("search", "kind:context.set", "--limit", "1", "--json", store=store)
    assert [r["data"] for r in limited.records] == [{"value": [{"sku": "mug", "quantity": 2}]}]
    assert limited.err == "The first 1; --limit gives more.\n"


@pytest.mark.proves("CL-12", "SN-2")
def test_snapshots(store: Store, made: Shop) -> None:
    said = run("snapshots", "0aa000", store=store)
    none = run("snapshots", "0aa011", store=store)

    assert said.out == table(
        f"""
    name    id                                        #  keys
    priced  {request_id(made.order)}@14  14  items total
    """
    )
    assert (none.status, none.out) == (0, "")
    assert "no snapshots" in none.err


@pytest.mark.proves("CL-12", "RS-11")
def test_restore_tells_what_differs_and_what_cannot_be_taken_back() -> None:
    store = memory_store()
    made = shop(store)
    said = run("restore", "0aa000", "--at", "11", "--by", "ann", store=store)
    fork = store.forks_of(made.order)[-1]

    assert said.status == 0
    assert said.out.splitlines()[1].split() == [request_id(fork), "#11"]
    assert said.err.splitlines() == [
        "From the end to #11: 2 differences.",
        "  -  /total    121.50",
        '  -  /items/1  {"sku": "tea", "quantity": 1}',
        "Not taken back, as it happened outside: pricing.quote.",
        "The request itself is as it was.",
    ]
    fact = Session(store).timeline(fork).fact(12)
    assert (fact.data.by, fact.data.reason) == ("ann", None)


@pytest.mark.proves("CL-14")
def test_verify(store: Store, made: Shop) -> None:
    store.seal()
    said = run("verify", store=store, progress=True)
    record = run("verify", "--from", "4", "--to", "40", "--json", store=store).records[0]

    end, sealed = store.end(), store.verify()
    assert said.status == 0
    heads = ["checked", "verified", "to", "seals", "root", "fault"]
    assert said.out.split() == [*heads, "14", str(end), "1", sealed.root.hex()[:16], "none"]
    assert "verify 100 %" in said.err
    assert "The whole log is as it was written.\n" in said.err
    assert f"Sealed up to position {end} by key {sealed.key.hex()}." in said.err
    assert (record["kind"], record["fault"]) == ("verdict", None)
    assert record["verified_to"] >= 40


@pytest.mark.proves("CL-14")
def test_verify_less(store: Store, made: Shop) -> None:
    store.seal()
    since = run("verify", "--since-seal", store=store)
    request = run("verify", "--request", "0aa000", "--json", store=store)
    both = run("verify", "--since-seal", "--request", "0aa000", store=store)

    assert (since.status, request.status, both.status) == (0, 0, 2)
    assert "The last seal stands" in since.err
    assert request.records[0]["checked"] == 1
    assert "tied to the log" in request.err


# --- tables and terminals (CL-1) ---


@pytest.mark.proves("CL-1")
@pytest.mark.parametrize("cells", [60, 80, 120])
def test_a_table_is_cut_to_the_terminal_and_says_so(store: Store, made: Shop, cells: int) -> None:
    whole = run("requests", store=store).out.splitlines()
    cut = run("requests", store=store, cells=cells).out.splitlines()

    assert max(map(len, whole)) > 120
    assert len(cut) == len(whole)
    if cells == 120:
        assert max(map(len, cut)) <= cells
    assert "…" in "".join(cut)
    assert "…" not in "".join(whole)


@pytest.mark.proves("RN-2", "RN-3", "TT-1")
@pytest.mark.parametrize(
    "words",
    [
        ("requests",),
        ("log", "0aa077"),
        ("log", "0aa077", "--plain"),
        ("state", "0aa077"),
        ("state", "0aa077", "--path", "/deep/0/0"),
        ("diff", "0aa077", "start", "end"),
        ("blame", "0aa077", "/", "--all"),
        ("search", "owned"),
        ("log", "0aa077", "\x1b[2J\u202e"),
        ("log", "\x1b[2J\u202e"),
        ("blame", "0aa077", "\x1b[2J\u202e"),
        ("requests", "\x1b[2J\u202e:("),
        ("\x1b[2J\u202e",),
    ],
)
def test_what_hostile_callers_sent_never_reaches_a_terminal(
    store: Store, made: Shop, words: tuple[str, ...]
) -> None:
    for more in ((), ("--json",)):
        said = run(*words, *more, store=store)
        bad = {"Cc", "Cf", "Cs", "Zl", "Zp"}
        left = {c for c in said.out + said.err if unicodedata.category(c) in bad} - {"\n"}

        assert left == set()
        assert said.out + said.err


@pytest.mark.proves("CL-1")
def test_json_keeps_what_a_table_has_to_escape(store: Store, made: Shop) -> None:
    records = run("log", "0aa077", "kind:event.published", "--json", store=store).records

    assert records[0]["data"]["payload"]["message"].startswith("\x1b[2J\x1b]0;owned\x07\u202e")


# --- help that teaches ---


@pytest.mark.parametrize("entry", INDEX, ids=lambda entry: entry.name)
def test_the_index_says_of_a_command_what_it_says_itself(entry: Entry) -> None:
    command = entry.load()

    assert (command.name, command.summary) == (entry.name, entry.summary)


@pytest.mark.parametrize("entry", INDEX, ids=lambda entry: entry.name)
def test_each_command_teaches_with_an_example_and_names_its_exits(
    entry: Entry, capsys: pytest.CaptureFixture[str]
) -> None:
    name = entry.name
    said = run(name, "--help")
    text = capsys.readouterr().out

    assert said.status == 0
    assert re.search(rf"example(s)?:\n  timescape {name}\b", text)
    assert "--store URL" in text
    assert "--json" in text
    assert "ends with: 0 ok, " in text
    assert "2 bad-input" in text


def test_the_overview_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    run("--help")
    text = capsys.readouterr().out

    assert [c.name for c in INDEX if not re.search(rf"^ +{c.name}\b", text, re.M)] == []
    assert build_parser().prog == "timescape"
