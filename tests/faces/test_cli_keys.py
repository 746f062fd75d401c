"""`timescape keys`: what waits for an operator is listed, and given free for a reason."""

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import HttpError, LocalContext, Request
from runtime.ingress.held_keys import held_keys, release
from runtime.policies.keys import KEPT_US
from runtime.policy_facts import IdempotencyReleased
from runtime.testing import VirtualLoop
from tests.debugger.stores import START_US
from tests.faces.asgi import Reply, ask
from tests.faces.command_line import Said, run
from tests.faces.guarded import Site, on


async def post(site: Site, key: str, body: int = 1) -> Reply:
    return await ask(site.app, "POST", "/things", body, headers=[("idempotency-key", key)])


def failing(why: Any) -> None:
    raise OSError(why)


def shop() -> Site:
    """Make a site whose requests end as their body says."""
    site = Site()
    # The commands' clock is an hour behind this one.
    site.clock.start_us = START_US

    @site.app.handler("POST /things")
    async def things(req: Request[int], lctx: LocalContext) -> str:
        site.ran.append(req.body)
        if req.body == 2:
            lctx.compensate(failing, "no such order")
        if req.body in {2, 3}:
            raise HttpError(500, "broken")
        if req.body == 4:
            await asyncio.Event().wait()
        return "done"

    return site


@pytest.mark.proves("IK-4")
def test_keys_lists_what_waits_and_gives_one_free() -> None:
    site = shop()

    async def work(_: Site) -> tuple[list[Said], list[Reply]]:
        await post(site, "good", 1)
        lost = await post(site, "broken", 2)
        await post(site, "undone", 3)
        said = [
            run("keys", store=site.store),
            run("keys", "list", "--json", store=site.store),
            run("keys", "release", lost.request_id, "--by", "ann", "--reason", "not charged",
                store=site.store),
            run("keys", store=site.store),
            run("keys", "release", lost.request_id, store=site.store),
        ]  # fmt: skip
        again = await post(site, "broken", 1)
        return said, [lost, again]

    (table, listed, freed, none, twice), (lost, again) = on(site, work)

    assert table.out.splitlines()[0].split() == ["request", "handler", "since", "why"]
    assert lost.request_id in table.out
    (record,) = listed.records
    assert (record["request"], record["handler"], record["why"]) == (
        lost.request_id, "post-things", "not-undone",
    )  # fmt: skip
    assert freed.status == 0
    assert "is free" in freed.err
    assert (none.status, none.out) == (0, "")
    assert "No idempotency key waits" in none.err
    assert twice.status == 3
    assert again.status == 200
    facts = [
        event.data
        for row in site.store.read_log(kinds=["idempotency"])
        for event in row.events
        if isinstance(event.data, IdempotencyReleased)
    ]
    assert facts == [IdempotencyReleased("ann", "not charged")]


@pytest.mark.proves("IK-4")
def test_a_key_whose_request_may_still_run_is_given_free_only_if_its_process_has_gone() -> None:
    site = shop()

    async def work(_: Site) -> list[Said]:
        running = asyncio.create_task(post(site, "slow", 4))
        await asyncio.sleep(1)
        (record,) = run("keys", "--json", store=site.store).records
        assert (record["why"], record["handler"]) == ("unfinished", None)
        refused = run("keys", "release", record["request"], store=site.store)
        freed = run("keys", "release", record["request"], "--gone", store=site.store)
        running.cancel()
        await asyncio.wait([running])
        return [refused, freed]

    refused, freed = on(site, work)
    assert (refused.status, freed.status) == (2, 0)
    assert "may still run" in refused.err


@pytest.mark.proves("IK-4")
@pytest.mark.parametrize("words", [["release"], ["list", "req-1"], ["lose"], ["release", "req-1"]])
def test_what_names_no_key_is_explained(words: list[str]) -> None:
    said = run("keys", *words, store=Site().store)

    assert said.status == (3 if words == ["release", "req-1"] else 2)
    assert said.out == ""
    assert said.err


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Site, VirtualLoop]]:
    loop, site = VirtualLoop(), shop()
    loop.call_soon(site.start)
    yield site, loop
    loop.run_until_complete(site.app.stop())
    loop.close()


@pytest.mark.proves("IK-4")
@given(
    steps=st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(1, 3)), max_size=4),
    name=st.uuids(),
)
def test_what_waits_is_what_callers_are_told_is_unknown(
    served: tuple[Site, VirtualLoop], steps: list[tuple[str, int]], name: UUID
) -> None:
    site, loop = served

    async def work() -> None:
        for key, body in steps:
            await post(site, f"{name}-{key}", body)
        held = {each.claim.request for each in held_keys(site.store, site.clock())}
        unknown = set()
        for key, body in dict(steps).items():
            reply = await post(site, f"{name}-{key}", body)
            if reply.status == 409:
                unknown.add(reply.header("original-request-id"))
        assert unknown <= held
        for each in held:
            release(site.store, each, by="ann", reason="", now_us=site.clock())
        left = {each.claim.request for each in held_keys(site.store, site.clock())}
        assert not unknown & left
        assert list(held_keys(site.store, site.clock() + KEPT_US + 1)) == []
        site.clock.step(2 * KEPT_US / 1_000_000)  # what this example left is over

    loop.run_until_complete(work())
