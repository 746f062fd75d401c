"""P38, CG-16: a generated client makes the right request, and gives what the handler gave."""

import asyncio
import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime import App, Request
from runtime.codegen.operations import service
from runtime.testing import Harness
from tests.generated import odd_client
from tests.generated.drawing import sdk
from tests.generated.loading import imported
from tests.runtime.schemas import Schema, schemas

EDITION = "2026-01-01"
BASE = "http://odd.example"
SEGMENTS = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=6).filter(
    lambda text: text not in {".", ".."}
)
# What means something in a path or a query is drawn as often as all the rest.
ODD_TEXT = st.one_of(st.sampled_from(["a/b", "/", "%2F", "a?b#c", "a&b=c", "+ ;"]), SEGMENTS)
PATHS: Mapping[str, st.SearchStrategy[Any]] = {
    "str": ODD_TEXT,
    "int": st.integers(-(2**63), 2**63 - 1),
    "uuid": st.uuids(),
    "date": st.dates(),
    "path": st.lists(SEGMENTS, min_size=1, max_size=2).map("/".join),
}


class Asked(msgspec.Struct):
    limit: int
    tags: list[str] = []
    since: dt.date | None = None
    odd: bool | msgspec.UnsetType = msgspec.field(name="odd name", default=msgspec.UNSET)


asked = st.builds(
    lambda limit, tags, since: {"limit": limit, "tags": tags, "since": since},
    st.integers(-(2**63), 2**63 - 1),
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), max_size=2),
    st.none() | st.dates(),
)


class Seen:
    """An app, and the requests that came to it."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.scopes: list[dict[str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        await self._app(scope, receive, send)


def echoing(hint: Any, kind: str, method: str, given_: list[Any]) -> App:
    """Make an app that gives back the body it gets; it keeps what it was given."""
    app = App("echo")

    async def echo(req: Any) -> Any:
        given_.append((dict(req.path), dict(req.query), req.body))
        return req.body

    echo.__annotations__ = {"req": Request[hint], "return": hint}
    route = f"{method} /ö+a/{{class:{kind}}}"
    app.handler(route, version=EDITION, query=Asked, name="class")(echo)
    return app


@pytest.mark.proves("P38", "CG-16", "CG-6", "CG-9")
@given(
    schema=schemas(1), method=st.sampled_from(["POST", "PUT", "PATCH"]),
    kind=st.sampled_from(sorted(PATHS)), query=asked, data=st.data(),
)  # fmt: skip
def test_p38_the_request_is_right_and_the_result_is_the_handlers(
    schema: Schema, method: str, kind: str, query: dict[str, Any], data: st.DataObject
) -> None:
    """Seen to fail with a segment of a path in which a slash was left as it is."""
    hint: Any = list[schema.hint]  # type: ignore[name-defined]
    raw = msgspec.json.encode([data.draw(schema.values)])
    part = data.draw(PATHS[kind])
    given_: list[Any] = []
    app = echoing(hint, kind, method, given_)
    seen = Seen(app)

    async def call(client: Any, body: Any) -> Any:
        transport = httpx.ASGITransport(seen)
        async with (
            Harness(app),
            client.AsyncClient(BASE, transport=transport, token=lambda: "t0") as asking,
        ):
            return await asking.class_(part, body, **query)

    with imported(sdk(app.manifests).files) as client:
        (operation,) = service(app.manifests, python=True).operations
        event(f"{kind}: {operation.gets}")
        decoder = client.operations._CLASS__BODY
        result = asyncio.run(call(client, decoder.decode(raw)))
        again = msgspec.json.encode(result)

    ((path, got, body),) = given_
    assert (
        msgspec.json.Decoder(hint).decode(again) == body == msgspec.json.Decoder(hint).decode(raw)
    )
    assert path["class"] == part
    assert {name: got[name] for name in query} == query
    (scope,) = seen.scopes
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    assert scope["method"] == method
    safe = "/" if kind == "path" else ""
    assert scope["raw_path"].decode() == f"/%C3%B6%2Ba/{quote(str(part), safe=safe)}"
    assert headers["authorization"] == "Bearer t0"
    assert headers["timescape-version"] == EDITION
    assert ("idempotency-key" in headers) == (method != "PUT")


@pytest.mark.proves("P38", "CG-6")
def test_p38_an_example() -> None:
    """What each part of a request is made from."""
    given_: list[Any] = []
    app = echoing(dict[str, int], "uuid", "PUT", given_)
    one = uuid.UUID(int=1)

    async def call(client: Any) -> Any:
        transport = httpx.ASGITransport(app)
        async with Harness(app), client.AsyncClient(BASE, transport=transport) as asking:
            return await asking.raw.class_(one, {"a": 1}, limit=3, since=dt.date(2026, 1, 2))

    with imported(sdk(app.manifests).files) as client:
        answer = asyncio.run(call(client))

    assert (answer.status, answer.value) == (200, {"a": 1})
    ((path, query, body),) = given_
    assert (path, body) == ({"class": one}, {"a": 1})
    assert query == {"limit": 3, "tags": [], "since": dt.date(2026, 1, 2), "odd": msgspec.UNSET}


# --- what is answered otherwise ---

KINDS = {
    400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 408: "Timeout",
    409: "Conflict", 410: "Gone", 418: "ApiError", 429: "RateLimited", 500: "ServerError",
    502: "ServerError", 503: "Unavailable", 504: "Timeout",
}  # fmt: skip
AGAIN = {408, 429, 502, 503, 504}


@pytest.mark.proves("P38", "CG-7", "CG-8")
@given(
    statuses=st.lists(st.sampled_from([*KINDS, 200]), min_size=1, max_size=4),
    takes_key=st.booleans(),
    retries=st.integers(0, 3),
)
def test_p38_an_error_has_the_class_of_its_status_and_retries_have_one_key(
    statuses: list[int], *, takes_key: bool, retries: int
) -> None:
    """Against what is said to be tried again, and how often."""
    calls: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        status = statuses[min(len(calls), len(statuses)) - 1]
        # At once: the pause is not what is asked for here.
        return httpx.Response(status, json={"code": "no-luck"}, headers={"retry-after": "0"})

    transport = httpx.MockTransport(answer)
    with odd_client.Client(BASE, transport=transport, max_retries=retries) as client:
        client._sender.sleep = lambda _: None
        try:
            client.post_any({}) if takes_key else client.get_maybe_name("x")
            raised = None
        except odd_client.SdkError as error:
            raised = error
    expected = _attempts(statuses, retries)
    assert len(calls) == len(expected)
    keys = {request.headers.get("idempotency-key") for request in calls}
    assert len(keys) == 1
    assert (keys != {None}) == takes_key
    if expected[-1] != 200:
        assert raised is not None
        assert type(raised).__name__ == KINDS[expected[-1]]
        assert getattr(raised, "attempts", None) == len(expected)
    else:
        assert raised is None or type(raised).__name__ == "ContractViolation"


def _attempts(statuses: list[int], retries: int) -> list[int]:
    found: list[int] = []
    for n in range(retries + 1):
        found.append(statuses[min(n, len(statuses) - 1)])
        if found[-1] not in AGAIN:
            break
    return found
