"""`timescape modules`."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.timeline.module_grants import GrantLines
from eventstore import ANY, Event, NewEvent, Position, Revision
from eventstore.memory import MemoryStore
from runtime import module_facts as facts
from runtime.context import CONTROL
from runtime.control import control_stream
from runtime.control_facts import ConfigLoaded
from runtime.facts import CapabilityDenied, Fact
from runtime.ingress.plain_http import PlainListener, plain
from runtime.isolation import module_stream
from runtime.messages import Answer
from tests.faces.asgi import memory_store
from tests.faces.command_line import Said, run

TOLD: list[tuple[str, Fact, str]] = [
    ("shop", ConfigLoaded({}), "c0"),
    ("shop", facts.ModuleRegistered(("quote",), "1.4.0", grants=(("fs.read", "/d"),)), "pricing"),
    ("shop", facts.ModuleRegistered(("left",)), "stock"),
    ("modules", facts.ModuleStarted(1, 1, ("RLIMIT_CORE=0",)), "stock"),
    ("modules", CapabilityDenied("stock", "secret.read", "to\x1bken", "req-1"), "token"),
    ("modules", facts.ModuleFailed("crash", None, "SIGKILL", ("bye",)), "stock"),
    ("modules", facts.ModuleRestarted(1, 1), "stock"),
    ("modules", facts.CapabilityRevoked("fs.read", "/d", "ann"), "pricing"),
    ("modules", facts.ModuleStopped(killed=True), "stock"),
    ("modules", facts.ModuleRestarted(0, 2, "reload"), "stock"),
    ("modules", facts.ModuleStopped(generation=2), "stock"),
    ("modules", facts.CapabilityUsed((("fs.read", "/d", 1), ("net.connect", "a:1", 7))), "pricing"),
]
SAID = [
    "The module pricing, version 1.4.0, was registered; it may fs.read /d.",
    "The module stock was registered.",
    "The module stock started within RLIMIT_CORE=0.",
    "The module stock was denied secret.read of to\\x1bken.",
    'The module stock crashed, by SIGKILL; it said last: "bye".',
    "The module stock takes calls again.",
    "The module pricing may fs.read /d no more, says ann.",
    "The module stock was killed, as it did not stop.",
    "The module stock takes new calls as generation 2.",
    "The module stock, generation 2, stopped.",
    "The module pricing used fs.read /d, net.connect a:1 7 times.",
]


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    made = filled(TOLD)
    yield made
    made.close()


@pytest.mark.proves("CL-1", "MO-6", "MM-7")
def test_modules_tells_what_became_of_them_in_the_order_of_the_log(store: MemoryStore) -> None:
    told = run("modules", "--json", store=store)
    one = run("modules", "pricing", store=store)
    none = run("modules", "prices", store=store)

    assert [record["sentence"] for record in told.records] == SAID
    assert {record["module"] for record in told.records} == {"stock", "pricing"}
    assert one.out.count("The module pricing") == 3
    assert "stock" not in one.out
    assert (none.status, "There are: pricing, stock." in none.err) == (3, True)
    assert run("versions", store=store).status == 0


@pytest.mark.proves("CL-1")
def test_a_log_without_modules_says_so() -> None:
    store = memory_store()
    said = run("modules", store=store)
    store.close()

    assert (said.status, "no module" in said.err) == (0, True)


# --- grants ---

GRANTS: list[tuple[str, Fact, str]] = [
    ("shop", facts.ModuleRegistered(("a",), grants=(("fs.read", "/a"), ("fs.read", "/b"))), "m"),
    ("modules", facts.CapabilityUsed((("fs.read", "/a", 1),)), "m"),
    ("modules", facts.CapabilityGranted("secret.read", "x", "ann"), "m"),
    ("modules", facts.CapabilityUsed((("fs.read", "/a", 4), ("secret.read", "x", 2))), "m"),
    ("modules", facts.CapabilityRevoked("secret.read", "x", "ann"), "m"),
    ("shop", facts.ModuleRegistered(("a",), grants=(("fs.read", "/a"), ("fs.read", "/c"))), "m"),
    ("shop", facts.ModuleRegistered(("a",)), "bare"),
]


def filled(told: list[tuple[str, Fact, str]]) -> MemoryStore:
    made = memory_store()
    for at, (stream, fact, key) in enumerate(told, 1):
        made.append(
            control_stream("shop") if stream == "shop" else module_stream("shop"),
            [NewEvent(fact.type, fact, key, at)],
            kind=CONTROL.name,
            expected=ANY,
        ).result()
    return made


@pytest.mark.proves("CP-5", "MM-7", "CL-1")
def test_grants_are_listed_with_their_uses_and_those_never_used() -> None:
    store = filled(GRANTS)
    told = run("modules", "grants", "--json", store=store)
    table = run("modules", "grants", "m", store=store)
    bare = run("modules", "grants", "bare", store=store)
    none = run("modules", "grants", "n", store=store)
    store.close()

    rows = [
        (r["module"], r["capability"], r["pattern"], r["in_force"], r["uses"], r["last"] is None)
        for r in told.records
    ]
    assert rows == [
        ("m", "fs.read", "/a", True, 5, False),
        ("m", "fs.read", "/b", False, 0, True),
        ("m", "fs.read", "/c", True, 0, True),
        ("m", "secret.read", "x", False, 2, False),
    ]
    assert "never" in table.out
    assert "No module was granted anything." in bare.err
    assert none.status == 3


uses = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.integers(1, 9)))


@pytest.mark.proves("CP-5")
@given(uses=uses)
def test_uses_add_up_however_they_were_told(uses: list[tuple[str, str, int]]) -> None:
    def lines(told: list[tuple[tuple[str, str, int], ...]]) -> dict[tuple[str, str], int]:
        fold = GrantLines()
        for at, each in enumerate(told):
            fact = facts.CapabilityUsed(each)
            event = Event(
                position=Position(at + 1), stream=control_stream("s"), revision=Revision(at + 1),
                type=fact.type, data=fact, key="m", at_us=at, site=None,
            )  # fmt: skip
            fold.add(event)
        return {(line.capability, line.pattern): line.uses for line in fold.lines()}

    expected: Counter[tuple[str, str]] = Counter()
    for kind, pattern, count in uses:
        expected[kind, pattern] += count

    assert lines([(each,) for each in uses]) == lines([tuple(uses)]) == dict(expected)


# --- reload ---


@pytest.mark.proves("MO-7", "CL-1")
def test_reload_asks_the_admin_listener_of_a_server_that_runs() -> None:
    async def answer(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if headers["timescape-reload"] == "force":
            return plain(200, {"module": path, "generation": 3})
        return plain(409, {"problem": "It breaks left.", "remedy": "Force it."})

    async def scenario() -> list[Said]:
        async with PlainListener(answer, "127.0.0.1", 0) as listener:
            words = ["modules", "reload", "stock", "--admin", f"http://127.0.0.1:{listener.port}"]
            return [
                await asyncio.to_thread(run, *words, *more) for more in ([], ["--force", "--json"])
            ]

    refused, done = asyncio.run(scenario())
    nobody = run("modules", "reload", "stock", "--admin", "http://127.0.0.1:1")
    nothing = run("modules", "reload", "stock")

    assert (refused.status, "It breaks left." in refused.err) == (7, True)
    assert done.records == [{"kind": "module", "module": "/modules/stock/reload", "generation": 3}]
    assert (nobody.status, "Nobody answers" in nobody.err) == (6, True)
    assert (nothing.status, "--admin" in nothing.err) == (2, True)
    assert run("modules", "stock", "pricing").status == 2
