"""What a change of a version means to its callers, rule by rule (BR-1 to BR-9, BR-44 to BR-53)."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import App, GlobalContext, Request
from runtime.gtype import gtype
from runtime.manifests import HandlerManifest, Policies, Source
from runtime.manifests.differences import diff, gone
from runtime.manifests.handler import Needs, from_json, stored_type
from runtime.manifests.promises import Promises
from runtime.manifests.rules import MANIFEST_RULES


class Narrow(msgspec.Struct):
    n: int


class Wide(msgspec.Struct):
    n: int
    note: str = ""


TYPES: list[Any] = [None, int, Narrow, Wide, int | None]

PLAIN = HandlerManifest(
    handler="h", method="POST", path="/a/{n:int}", version=None, takes="json",
    media="application/json", policies=Policies(30.0, 1_000, "finish"),
    source=Source("a.py", 1, "sha256:0", "syntax"), params=(("n", "int"),),
    body=stored_type(gtype(Narrow)), answers=((200, stored_type(gtype(Narrow))),),
)  # fmt: skip


def changed(**what: Any) -> HandlerManifest:
    return msgspec.structs.replace(PLAIN, **what)


def stored(hint: Any) -> Any:
    return None if hint is None else stored_type(gtype(hint))


names = st.sampled_from([(), ("x-a",), ("x-a", "x-b")])
manifests = st.builds(
    changed,
    method=st.sampled_from(["POST", "PUT"]),
    takes=st.sampled_from(["json", "json", "raw", "nothing"]),
    media=st.sampled_from(["application/json", "application/octet-stream"]),
    policies=st.builds(
        Policies, st.sampled_from([1.0, 30.0]), st.sampled_from([10, 1_000]), st.just("finish")
    ),
    query=st.sampled_from(TYPES[2:4]).map(stored),
    body=st.sampled_from(TYPES).map(stored),
    answers=st.lists(
        st.tuples(st.sampled_from([200, 204]), st.sampled_from(TYPES).map(stored)),
        max_size=2, unique_by=lambda each: each[0],
    ).map(tuple),
    promises=st.none() | st.builds(
        Promises,
        status=st.none(),
        problems=st.sampled_from([(), (("gone", 410),), (("gone", 404), ("new", 409))]),
        needs=names, reads=names, gives=names, may_give=names,
        page_size=st.sampled_from([None, 8, 9]),
        order=st.sampled_from(["", "by name"]),
    ),
    needs=st.builds(Needs, topics=st.sampled_from([(), ("orders",)])),
)  # fmt: skip


@pytest.mark.proves("DF-2", "X4")
@given(old=manifests, new=manifests)
def test_a_comparison_is_whole_deterministic_and_empty_of_equals(
    old: HandlerManifest, new: HandlerManifest
) -> None:
    found = diff(old, new)

    assert diff(old, old).changes == ()
    assert diff(old, old).summary == "No changes detected"
    again = diff(read(old), read(new))
    assert (again.changes, again.digest) == (found.changes, found.digest)
    assert sum(found.counts.values()) == len(found.changes)
    assert found.breaking == any(found.rules("breaking", side) for side in ("request", "response"))
    assert all(change.sentence.startswith(change.section) for change in found.changes)
    if old.contract == new.contract and old.needs == new.needs:
        assert found.changes == ()


def read(manifest: HandlerManifest) -> HandlerManifest:
    """Read it as a deployment keeps it."""
    found = from_json(msgspec.json.encode(manifest.plain()))
    assert found == manifest
    return found


def who(**more: Any) -> Policies:
    return Policies(30.0, 1_000, "finish", **more)


def said(**what: Any) -> dict[str, Any]:
    return {"promises": Promises(**what)}


CASES: list[tuple[str, dict[str, Any], dict[str, Any], str, str]] = [
    ("BR-1", {}, {"method": "PUT"}, "B", "B"),
    ("BR-2", {}, {"path": "/b/{n:int}"}, "B", "-"),
    ("BR-3", {}, {"path": "/a/{m:int}", "params": (("m", "int"),)}, "R", "-"),
    ("BR-27", {}, {"path": "/a/{n:str}", "params": (("n", "str"),)}, "S", "-"),
    ("BR-27", {}, {"path": "/a/{n:uuid}", "params": (("n", "uuid"),)}, "B", "-"),
    ("BR-4", {"takes": "raw", "body": None}, {}, "B", "-"),
    ("BR-4", {}, {"takes": "raw", "body": None}, "S", "-"),
    ("BR-4", {}, {"media": "application/octet-stream"}, "S", "B"),
    ("BR-11", {"takes": "nothing", "body": None}, {}, "B", "-"),
    ("BR-4", {"takes": "nothing"}, {"body": None}, "S", "-"),
    ("BR-12", {}, {"takes": "nothing", "body": None}, "R", "-"),
    ("BR-5", {}, {"answers": ()}, "-", "B"),
    ("BR-5", {"answers": ()}, {}, "-", "R"),
    ("BR-11", {}, {"query": stored(Narrow)}, "B", "-"),
    ("BR-44", {}, {"policies": Policies(30.0, 999, "finish")}, "B", "-"),
    ("BR-44", {}, {"policies": Policies(30.0, 1_001, "finish")}, "S", "-"),
    ("BR-44", {}, {"policies": who(max_answer=1_000)}, "B", "-"),
    ("BR-44", {"policies": who(max_answer=1_000)}, {"policies": who(max_answer=1_001)}, "S", "-"),
    ("BR-44", {}, {"policies": who(max_answer=17 * 1024 * 1024)}, "S", "-"),
    ("BR-45", {}, {"policies": who(max_concurrency=9)}, "R", "-"),
    ("BR-45", {"policies": who(max_concurrency=9)}, {"policies": who(max_concurrency=8)}, "R", "-"),
    ("BR-45", {"policies": who(max_concurrency=9)}, {}, "S", "-"),
    (
        "BR-45",
        {"policies": who(limits=("9/minute",))},
        {"policies": who(limits=("10/minute",))},
        "S",
        "-",
    ),
    (
        "BR-45",
        {"policies": who(limits=("9/minute",))},
        {"policies": who(limits=("9/hour",))},
        "R",
        "-",
    ),
    (
        "BR-45",
        {"policies": who(limits=("9/hour",))},
        {"policies": who(limits=("9/minute",))},
        "S",
        "-",
    ),
    (
        "BR-45",
        {"policies": who(limits=("9/minute",))},
        {"policies": who(limits=("9/minute", "60/hour"))},
        "R",
        "-",
    ),
    (
        "BR-45",
        {"policies": who(limits=("9/2 minutes",))},
        {"policies": who(limits=("9/minute",))},
        "S",
        "-",
    ),
    ("BR-45", {}, {"policies": Policies(29.0, 1_000, "finish")}, "R", "-"),
    ("BR-45", {}, {"policies": Policies(31.0, 1_000, "finish")}, "S", "-"),
    ("BR-45", {}, {"policies": who(limits=("9/minute",))}, "R", "-"),
    ("BR-45", {"policies": who(limits=("9/minute",))}, {}, "S", "-"),
    ("BR-46", {}, {"policies": who(auth="required")}, "B", "-"),
    ("BR-46", {"policies": who(roles=("a", "b"))}, {"policies": who(roles=("a",))}, "B", "-"),
    ("BR-46", {}, {"policies": who(scopes=("write",))}, "B", "-"),
    ("BR-47", {"policies": who(auth="required")}, {}, "R", "-"),
    ("BR-48", {}, {"policies": who(idempotency="required")}, "B", "-"),
    ("BR-48", {"policies": who(idempotency="off")}, {}, "S", "-"),
    ("BR-53", {"needs": Needs(topics=("orders",))}, {}, "-", "B"),
    ("BR-6", said(problems=(("gone", 410),)), {}, "-", "B"),
    ("BR-6", said(problems=(("gone", 410),)), said(problems=(("gone", 404),)), "-", "B"),
    ("BR-6", {}, said(problems=(("gone", 410),)), "-", "S"),
    ("BR-7", {}, said(needs=("x-a",)), "B", "-"),
    ("BR-7", said(reads=("x-a",)), said(needs=("x-a",)), "B", "-"),
    ("BR-7", said(needs=("x-a",)), said(reads=("x-a",)), "S", "-"),
    ("BR-7", said(reads=("x-a",)), {}, "R", "-"),
    ("BR-7", said(may_give=("x-a",)), said(gives=("x-a",)), "-", "S"),
    ("BR-7", said(gives=("x-a",)), said(may_give=("x-a",)), "-", "B"),
    ("BR-7", said(may_give=("x-a",)), {}, "-", "R"),
    ("BR-8", {}, {"answers": ((202, stored(Narrow)),)}, "B", "B"),
    ("BR-8", {"answers": ((202, stored(Narrow)),)}, {}, "B", "B"),
    ("BR-8", {}, said(page_size=9), "B", "B"),
    ("BR-8", said(page_size=9), said(page_size=8), "B", "B"),
    ("BR-9", said(order="by name"), said(order="newest first"), "-", "R"),
    ("BR-9", said(order="by name"), {}, "-", "R"),
    ("BR-10", {}, {"body": stored(Wide)}, "S", "-"),
    ("BR-10", {}, {"answers": ((200, stored(Wide)),)}, "-", "S"),
]


@pytest.mark.proves(
    "BR-1", "BR-2", "BR-3", "BR-4", "BR-5", "BR-6", "BR-7", "BR-8", "BR-9", "BR-44", "BR-45",
    "BR-46", "BR-47", "BR-48", "BR-53",
)  # fmt: skip
@pytest.mark.parametrize(("rule", "before", "after", "request_", "response"), CASES)
def test_each_change_is_judged_by_its_rule(
    rule: str, before: dict[str, Any], after: dict[str, Any], request_: str, response: str
) -> None:
    found = diff(changed(**before), changed(**after)).changes

    assert {change.rule for change in found} == {rule}
    said = {change.direction: change.verdict[0].upper() for change in found}
    assert (said.get("request", "-"), said.get("response", "-")) == (request_, response)


def test_every_rule_is_met_by_one_of_the_cases_above() -> None:
    """None is there that nothing says."""
    met = {case[0] for case in CASES} | {gone(PLAIN).changes[0].rule}

    assert {rule.id for rule in MANIFEST_RULES.values()} <= met


@pytest.mark.proves("BR-53")
def test_what_a_handler_publishes_is_not_said_to_have_gone_where_it_cannot_be_seen() -> None:
    old = changed(needs=Needs(topics=("orders",)))

    assert not diff(old, changed(needs=Needs(dynamic=("a.py:3",)))).changes
    assert not diff(changed(), old).changes


@pytest.mark.proves("BR-53", "DF-2")
def test_manifests_of_real_handlers_are_compared() -> None:
    app = App("a")

    @app.handler("POST /a", version="2026-01-01")
    async def one(req: Request[Narrow], gctx: GlobalContext) -> Wide:
        await gctx.publish("orders", req.body.n)
        return Wide(req.body.n)

    @app.handler("POST /a", version="2026-02-01", timeout=3.0)
    async def two(req: Request[Wide]) -> Narrow:
        return Narrow(req.body.n)

    found = diff(*app.manifests)

    assert found.rules("breaking") == ("BR-53",)
    assert found.rules("risky") == ("BR-12", "BR-45")
    assert found.summary == "1 breaking, 2 risky, 1 safe"
