"""Who gets in over HTTP, how often, and what the log says of it."""

import asyncio
from typing import Any

import pytest

from runtime.authentication import Credential, Principal
from runtime.errors import AuthenticatorError, CredentialsInvalidError
from runtime.replay import reexecute
from tests.faces.asgi import Reply, ask, facts_of, names_of
from tests.faces.guarded import KEY, Site, bearer, on, token


def asked(site: Site, *, headers: Any = (), method: str = "GET", times: int = 1) -> list[Reply]:
    async def work(site: Site) -> list[Reply]:
        return [await ask(site.app, method, "/things", headers=headers) for _ in range(times)]

    return on(site, work)  # type: ignore[no-any-return]


def guarded(**policies: Any) -> Site:
    site = Site()
    site.handler(**policies)
    return site


# --- who asks ---


@pytest.mark.proves("AU-3", "AU-4", "PO-1", "RM-5")
def test_a_caller_with_the_role_gets_in_and_the_log_says_why() -> None:
    site = guarded(roles=["customer"])
    (reply,) = asked(site, headers=bearer(token(jti="t-1", tenant="acme")))

    assert (reply.status, reply.json) == (200, "done")
    assert site.ran == [
        Principal(
            "ann", "user", "https://id.example", ("customer",), ("orders:read",), "acme", "t-1",
            expires=1_790_003_600.0,
        )
    ]  # fmt: skip
    assert names_of(site.store, reply)[:5] == [
        "request.received", "principal.established", "version.resolved", "policy.decided",
        "phase.changed",
    ]  # fmt: skip
    _, who, _, decided, _ = facts_of(site.store, reply)[:5]
    assert (who.key, who.data.kind, who.data.credential) == ("ann", "user", "t-1")
    assert (decided.key, decided.data.policies) == ("allow", ("access",))
    assert decided.data.inputs == {"required": True, "roles": ["customer"]}


@pytest.mark.proves("AU-2", "AU-9", "PO-1")
def test_nobody_is_asked_for_credentials() -> None:
    site = guarded(roles=["customer"])
    (reply,) = asked(site)

    assert (reply.status, reply.code) == (401, "credentials-required")
    assert reply.header("www-authenticate") == 'Bearer realm="shop", ApiKey realm="shop"'
    assert site.ran == []
    decided = facts_of(site.store, reply)[3]
    assert (decided.type, decided.key) == ("policy.decided", "deny")
    assert (decided.data.policies, decided.data.reason) == (("access",), "anonymous")


@pytest.mark.proves("PO-1", "AU-9")
def test_a_caller_without_role_or_scope_is_told_what_is_needed_and_not_what_it_has() -> None:
    site = guarded(roles=["admin"], scopes=["orders:write"])
    (reply,) = asked(site, headers=bearer(token(roles=["admin"])))

    assert (reply.status, reply.code) == (403, "forbidden")
    assert reply.json["needed"] == {"any-role": ["admin"], "all-scopes": ["orders:write"]}
    assert b"orders:read" not in reply.body
    assert reply.header("www-authenticate") == (
        'Bearer realm="shop", error="insufficient_scope", scope="orders:write", ApiKey realm="shop"'
    )


@pytest.mark.proves("AU-2", "AU-9")
@pytest.mark.parametrize("open_route", ["/things", "/nothing"])
def test_credentials_that_are_not_valid_are_refused_on_open_routes_too(open_route: str) -> None:
    site = guarded()

    async def work(site: Site) -> Reply:
        return await ask(site.app, "GET", open_route, headers=bearer(token(exp=1)))

    reply = on(site, work)
    assert (reply.status, reply.code) == (401, "credentials-invalid")
    assert reply.header("www-authenticate") == (
        'Bearer realm="shop", error="invalid_token", ApiKey realm="shop"'
    )
    assert b"expired" not in reply.body
    decided = facts_of(site.store, reply)[2]
    assert (decided.data.policies, decided.data.reason) == (("authentication",), "expired")


@pytest.mark.proves("AU-2")
@pytest.mark.parametrize(
    "headers",
    [
        (*bearer(token()), ("x-api-key", KEY)),
        (("x-api-key", KEY), ("x-api-key", KEY)),
    ],
)
def test_two_credentials_are_none(headers: Any) -> None:
    (reply,) = asked(guarded(), headers=headers)

    assert (reply.status, reply.code) == (400, "credentials-ambiguous")


@pytest.mark.proves("AU-8")
@pytest.mark.parametrize(
    "header", [("x-api-key", KEY), ("authorization", f"ApiKey {KEY}"), ("X-API-Key", KEY)]
)
def test_an_api_key_stands_for_its_principal(header: tuple[str, str]) -> None:
    site = guarded(roles=["robot"])
    (reply,) = asked(site, headers=[header])

    assert reply.status == 200
    assert site.ran == [Principal("k1", "key", roles=("robot",), credential="k1")]


@pytest.mark.proves("AU-2")
def test_without_credentials_the_anonymous_asks_and_a_query_is_not_read() -> None:
    site = guarded()

    async def work(site: Site) -> Reply:
        return await ask(site.app, "GET", f"/things?access_token={token()}&api_key={KEY}")

    assert on(site, work).status == 200
    assert [(each.id, each.kind, each.ceiling) for each in site.ran] == [
        ("anonymous", "anonymous", 5)
    ]


class Own:
    """An authenticator as a user writes one."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    async def authenticate(self, credential: Credential) -> Principal | None:
        if self.error is not None:
            raise self.error
        return Principal("eve", "service") if credential.text == "opensesame" else None


@pytest.mark.proves("AU-1")
@pytest.mark.parametrize(
    ("error", "text", "status", "code"),
    [
        (None, "opensesame", 200, None),
        (None, "other", 401, "credentials-invalid"),
        (CredentialsInvalidError("bad"), "opensesame", 401, "credentials-invalid"),
        (ConnectionError(), "opensesame", 503, "auth-unavailable"),
        (ValueError(), "opensesame", 503, "auth-unavailable"),
    ],
)
def test_an_authenticator_of_ones_own_decides(
    error: Exception | None, text: str, status: int, code: str | None
) -> None:
    site = Site(auth=[Own(error)])
    site.handler(auth="required")
    (reply,) = asked(site, headers=bearer(text))

    assert reply.status == status
    assert code is None or reply.code == code
    assert site.ran == ([Principal("eve", "service")] if status == 200 else [])


class Late(Own):
    async def authenticate(self, credential: Credential) -> Principal | None:
        await asyncio.sleep(5.1)
        return Principal("eve")


@pytest.mark.proves("AU-1")
def test_an_authenticator_that_is_late_lets_nobody_in() -> None:
    site = Site(auth=[Late()])
    site.handler(auth="required")
    (reply,) = asked(site, headers=bearer("x"))

    assert (reply.status, reply.code, site.ran) == (503, "auth-unavailable", [])
    assert reply.header("retry-after") == "5"


@pytest.mark.proves("AU-10")
def test_after_a_hundred_failures_an_address_waits() -> None:
    site = guarded()

    async def work(site: Site) -> None:
        codes = [
            (await ask(site.app, "GET", "/things", headers=bearer("x"))).status for _ in range(101)
        ]
        assert codes == [401] * 100 + [429]
        last = await ask(site.app, "GET", "/things", headers=bearer(token()))
        assert (last.status, last.code, last.header("retry-after")) == (429, "rate-limited", "60")
        assert (await ask(site.app, "GET", "/things")).status == 200
        site.clock.step(60)
        assert (await ask(site.app, "GET", "/things", headers=bearer(token()))).status == 200

    on(site, work)


@pytest.mark.proves("PO-1")
def test_an_app_may_require_credentials_unless_a_handler_says_otherwise() -> None:
    site = Site(auth_default="required")
    site.handler()
    site.handler("GET /open", auth="open")

    async def work(site: Site) -> list[int]:
        return [(await ask(site.app, "GET", path)).status for path in ("/things", "/open")]

    assert on(site, work) == [401, 200]


@pytest.mark.proves("PO-1")
def test_an_app_that_nobody_could_call_does_not_start() -> None:
    site = Site(auth=[])
    site.handler(roles=["customer"])

    with pytest.raises(AuthenticatorError, match="GET /things"):
        site.start()


@pytest.mark.proves("AU-3")
def test_a_replay_takes_the_principal_from_the_record() -> None:
    site = guarded(roles=["customer"], limits="5/minute")
    (reply,) = asked(site, headers=bearer(token()))
    site.clock.step(1_000_000)
    stream = facts_of(site.store, reply)[0].stream
    again = reexecute(site.app, site.store, stream)

    assert again.divergence is None
    assert site.ran[0] == site.ran[1]


# --- how often ---


@pytest.mark.proves("RL-1", "RL-4")
def test_the_third_of_two_a_minute_waits_just_as_long_as_it_is_told() -> None:
    site = guarded(limits="2/minute")

    async def work(site: Site) -> None:
        first = await ask(site.app, "GET", "/things")
        assert first.header("ratelimit-policy") == '"default";q=2;w=60'
        assert first.header("ratelimit") == '"default";r=1;t=60'
        site.clock.step(20.5)
        second = await ask(site.app, "GET", "/things")
        assert second.header("ratelimit") == '"default";r=0;t=40'
        third = await ask(site.app, "GET", "/things")
        assert (third.status, third.code) == (429, "rate-limited")
        assert third.header("retry-after") == "40"
        assert third.header("ratelimit") == '"default";r=0;t=40'
        assert third.json["violated-policies"] == ["default"]
        site.clock.step(39)
        assert (await ask(site.app, "GET", "/things")).status == 429
        site.clock.step(1)
        assert (await ask(site.app, "GET", "/things")).status == 200

    on(site, work)
    assert len(site.ran) == 3


@pytest.mark.proves("RL-2")
def test_each_caller_has_windows_of_its_own_and_no_header_opens_another() -> None:
    site = guarded(limits="1/minute")

    async def work(site: Site) -> list[int]:
        heads: list[Any] = [
            (), bearer(token()), bearer(token(jti="other")), bearer(token(sub="eve")),
            (("x-api-key", KEY),), (("x-forwarded-for", "203.0.113.9"),),
        ]  # fmt: skip
        return [(await ask(site.app, "GET", "/things", headers=each)).status for each in heads]

    assert on(site, work) == [200, 200, 429, 200, 200, 429]


@pytest.mark.proves("RL-3", "PO-1")
def test_who_is_refused_for_the_role_is_not_charged() -> None:
    site = guarded(limits=["1/second", "2/hour"], roles=["customer"])

    async def work(site: Site) -> None:
        heads = [bearer(token(roles=[])), (), bearer(token())]
        replies = [await ask(site.app, "GET", "/things", headers=each) for each in heads]
        assert [each.status for each in replies] == [403, 401, 200]
        assert [each.header("ratelimit") for each in replies] == [
            '"1/second";r=1;t=1, "2/hour";r=2;t=3600',
            '"1/second";r=1;t=1, "2/hour";r=2;t=3600',
            '"1/second";r=0;t=1, "2/hour";r=1;t=3600',
        ]

    on(site, work)


@pytest.mark.proves("RL-5", "P34")
def test_windows_are_as_they_were_after_a_restart() -> None:
    site = Site()

    def declare() -> None:
        site.handler(limits=["10/second", "2/hour"])

    declare()

    async def work(site: Site) -> None:
        assert (await ask(site.app, "GET", "/things")).status == 200
        site.clock.step(1_800)
        assert (await ask(site.app, "GET", "/things")).status == 200
        await site.restart(declare)
        refused = await ask(site.app, "GET", "/things")
        assert (refused.status, refused.header("retry-after")) == (429, "1800")
        site.clock.step(1_800)
        assert (await ask(site.app, "GET", "/things")).status == 200

    on(site, work)


@pytest.mark.proves("PO-2")
@pytest.mark.parametrize(
    ("roles", "status"), [(["clerk"], 403), (["boss"], 403), (["boss", "clerk"], 200), ([], 403)]
)
def test_a_crossed_request_needs_what_both_versions_ask(roles: list[str], status: int) -> None:
    site = Site(on_breaking="activate")
    site.handler("GET /a", version="2026-03-01", roles=["clerk"], limits="9/minute")
    site.handler("GET /a", version="2026-06-01", roles=["boss"], limits="1/minute")
    site.app.transformer("GET /a", "2026-03-01", "2026-06-01", request_up=lambda parts: parts)

    async def work(site: Site) -> list[Reply]:
        head = bearer(token(roles=roles))
        return [await ask(site.app, "GET", "/a?v=2026-03-01", headers=head) for _ in range(2)]

    replies = on(site, work)

    # The second one is let in, too: how often is what the version says that is spoken.
    assert [reply.status for reply in replies] == [status] * 2
    assert len(site.ran) == (2 if status == 200 else 0)
