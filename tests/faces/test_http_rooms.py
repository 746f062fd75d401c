"""So many requests at once, and a short queue before the door (AD-1)."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import App, Request
from runtime.errors import PolicySyntaxError
from runtime.ingress.rooms import Waiting, next_of
from tests.faces.asgi import Reply, ask
from tests.faces.guarded import Site, bearer, on, token


class Door:
    """A handler whose requests wait until they are let go; they note in which order they ran."""

    def __init__(self, site: Site, **policies: Any) -> None:
        self.site = site
        self.open = asyncio.Event()
        self.ran: list[str] = []

        async def held(req: Request[Any]) -> None:
            self.ran.append(req.headers["name"])
            await self.open.wait()

        site.app.handler("GET /held", **policies)(held)

    def sent(self, name: str, *headers: tuple[str, str]) -> "asyncio.Task[Reply]":
        head = [("name", name), *headers]
        return asyncio.create_task(ask(self.site.app, "GET", "/held", headers=head))


@pytest.mark.proves("AD-1")
def test_who_finds_it_full_waits_half_a_second_and_is_refused() -> None:
    site = Site(max_in_flight=1)
    door = Door(site)

    async def work(site: Site) -> None:
        first = door.sent("first")
        await asyncio.sleep(0.01)
        began = asyncio.get_running_loop().time()
        second = await door.sent("second")
        assert asyncio.get_running_loop().time() == pytest.approx(began + 0.5)
        assert (second.status, second.code) == (503, "overloaded")
        assert second.header("retry-after") == "1"
        door.open.set()
        assert (await first).status == 204
        assert (await door.sent("third")).status == 204

    on(site, work)
    assert door.ran == ["first", "third"]


@pytest.mark.proves("AD-1", "IN-12")
def test_the_higher_priority_goes_first_and_then_who_waits_longest() -> None:
    site = Site(max_in_flight=1)
    door = Door(site)

    async def work(site: Site) -> None:
        who = bearer(token())[0]
        named = [("a", "5"), ("b", "no"), ("c", "10"), ("d", "99"), ("e", "-3"), ("f", "6")]
        sent = [door.sent("first")]
        await asyncio.sleep(0.01)
        for name, priority in named:
            sent.append(door.sent(name, who, ("timescape-priority", priority)))
            await asyncio.sleep(0.01)
        sent.append(door.sent("anonymous", ("timescape-priority", "10")))
        await asyncio.sleep(0.01)
        door.open.set()
        assert {(await each).status for each in sent} == {204}

    on(site, work)
    assert door.ran == ["first", "c", "d", "f", "a", "b", "anonymous", "e"]


@pytest.mark.proves("AD-1")
def test_a_handler_may_have_a_room_of_its_own() -> None:
    site = Site()
    door = Door(site, max_concurrency=1)
    site.handler()

    async def work(site: Site) -> None:
        first = door.sent("first")
        await asyncio.sleep(0.01)
        second = door.sent("second")
        assert (await ask(site.app, "GET", "/things")).status == 200
        assert (await second).status == 503
        gone = door.sent("gone")
        await asyncio.sleep(0.1)
        gone.cancel()
        await asyncio.wait([gone])
        door.open.set()
        assert (await first).status == 204
        assert (await door.sent("last")).status == 204

    on(site, work)
    assert door.ran == ["first", "last"]


@pytest.mark.proves("AD-1")
def test_no_more_than_a_hundred_wait() -> None:
    site = Site(max_in_flight=1)
    door = Door(site)

    async def work(site: Site) -> None:
        sent = [door.sent("first")]
        await asyncio.sleep(0.01)
        sent += [door.sent(str(n)) for n in range(101)]
        await asyncio.sleep(0.1)
        done = [(n, each.result().code) for n, each in enumerate(sent) if each.done()]
        assert done == [(101, "overloaded")]
        door.open.set()
        assert [(await each).status for each in sent].count(204) == 101

    on(site, work)


@pytest.mark.proves("AD-1")
@given(priorities=st.lists(st.integers(0, 3), min_size=17, max_size=33))
def test_nobody_waits_for_ever(priorities: list[int]) -> None:
    waiting = [Waiting(n, priority) for n, priority in enumerate(priorities)]
    for place in range(len(priorities)):
        chosen = next_of(waiting, place)
        best = max(each.priority for each in waiting)
        first = next(each for each in waiting if each.priority == best)
        assert chosen == (waiting[0] if place % 16 == 15 else first)
        waiting.remove(chosen)


@pytest.mark.proves("AD-1", "MG-4")
@pytest.mark.parametrize("wrong", [0, -1, True, 1.5, "2"])
def test_what_is_no_number_of_places_is_refused(wrong: Any) -> None:
    async def things() -> None: ...

    with pytest.raises(PolicySyntaxError):
        App("shop", max_in_flight=wrong)
    with pytest.raises(PolicySyntaxError):
        App("shop").handler("GET /things", max_concurrency=wrong)(things)
