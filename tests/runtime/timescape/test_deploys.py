"""Who moves to a new version, and what is refused: decided as an app starts."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import event as seen
from hypothesis import given
from hypothesis import strategies as st

from eventstore import NewEvent
from eventstore.memory import MemoryStore
from runtime import App, Parts, Request
from runtime.app.deciding import Deploying, DeployPolicy
from runtime.app.startup import control_stream
from runtime.control import read_table
from runtime.errors import (
    BreakingDeployError,
    PolicySyntaxError,
    SignatureError,
    TransformerAdjacencyError,
    TransformerError,
    TransformerImmutableError,
    VersionFormatError,
)
from runtime.manifests.kept import Manifests
from runtime.timescape import HandlerRoutes, RouteTable, fold_table
from tests.faces.asgi import memory_store
from tests.strategies import as_events

EDITIONS = ("2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01")
HANDLER = "post-orders"


class Plain(msgspec.Struct):
    sku: str


class Optional(msgspec.Struct):
    sku: str
    note: str = ""


class Required(msgspec.Struct):
    sku: str
    note: str


class Renamed(msgspec.Struct):
    article: str


BODIES: dict[str, Any] = {
    "plain": Plain, "optional": Optional, "required": Required, "renamed": Renamed,
}  # fmt: skip
SAFE = {
    ("plain", "optional"),
    ("required", "optional"),
    ("optional", "plain"),
    ("required", "plain"),
}
"""From and to: what callers of the one send, the other takes."""


def takes(body: Any, number: int = 0) -> Callable[..., Any]:
    async def handle(req: Request[body]) -> int:
        return number

    return handle


def keep(parts: Parts) -> Parts:
    return parts


def other(parts: Parts) -> Parts:
    parts.body = {"article": parts.body["sku"]}
    return parts


Said = tuple[str | None, str]


def app_of(said: Sequence[Said], joined: Sequence[Any] = (), **policy: Any) -> App:
    """Make an app of editions and their bodies, and of transformers by what they join."""
    app = App("shop", **policy)
    for edition, body in said:
        app.handler("POST /orders", version=edition)(takes(BODIES[body]))
    for older, newer, *more in joined:
        how = {"request_up": keep, **(more[0] if more else {})}
        app.transformer("POST /orders", older, newer, **how)
    return app


def deploy(app: App, store: MemoryStore | None = None) -> HandlerRoutes:
    store = memory_store() if store is None else store
    app.start(store)
    asyncio.run(app.stop())
    return read_table(store, control_stream("shop")).handlers[HANDLER]


def current(routes: HandlerRoutes) -> str | None:
    found = routes.current(1 << 60)
    return None if found is None else found.edition


DECLARED = {
    (edition, body): app_of([(edition, body)]).handlers[0]
    for edition in EDITIONS
    for body in BODIES
}
PAIRS = app_of([], list(pairwise(EDITIONS))).parts.transformers


@pytest.mark.proves("DP-1", "DP-2", "P15", "P16")
@given(
    bodies=st.lists(st.sampled_from(sorted(BODIES)), min_size=1, max_size=4),
    joined=st.sets(st.integers(0, 2)),
    activate=st.booleans(),
)
def test_who_names_nothing_moves_as_far_as_nothing_breaks(
    bodies: list[str],
    joined: set[int],
    activate: bool,  # noqa: FBT001 - drawn
) -> None:
    pairs = [each for n, each in enumerate(PAIRS) if n in joined and n + 1 < len(bodies)]
    declared = [DECLARED[said] for said in zip(EDITIONS, bodies, strict=False)]
    policy = DeployPolicy(on_breaking="activate" if activate else "hold")

    deploying = Deploying(RouteTable(), Manifests(), declared, pairs, policy, 1)
    deploying.decide()

    new = [NewEvent(fact.type, fact, key, 1) for key, fact in deploying.facts]
    routes = fold_table(as_events(new)).handlers[HANDLER]
    at = 0
    for n in range(1, len(bodies)):
        way = range(at, n)
        if activate or all(_fits(bodies[k], bodies[k + 1]) or k in joined for k in way):
            at = n
    seen("all moved" if at == len(bodies) - 1 else "some wait")
    assert current(routes) == EDITIONS[at]
    moved = [version.activation for version in routes.line]
    assert set(moved) <= {"now", "hold"}
    assert moved[0] == "now"


def _fits(old: str, new: str) -> bool:
    return old == new or (old, new) in SAFE


@pytest.mark.proves("DP-2")
def test_code_edited_in_place_takes_over_and_says_what_it_breaks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = memory_store()
    deploy(app_of([(None, "plain")]), store)

    with caplog.at_level(logging.WARNING, "timescape"):
        routes = deploy(app_of([(None, "required")]), store)

    now = routes.current(1 << 60)
    assert now is not None
    assert str(now.id).endswith("-002")
    assert "rules=BR-11" in caplog.text
    (compared,) = routes.compared.values()
    assert (compared.request, compared.response) == (("BR-11",), ())


@pytest.mark.proves("DP-2")
def test_a_version_that_waits_goes_on_waiting_when_its_code_is_corrected() -> None:
    """What is current breaks no less for it."""
    store = memory_store()
    first = (EDITIONS[0], "plain")
    deploy(app_of([first, (EDITIONS[1], "required")]), store)

    routes = deploy(app_of([first, (EDITIONS[1], "renamed")]), store)

    assert current(routes) == EDITIONS[0]
    assert [version.activation for version in routes.line] == ["now", "hold", "hold"]


@pytest.mark.proves("DP-3", "TR-7")
def test_a_patch_is_compared_with_both_its_neighbours() -> None:
    store, later = memory_store(), (EDITIONS[1], "required")
    deploy(app_of([(EDITIONS[0], "plain"), later]), store)

    routes = deploy(app_of([(EDITIONS[0], "optional"), later]), store)

    one, patch, two = (str(version.id) for version in routes.line)
    assert routes.versions[patch].activation == "edition"
    assert routes.compared[one, patch].request == ()
    assert routes.compared[patch, two].request == ("BR-19",)


@pytest.mark.proves("DP-2")
def test_a_strict_app_does_not_start_on_what_breaks_until_that_is_acknowledged() -> None:
    store = memory_store()
    deploy(app_of([(EDITIONS[0], "plain")], on_breaking="refuse"), store)
    end = store.end()

    with pytest.raises(BreakingDeployError) as refused:
        deploy(
            app_of([(EDITIONS[0], "plain"), (EDITIONS[1], "required")], on_breaking="refuse"), store
        )
    assert store.end() == end
    assert "BR-11" in refused.value.problem
    assert "acknowledge=['BR-11']" in refused.value.remedy

    covered = app_of(
        [(EDITIONS[0], "plain"), (EDITIONS[1], "required")], [EDITIONS[:2]], on_breaking="refuse"
    )
    assert current(deploy(covered)) == EDITIONS[1]
    meant = app_of([(EDITIONS[0], "plain")], on_breaking="refuse")
    meant.handler("POST /orders", version=EDITIONS[1], acknowledge=["BR-11"])(takes(Required))
    assert current(deploy(meant, store)) == EDITIONS[0]


@pytest.mark.proves("BR-45")
def test_a_strict_app_refuses_what_is_risky_too() -> None:
    store = memory_store()
    app = app_of([(EDITIONS[0], "plain")])
    deploy(app, store)

    def shorter(**more: Any) -> App:
        app = App("shop", risky="refuse")
        app.handler("POST /orders", version=EDITIONS[0], timeout=1.0, **more)(takes(Plain))
        return app

    with pytest.raises(BreakingDeployError, match="BR-45"):
        deploy(shorter(), store)
    assert len(deploy(shorter(acknowledge=["BR-45"]), store).line) == 2


# --- transformers ---

THREE: list[Said] = [(edition, "plain") for edition in EDITIONS[:3]]


@pytest.mark.proves("TX-1")
@pytest.mark.parametrize(
    ("older", "newer", "error", "told"),
    [
        (EDITIONS[0], EDITIONS[2], TransformerAdjacencyError, EDITIONS[1]),
        (EDITIONS[1], EDITIONS[0], TransformerError, "is not older"),
        (EDITIONS[0], EDITIONS[3], TransformerError, "There are: 2026-01-01"),
        (None, EDITIONS[0], TransformerError, "without edition"),
        ("tsv:1-post-orders-001", EDITIONS[0], TransformerError, "alike"),
        ("tsv:1-post-orders-001", "tsv:1-post-orders-002", TransformerError, "There are: tsv"),
    ],
)
def test_transformers_join_neighbours(
    older: str | None, newer: str, error: type[Exception], told: str
) -> None:
    store = memory_store()
    end = store.end()

    with pytest.raises(error) as refused:
        deploy(app_of(THREE, [(older, newer)]), store)

    assert told in str(refused.value)
    assert store.end() == end


@pytest.mark.proves("TX-1")
def test_a_pair_may_be_named_by_ids() -> None:
    store = memory_store()
    one, two, _ = (str(version.id) for version in deploy(app_of(THREE), store).line)

    assert list(deploy(app_of(THREE, [(one, two)]), store).pairs) == [(one, two)]


@pytest.mark.proves("TX-2")
def test_a_transformer_stays_as_it_is_unless_it_is_replaced_by_name() -> None:
    store, pair = memory_store(), EDITIONS[:2]
    first = deploy(app_of(THREE, [pair]), store).pairs[pair]
    end = store.end()
    assert deploy(app_of(THREE, [pair]), store).pairs[pair] == first
    assert store.end() == end

    with pytest.raises(TransformerImmutableError):
        deploy(app_of(THREE, [(*pair, {"request_up": other})]), store)
    with pytest.raises(TransformerImmutableError):
        deploy(app_of(THREE, [(*pair, {"response_down": keep})]), store)
    assert store.end() == end
    more = {"request_up": other, "replace": True}
    second = deploy(app_of(THREE, [(*pair, more)]), store).pairs[pair]

    assert second.fingerprint != first.fingerprint
    (told,) = [e for e in store.read(control_stream("shop")) if e.position == store.end()]
    assert told.data.former == first.fingerprint


def asks_for_more(parts: Parts, lctx: object) -> Parts:
    return parts


@pytest.mark.proves("TX-1", "TX-3")
@pytest.mark.parametrize(
    ("pair", "more", "error"),
    [
        (EDITIONS[:2], {"request_up": None}, TransformerError),
        (EDITIONS[:2], {"request_up": asks_for_more}, SignatureError),
        (EDITIONS[:2], {"timeout": 0}, PolicySyntaxError),
        (("v1", "v2"), {}, VersionFormatError),
    ],
)
def test_what_cannot_be_a_transformer_is_refused_at_once(
    pair: Any, more: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        app_of(THREE, [(*pair, more)])


@pytest.mark.proves("TX-1")
def test_a_transformer_of_no_handler_is_refused_at_the_start() -> None:
    app = app_of(THREE)
    app.transformer("nothing", *EDITIONS[:2], request_up=keep)

    with pytest.raises(TransformerError, match="post-orders"):
        deploy(app)


@pytest.mark.parametrize(
    "policy", [{"on_breaking": "panic"}, {"risky": "hold"}]
)  # fmt: skip
def test_an_unknown_policy_is_refused(policy: dict[str, str]) -> None:
    """An app that misspells it would not be as strict as it thinks."""
    with pytest.raises(PolicySyntaxError):
        App("shop", **policy)  # type: ignore[arg-type]


@pytest.mark.parametrize("more", [{"run": "old"}, {"acknowledge": ["12"]}])
def test_an_unknown_choice_of_a_version_is_refused(more: dict[str, Any]) -> None:
    """So with what a version says of itself."""
    with pytest.raises(PolicySyntaxError):
        App("shop").handler("POST /orders", **more)(takes(Plain))
