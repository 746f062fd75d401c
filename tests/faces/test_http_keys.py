"""Idempotency keys over HTTP: a request is done once, however often it is sent (IK-1 to IK-4)."""

import asyncio
from typing import Annotated, Any

import msgspec
import pytest

from eventstore import Keyring
from eventstore.memory import MemoryStore
from runtime import HttpError, LocalContext, Request, Response, Sensitive
from runtime.context import registry
from runtime.errors import NoSuchKeyError, NotReplayableError
from runtime.replay import reexecute
from runtime.testing import SeededIds
from tests.faces.asgi import Reply, ask, facts_of, names_of
from tests.faces.guarded import Site, bearer, on, token

HOUR_S = 3_600


def shop(answer: Any = "done", **policies: Any) -> Site:
    site = Site()
    site.handler("POST /things", answer, **policies)
    return site


async def post(site: Site, key: str | None = "k-1", body: object = 1, **more: Any) -> Reply:
    headers = [*more.pop("headers", ()), *([] if key is None else [("idempotency-key", key)])]
    target = more.pop("target", "/things")
    return await ask(site.app, "POST", target, body, headers=headers, **more)


@pytest.mark.proves("IK-2", "IK-3", "RM-5")
def test_a_request_sent_again_gets_the_first_answer_and_runs_once() -> None:
    site = shop({"order": 7})

    async def work(site: Site) -> None:
        first, again = await post(site), await post(site, '"k-1"')

        assert (first.status, first.json) == (again.status, again.json) == (200, {"order": 7})
        assert first.header("idempotent-replayed") is None
        assert again.header("idempotent-replayed") == "?1"
        assert again.header("original-request-id") == first.request_id
        assert again.header("content-type") == "application/json"
        assert names_of(site.store, again) == [
            "request.received", "principal.established", "version.resolved", "policy.decided",
            "phase.changed", "response.sent",
        ]  # fmt: skip
        decided = facts_of(site.store, again)[3]
        assert (decided.key, decided.data.inputs["first"]) == ("replay", first.request_id)
        assert facts_of(site.store, again)[-1].data.code is None
        with pytest.raises(NotReplayableError):
            reexecute(site.app, site.store, facts_of(site.store, again)[0].stream)

    on(site, work)
    assert len(site.ran) == 1


@pytest.mark.proves("IK-3")
def test_the_log_answers_after_a_restart_and_forgets_after_a_day() -> None:
    site = shop({"order": 7})

    async def work(site: Site) -> None:
        first = await post(site)
        await site.restart(lambda: site.handler("POST /things", {"order": 8}))
        again = await post(site)
        site.clock.step(24 * HOUR_S)
        anew = await post(site)

        assert (first.json, again.json, anew.json) == ({"order": 7}, {"order": 7}, {"order": 8})
        assert again.header("original-request-id") == first.request_id
        assert anew.header("idempotent-replayed") is None

    on(site, work)
    assert len(site.ran) == 2


@pytest.mark.proves("IK-2")
@pytest.mark.parametrize("more", [{"body": 2}, {"target": "/things?a=1"}])
def test_another_request_with_the_same_key_is_refused(more: Any) -> None:
    site = shop()

    async def work(site: Site) -> None:
        await post(site)
        other = await post(site, **more)
        assert (other.status, other.code) == (422, "idempotency-key-reused")

    on(site, work)
    assert len(site.ran) == 1


@pytest.mark.proves("IK-2", "RL-2")
def test_a_key_belongs_to_its_caller_and_handler() -> None:
    site = shop()
    site.handler("POST /other")

    async def work(site: Site) -> None:
        await post(site)
        await post(site, headers=bearer(token()))
        await post(site, target="/other")

    on(site, work)
    assert len(site.ran) == 3


@pytest.mark.proves("IK-2")
def test_while_the_first_runs_the_second_is_told_to_wait() -> None:
    site, release = Site(), asyncio.Event()

    @site.app.handler("POST /things")
    async def things(req: Request[int]) -> int:
        await release.wait()
        return req.body

    async def work(site: Site) -> None:
        running = asyncio.create_task(post(site))
        await asyncio.sleep(1)
        second = await post(site)
        assert (second.status, second.code) == (409, "idempotency-in-flight")
        assert second.header("retry-after") == "1"
        assert (await post(site, body=2)).status == 422
        release.set()
        first = await running
        assert (first.status, first.json) == (200, 1)
        assert (await post(site)).header("original-request-id") == first.request_id

    on(site, work)


@pytest.mark.proves("IK-4")
@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_failure_that_was_undone_gives_the_key_free(status: int) -> None:
    undone: list[str] = []
    site = Site()

    @site.app.handler("POST /things")
    async def things(req: Request[int], lctx: LocalContext) -> str:
        if not undone:
            lctx.compensate(undone.append, "undone")
            raise HttpError(status, "busy")
        return "done"

    async def work(site: Site) -> None:
        first, second = await post(site), await post(site)
        assert (first.status, second.status) == (status, 200)
        assert second.header("idempotent-replayed") is None

    on(site, work)


@pytest.mark.proves("IK-4")
@pytest.mark.parametrize(("dropped", "second"), [(False, 409), (True, 503)])
def test_an_answer_of_503_that_undoes_nothing_holds_the_key_if_there_was_something_to_undo(
    *, dropped: bool, second: int
) -> None:
    site, ran, undone = Site(), list[int](), list[int]()

    @site.app.handler("POST /things")
    async def things(req: Request[int], res: Response, lctx: LocalContext) -> str:
        ran.append(req.body)
        registered = lctx.compensate(undone.append, req.body)
        if dropped:
            lctx.cancel_compensation(registered)
        res.status = 503
        return "half of it is done"

    async def work(site: Site) -> None:
        assert (await post(site)).status == 503
        assert (await post(site)).status == second

    on(site, work)
    assert undone == []
    assert len(ran) == (2 if dropped else 1)


def failing(undo: Any) -> None:
    raise OSError(undo)


@pytest.mark.proves("IK-4")
def test_a_failure_that_could_not_be_undone_holds_the_key_until_it_is_released() -> None:
    site, ran = Site(), list[int]()

    @site.app.handler("POST /things")
    async def things(req: Request[int], lctx: LocalContext) -> str:
        ran.append(1)
        if len(ran) == 1:
            lctx.compensate(failing, "it")
            raise HttpError(500, "broken")
        return "done"

    async def work(site: Site) -> None:
        first = await post(site)
        second = await post(site)
        assert (second.status, second.code) == (409, "idempotency-outcome-unknown")
        assert second.header("original-request-id") == first.request_id
        site.app.release_key(first.request_id, by="ann", reason="refunded by hand")
        assert (await post(site)).status == 200
        with pytest.raises(NoSuchKeyError):
            site.app.release_key(first.request_id, by="ann", reason="twice")

    on(site, work)


@pytest.mark.proves("IK-4")
def test_after_a_crash_the_outcome_is_not_known() -> None:
    site = Site()

    @site.app.handler("POST /things")
    async def things(req: Request[int]) -> None:
        await asyncio.Event().wait()

    async def work(site: Site) -> None:
        lost = asyncio.create_task(post(site))
        await asyncio.sleep(1)
        crashed, site.app = site.app, site.new_app()
        site.handler("POST /things")
        site.start()
        second = await post(site)
        assert (second.status, second.code) == (409, "idempotency-outcome-unknown")
        await site.app.stop()
        lost.cancel()
        await asyncio.wait([lost])
        site.app = crashed

    on(site, work)
    assert site.ran == []


class Receipt(msgspec.Struct):
    order: int
    card: Annotated[str, Sensitive]


@pytest.mark.proves("IK-3")
def test_an_answer_that_was_not_recorded_whole_is_gone() -> None:
    site = Site()

    @site.app.handler("POST /things")
    async def things(req: Request[int]) -> Receipt:
        return Receipt(1, "4111")

    async def work(site: Site) -> None:
        assert (await post(site)).status == 200
        second = await post(site)
        assert (second.status, second.code) == (409, "idempotency-answer-gone")

    on(site, work)


@pytest.mark.proves("IK-1")
@pytest.mark.parametrize(
    ("policy", "key", "status", "code"),
    [
        ("optional", "", 400, "idempotency-key-malformed"),
        ("optional", "a b", 400, "idempotency-key-malformed"),
        ("optional", "k" * 256, 400, "idempotency-key-malformed"),
        ("optional", "k\xe9", 400, "idempotency-key-malformed"),
        ("optional", '"', 400, "idempotency-key-malformed"),
        ("optional", "k" * 255, 200, None),
        ("optional", None, 200, None),
        ("required", None, 400, "idempotency-key-required"),
        ("required", "k", 200, None),
        ("off", "a b", 200, None),
    ],
)
def test_a_key_is_visible_text(policy: str, key: str | None, status: int, code: str | None) -> None:
    site = shop(idempotency=policy)

    async def work(site: Site) -> Reply:
        return await post(site, key)

    reply = on(site, work)
    assert reply.status == status
    assert code is None or reply.code == code


@pytest.mark.proves("RL-3")
def test_an_answer_given_again_is_charged() -> None:
    site = shop(limits="2/minute")

    async def work(site: Site) -> list[int]:
        return [(await post(site)).status for _ in range(3)]

    assert on(site, work) == [200, 200, 429]


@pytest.mark.proves("IK-1")
@pytest.mark.parametrize("has_keyring", [False, True])
def test_the_key_is_not_in_the_log(*, has_keyring: bool) -> None:
    site = shop()
    if has_keyring:
        keyring = Keyring([bytes(range(32))])
        site.store = MemoryStore(registry(), site.clock, SeededIds(7), keyring=keyring)

    async def work(site: Site) -> dict[str, str]:
        reply = await post(site, "canary-key")
        rows = site.store.read_log(limit=100)
        assert "canary-key" not in str([event for row in rows for event in row.events])
        return dict(facts_of(site.store, reply)[0].data.headers)

    kept = on(site, work).get("idempotency-key")
    assert kept is None or kept.startswith("hmac:")
    assert (kept is not None) is has_keyring
