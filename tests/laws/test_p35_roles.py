"""P35: a guarded handler runs if and only if the caller provably holds a role it asks for."""

from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime.effects.virtual_loop import VirtualLoop
from tests.faces.asgi import Reply, exchange, scope_of
from tests.faces.guarded import KEY, NOW_S, Site, bearer, token

ROLES = ("customer", "robot", "Customer", "admin")
NEEDS: dict[str, tuple[str, ...]] = {
    "/any": (), "/customer": ("customer",), "/either": ("admin", "robot"),
}  # fmt: skip
Head = tuple[tuple[str, str], ...]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Site, VirtualLoop]]:
    site = Site()
    for path, roles in NEEDS.items():
        site.handler(f"GET {path}", roles=list(roles))
    loop = VirtualLoop()
    loop.run_until_complete(started(site))
    yield site, loop
    loop.run_until_complete(site.app.stop())
    loop.close()


async def started(site: Site) -> None:
    site.start()


async def asked(site: Site, path: str, head: Head) -> Reply:
    """Ask from an address of its own: none is refused for failures of others."""
    scope = scope_of("GET", path, [("host", "shop.example"), *head])
    scope["client"] = (str(IPv4Address(site.ids.token(4))), 4_000)
    return await exchange(site.app, scope, [b""])


held = st.lists(st.sampled_from(ROLES), max_size=3, unique=True)
forged: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {"secret": b"another secret of 32 bytes, at least"},
        {"exp": NOW_S - 31},
        {"iat": NOW_S + 40_000_000},
        {"nbf": NOW_S + 40_000_000},
        {"aud": "other"},
        {"iss": "https://evil.example"},
        {"sub": None},
        {"exp": None},
        {"header": {"kid": "other"}},
        {"header": {"crit": ["exp"]}},
        {"roles": {"admin": True}},
    ]
)


@st.composite
def callers(draw: st.DrawFn) -> tuple[Head, tuple[str, ...] | None]:
    """Draw a head, and the roles that it proves; None: it proves nobody."""
    kind = draw(st.sampled_from(["token", "token", "key", "none", "forged", "cut"]))
    event(kind)
    roles = draw(held)
    if kind == "none":
        return (), None
    if kind == "key":
        return (("x-api-key", KEY),), ("robot",)
    if kind == "forged":
        claims: dict[str, Any] = {"roles": roles, **draw(forged)}
        return bearer(token(**claims)), None
    good = token(roles=roles)
    if kind == "token":
        return bearer(good), tuple(roles)
    at = draw(st.integers(0, len(good) - 1))
    return bearer(good[:at] + draw(st.sampled_from(["", "=", "A.", "~"])) + good[at + 1 :]), None


@pytest.mark.proves("P35", "PO-1", "AU-4", "AU-5", "AU-9")
@given(caller=callers(), path=st.sampled_from(list(NEEDS)))
def test_p35_a_handler_runs_iff_the_caller_holds_a_role(
    served: tuple[Site, VirtualLoop], caller: Any, path: str
) -> None:
    """Seen to fail with all of the roles asked for where one suffices."""
    (site, loop), (head, roles) = served, caller
    site.ran.clear()
    reply = loop.run_until_complete(asked(site, path, head))
    needed = NEEDS[path]
    expected = 401 if roles is None else 200 if not needed or set(needed) & set(roles) else 403

    assert reply.status == expected
    assert bool(site.ran) == (expected == 200)
    assert (reply.header("www-authenticate") is not None) == (expected == 401)


@pytest.mark.proves("P35", "PO-1")
def test_a_role_is_compared_letter_by_letter(served: tuple[Site, VirtualLoop]) -> None:
    site, loop = served
    statuses = [
        loop.run_until_complete(asked(site, "/customer", bearer(token(roles=roles)))).status
        for roles in (["customer"], "customer", ["Customer"], [])
    ]

    assert statuses == [200, 200, 403, 403]
