"""Pinned callers, over HTTP and by `timescape pin`."""

from typing import Any

import pytest

from tests.faces.asgi import Reply, ask, facts_of
from tests.faces.command_line import Said, run
from tests.faces.guarded import KEY, Site, bearer, on, token

MARCH, OCTOBER = "2026-03-01", "2026-10-01"


def site() -> Site:
    made = Site()
    made.handler("POST /things", "old", version=MARCH, idempotency="optional")
    made.handler("POST /things", "new", version=OCTOBER, idempotency="optional")
    return made


async def get(made: Site, query: str = "", *head: tuple[str, str], **claims: Any) -> Reply:
    return await ask(made.app, "POST", f"/things{query}", headers=(*bearer(token(**claims)), *head))


@pytest.mark.proves("TG-4", "TR-5", "TR-9")
def test_a_pinned_caller_gets_its_version_unless_it_names_another() -> None:
    async def work(made: Site) -> None:
        before = await get(made)
        versions = made.app.versions
        versions.pin("*", "tenant", "acme", MARCH)
        versions.pin("post-things", "principal", "bob", MARCH)
        versions.pin("*", "credential", "k1", MARCH)
        ann, bob = await get(made), await get(made, sub="bob")
        acme = await get(made, tenant="acme")
        named = await get(made, f"?v={OCTOBER}", sub="bob")
        robot = await ask(made.app, "POST", "/things", headers=[("x-api-key", KEY)])
        nobody = await ask(made.app, "POST", "/things")
        versions.unpin("post-things", "principal", "bob")
        after = await get(made, sub="bob")

        said = [each.json for each in (before, ann, bob, acme, named, robot, nobody, after)]
        assert said == ["new", "new", "old", "old", "new", "old", "new", "new"]
        assert bob.header("timescape-resolved-by") == "pin"
        assert bob.header("cache-control") == "private"
        assert named.header("timescape-resolved-by") == "query"
        (fact,) = [e.data for e in facts_of(made.store, bob) if e.type == "version.resolved"]
        assert (fact.source, fact.asked) == ("pin", MARCH)

    on(site(), work)


@pytest.mark.proves("TG-4", "IK-2")
def test_an_idempotency_key_is_known_again_whatever_its_caller_is_pinned_to() -> None:
    async def work(made: Site) -> None:
        key = ("idempotency-key", "order-0001")
        first = await get(made, "", key)
        made.app.versions.pin("*", "principal", "ann", OCTOBER)
        again = await get(made, "", key)

        assert (first.status, again.status, again.json) == (200, 200, "new")
        assert len(made.ran) == 1

    on(site(), work)


@pytest.mark.proves("TG-4")
def test_the_command_pins_lists_and_unpins() -> None:
    made = site()

    def said(*words: str) -> Said:
        return run(*words, store=made.store)

    async def work(_: Site) -> None:
        dry = said("pin", "post-things", "principal:ann", MARCH, "--dry-run")
        none = said("pin")
        set_ = said("pin", "*", "principal:ann", MARCH, "--by", "eve", "--json")
        same = said("pin", "*", "principal:ann", MARCH)
        listed = said("pin", "--json")
        odd = said("pin", "post-things", "principal:ann", "2020-01-01")
        half = said("pin", "post-things", "ann")
        gone = said("unpin", "*", "principal:ann")

        assert [each.status for each in (dry, none, set_, same, listed, odd, half, gone)] == [
            0, 0, 0, 0, 0, 2, 2, 0,
        ]  # fmt: skip
        assert "Nothing was appended" in dry.err
        assert "Nobody is pinned" in none.err
        (fact,) = set_.records
        assert (fact["type"], fact["key"], fact["data"]["by"]) == ("version.pinned", "*", "eve")
        assert "already" in same.err
        assert listed.records == [
            {"handler": "*", "kind": "principal", "subject": "ann", "selector": MARCH}
        ]
        assert "version.unpinned" in gone.out
        made.clock.step(1)
        assert (await get(made)).json == "new"

    on(made, work)
