"""P27: `meta` is what was recorded, and cannot be changed."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from eventstore.values import FrozenValueError
from runtime import App
from runtime.errors import ReservedKeyError
from runtime.lifecycle.local_context import LocalContext
from runtime.lifecycle.meta import RESERVED, Meta
from runtime.principals import ANONYMOUS, Principal
from runtime.testing import FakeContext, Harness, run_virtual
from tests.builders import version_of
from tests.controlled import Controlled

WRITES: list[Callable[[Any, str], object]] = [
    lambda meta, name: setattr(meta, name, 1),
    delattr,
    lambda meta, name: meta.__setitem__(name, 1),
    lambda meta, name: meta.__delitem__(name),
    lambda meta, name: meta.update({name: 1}),
    lambda meta, name: meta.pop(name),
    lambda meta, name: meta.setdefault(name, 1),
    lambda meta, _: meta.popitem(),
    lambda meta, _: meta.clear(),
    lambda meta, name: meta.__ior__({name: 1}),
]
names = st.one_of(st.sampled_from([*RESERVED, "_values"]), st.text("abc", min_size=1, max_size=3))


@pytest.mark.proves("P27", "LC-2", "LC-3")
@given(
    path=st.sampled_from(["/orders", "/orders/7", "/%C3%A9"]),
    method=st.sampled_from(["GET", "POST"]),
    version=st.sampled_from(["tsv:1-a-1", "tsv:2-a-2"]),
    name=names,
    write=st.sampled_from(WRITES),
)
def test_p27_meta_is_what_was_recorded_and_no_write_reaches_it(
    path: str, method: str, version: str, name: str, write: Callable[[Any, str], object]
) -> None:
    """Seen to fail with attributes of `meta` that can be deleted."""
    seen: list[dict[str, Any]] = []

    async def handle(lctx: LocalContext) -> None:
        before = dict(lctx.meta)
        with pytest.raises(FrozenValueError):
            write(lctx.meta, name)
        assert dict(lctx.meta) == before
        seen.append(before)

    told = run_virtual(
        Controlled(version_of(handle, version=version), replayed=False).send(
            path=path, method=method
        )
    )
    event("reserved" if name in RESERVED else "free")

    first, resolved = told.facts[0], told.facts[2]
    (meta,) = seen
    assert meta == {
        "request_id": f"req-{told.stream.hex}",
        "method": first.data.method,
        "path": first.data.path,
        "route": first.data.route,
        "version": resolved.key,
        "flags": (),
        "received_at": first.at,
        "instance_id": "unknown",
        "region": "unknown",
    }
    assert (meta["path"], meta["method"], meta["version"]) == (path, method, version)


@pytest.mark.proves("LC-3")
@given(name=names)
def test_p27_an_extra_entry_may_have_no_reserved_name(name: str) -> None:
    values = dict.fromkeys(RESERVED, 1)
    if name in RESERVED or name.startswith("_"):
        event("refused")
        with pytest.raises(ReservedKeyError, match=name):
            Meta(values, {name: 2})
    else:
        event("taken")
        assert Meta(values, {name: 2})[name] == 2


@pytest.mark.proves("P27", "LC-3")
def test_the_path_of_a_request_stays_what_it_was() -> None:
    said: list[Any] = []

    async def handle(lctx: LocalContext) -> None:
        with pytest.raises(FrozenValueError, match=r"lctx\.set"):
            lctx.meta.path = "/other"  # type: ignore[attr-defined]
        with pytest.raises(FrozenValueError):
            lctx.meta["route"] = "GET /other"
        said.extend([lctx.meta.path, lctx.meta["route"]])

    run_virtual(Controlled(version_of(handle), replayed=False).send(path="/orders/7"))

    assert said == ["/orders/7", "POST /orders"]


@pytest.mark.proves("LC-1", "LC-2", "LC-13")
def test_a_context_says_who_calls_and_what_time_is_left() -> None:
    seen: list[Any] = []

    async def handle(lctx: LocalContext) -> None:
        await lctx.sleep(4)
        seen.extend([lctx.client, lctx.phase, lctx.remaining(), lctx.is_timed_out, lctx.version])
        seen.extend([lctx.trace_id, lctx.span_id, (lctx.deadline - lctx.meta.received_at).seconds])

    told = run_virtual(Controlled(version_of(handle, timeout_s=10.0), replayed=False).send())

    client, phase, left_s, timed_out, version, trace_id, span_id, lasts_s = seen
    assert (client.ip, client.user_agent, client.region) == ("unknown",) * 3
    assert (phase, left_s, timed_out, lasts_s) == ("processing", 6.0, False, 10)
    assert version == told.facts[2].key
    assert (len(trace_id), len(span_id)) == (32, 16)
    assert trace_id == told.facts[0].data.trace_id


principals = st.builds(
    Principal,
    st.text(st.characters(categories=["L"]), min_size=1, max_size=4),
    kind=st.sampled_from(["user", "service", "key"]),
    tenant=st.none() | st.just("north"),
    credential=st.none() | st.just("jti-1"),
)


@pytest.mark.proves("LC-1")
@given(st.just(ANONYMOUS) | principals, st.text("ab", max_size=3))
def test_refs_come_of_the_principal_and_never_of_a_header(who: Principal, said: str) -> None:
    """Seen to fail with the id of the anonymous principal taken for a user."""
    headers = dict.fromkeys(("x-user", "x-session", "cookie", "x-tenant"), said)
    with FakeContext(principal=who, headers=headers) as fake:
        refs = fake.lctx.refs

    expected = (None, None, None) if who is ANONYMOUS else (who.id, who.credential, who.tenant)
    assert (refs.user, refs.session, refs.tenant) == expected
    event(who.kind)


@pytest.mark.proves("LC-1")
def test_refs_of_a_request_are_the_same_when_it_is_run_again() -> None:
    app = App("refs")

    @app.handler("GET /me")
    async def me(lctx: LocalContext) -> list[str | None]:
        return [lctx.refs.user, lctx.refs.session, lctx.refs.tenant]

    ann = Principal("ann", tenant="north", credential="k1")
    with Harness(app, replayed=True) as harness:
        harness.get("/me", as_=ann).assert_body(["ann", "k1", "north"])
        harness.get("/me", headers={"x-user": "bob"}).assert_body([None, None, None])
