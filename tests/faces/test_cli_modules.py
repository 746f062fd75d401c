"""`timescape modules`."""

from collections.abc import Iterator

import pytest

from eventstore import ANY, NewEvent
from eventstore.memory import MemoryStore
from runtime import module_facts as facts
from runtime.context import CONTROL
from runtime.control import control_stream
from runtime.facts import CapabilityDenied, Fact
from runtime.isolation import module_stream
from runtime.service_facts import ConfigLoaded
from tests.faces.asgi import memory_store
from tests.faces.command_line import run

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
]


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    made = memory_store()
    for stream, fact, key in TOLD:
        made.append(
            control_stream("shop") if stream == "shop" else module_stream("shop"),
            [NewEvent(fact.type, fact, key, 1)],
            kind=CONTROL.name,
            expected=ANY,
        ).result()
    yield made
    made.close()


@pytest.mark.proves("CL-1", "MO-6", "MM-7")
def test_modules_tells_what_became_of_them_in_the_order_of_the_log(store: MemoryStore) -> None:
    told = run("modules", "--json", store=store)
    one = run("modules", "pricing", store=store)
    none = run("modules", "prices", store=store)

    assert [record["sentence"] for record in told.records] == SAID
    assert {record["module"] for record in told.records} == {"stock", "pricing"}
    assert one.out.count("The module pricing") == 2
    assert "stock" not in one.out
    assert (none.status, "There are: pricing, stock." in none.err) == (3, True)
    assert run("versions", store=store).status == 0


@pytest.mark.proves("CL-1")
def test_a_log_without_modules_says_so() -> None:
    store = memory_store()
    said = run("modules", store=store)
    store.close()

    assert (said.status, "no module" in said.err) == (0, True)
