"""New code goes round among processes: who serves whom meanwhile, and in the end (DP-2, SO-5)."""

import asyncio

import msgspec
import pytest
from hypothesis import event as seen
from hypothesis import given
from hypothesis import strategies as st

from runtime import App, Request
from runtime.app.admin import Admin
from runtime.control import control_stream
from runtime.timescape import HandlerRoutes, RouteTable, Version, fold_table
from runtime.timescape.deploying import known_as
from runtime.timescape.stranded import stranded, unserved
from tests.faces.asgi import ask, memory_store
from tests.laws.test_p07_health import routes_of, sides
from tests.routes import HANDLER, at, deployed, history, version_id
from tests.teams import Office, becomes


class Old(msgspec.Struct, forbid_unknown_fields=True):
    sku: str


class New(msgspec.Struct, forbid_unknown_fields=True):
    items: list[str]


class Wider(msgspec.Struct, forbid_unknown_fields=True):
    sku: str
    note: str = ""


def shop(body: type) -> App:
    app = App("shop")

    async def order(req: Request[None]) -> str:
        return type(req.body).__name__

    order.__annotations__["req"] = Request[body]  # type: ignore[valid-type]
    app.handler("POST /orders")(order)
    return app


def line(office: Office, app: App) -> list[Version]:
    return list(app.versions.table.handlers["post-orders"].line)


def deployments(office: Office) -> int:
    events = office.store.read(control_stream("shop"))
    return sum(event.type == "handler.deployed" for event in events)


@pytest.mark.proves("DP-2", "SO-5", "PL-3")
def test_a_breaking_edit_waits_until_the_last_process_with_the_old_code_has_ended() -> None:
    async def scenario() -> None:
        with memory_store() as store:
            office = Office(store)
            old = await office.open("a", shop(Old))
            new = await office.open("b", shop(New))
            admin = Admin(new, office.beside["b"], office.clock)
            first, second = line(office, new)
            assert (first.activation, second.activation) == ("now", "hold")

            assert (await ask(old, "POST", "/orders", {"sku": "mug"})).json == "Old"
            refused = await ask(new, "POST", "/orders", {"sku": "mug"})
            assert (refused.status, refused.code) == (503, "version-unavailable")
            named = await ask(new, "POST", f"/orders?version={second.id}", {"items": []})
            assert named.json == "New"
            assert await admin.failing() == ["versions"]

            await office.close("a", old)

            async def served() -> bool:
                return (await ask(new, "POST", "/orders", {"items": []})).status == 200

            await becomes(served, "the new version is still held")
            assert await admin.failing() == []
            assert deployments(office) == 2
            await office.close("b", new)

    asyncio.run(scenario())


@pytest.mark.proves("DP-2", "TS-3", "SO-5")
def test_an_old_process_that_starts_again_serves_as_the_version_that_it_was() -> None:
    async def scenario() -> None:
        with memory_store() as store:
            office = Office(store)
            one, two = [await office.open(me, shop(Old)) for me in "ab"]
            new = await office.open("c", shop(Wider))
            await office.close("b", two)
            again = await office.open("d", shop(Old))
            reply = await ask(again, "POST", "/orders", {"sku": "mug"})

            assert (deployments(office), reply.json) == (2, "Old")
            assert reply.header("timescape-version") == str(line(office, new)[0].id)

            for me, app in (("a", one), ("d", again)):
                await office.close(me, app)
            back = await office.open("e", shop(Old))  # nobody has that code now: it is gone back to
            assert deployments(office) == 3
            for me, app in (("c", new), ("e", back)):
                await office.close(me, app)

    asyncio.run(scenario())


codes = st.frozensets(st.integers(1, 5), max_size=4)


def tabled(routes: HandlerRoutes) -> RouteTable:
    return RouteTable(1, 0, 1, {HANDLER: routes})


@pytest.mark.proves("DP-2", "SO-5")
@given(steps=st.lists(st.tuples(sides, sides), min_size=1, max_size=4), here=codes, elsewhere=codes)
def test_who_promotes_is_one_that_can_serve_and_then_all_are_served(
    steps: list[tuple[tuple[bool, ...], tuple[bool, ...]]],
    here: frozenset[int],
    elsewhere: frozenset[int],
) -> None:
    """Of two processes that look at the same moment one at most promotes, or both the same."""
    routes = routes_of(steps, frozenset())
    there = {each.id.sequence for each in routes.line}
    mine, others = ({version_id(n) for n in ids & there} for ids in (here, elsewhere))
    found = stranded(tabled(routes), mine, others, at(99))
    theirs = stranded(tabled(routes), others, mine, at(99))
    left = list(unserved(tabled(routes), mine | others, at(99)))
    seen("promotes" if found else "nothing to do" if not left else "the other one")

    assert bool(left) == bool(found or theirs)
    assert len({*found, *theirs}) <= 1
    assert mine.issuperset(found)
    for version in {*found, *theirs}:
        assert version == max(mine | others, key=lambda each: routes.versions[each].order)


@pytest.mark.proves("TS-3", "DP-2")
@given(
    codes=st.lists(st.integers(1, 3), min_size=1, max_size=6),
    asked=st.integers(1, 4),
    elsewhere=st.frozensets(st.integers(1, 6)),
)
def test_code_is_a_version_that_is_there_if_it_is_the_last_or_somebody_serves_with_it(
    codes: list[int], asked: int, elsewhere: frozenset[int]
) -> None:
    facts = []
    for n, code in enumerate(codes, 1):
        key, fact = deployed(n)
        facts.append((key, msgspec.structs.replace(fact, fingerprint=f"code-{code}")))
    routes = fold_table(history(*facts)).handlers[HANDLER]
    known = known_as(routes, None, f"code-{asked}", frozenset(map(version_id, elsewhere)))
    able = [n for n, code in enumerate(codes, 1) if code == asked]
    wanted = [n for n in able if n == len(codes)] or [n for n in able if n in elsewhere][-1:]

    assert ([] if known is None else [known.id.sequence]) == wanted
