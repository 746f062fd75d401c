"""What every generated client does: errors, attempts, pinned versions, warnings (CG-6 to CG-9)."""

import asyncio
import datetime as dt
import inspect
import uuid
import warnings
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.codegen.client import errors
from runtime.codegen.client.calls import Call, delay_s, encoded, segment, wish_of
from runtime.codegen.client.sending import AsyncSender, Sender, Settings
from tests.generated import odd_client
from tests.generated.odd_client import Client, calls, types

BASE = "https://shop.example"
ODD = types.Odd(class_="ABC-12", odd_name=1)


class Server:
    """Answers with what it was told, one after the other; keeps what it was sent."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.seen: list[httpx.Request] = []
        self.slept: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self, **options: Any) -> Client:
        """Give a client that asks us."""
        return Client(BASE, transport=httpx.MockTransport(self), **options)

    def send(self, method: str, retries: int = 2) -> Any:
        """Send a request of our own; pauses are noted, not made."""
        call = Call("h", method, "/h", bytes)
        settings = Settings(None, retries, None, chance=lambda: 1.0, now=lambda: 0.0)
        with httpx.Client(base_url=BASE, transport=httpx.MockTransport(self)) as client:
            return Sender(client, settings, self.slept.append).send(call, None, None).value

    def send_async(self, method: str) -> Any:
        """Send it with the async client."""
        call = Call("h", method, "/h", bytes)
        settings = Settings(None, 2, None, chance=lambda: 1.0, now=lambda: 0.0)

        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)

        async def scenario() -> Any:
            transport = httpx.MockTransport(self)
            async with httpx.AsyncClient(base_url=BASE, transport=transport) as client:
                return (await AsyncSender(client, settings, sleep).send(call, None, None)).value

        return asyncio.run(scenario())


def problem(status: int, **members: Any) -> httpx.Response:
    return httpx.Response(status, json={"code": "no-luck", "type": "urn:x", **members},
                          headers={"request-id": "req-7"})  # fmt: skip


@pytest.mark.proves("CG-6", "CG-9")
def test_a_call_is_sent_as_its_handler_declares_it() -> None:
    server = Server(
        httpx.Response(200, json={"class": "ABC-12", "odd-name": 2, "place": [1, 2, "1.50", ["a"]]})
    )

    with server.client(token=lambda: "t0", headers={"x-own": "yes"}) as client:
        answer = client.import_("a/b c", 7, ODD, headers={"x-call": "1"})

    request = server.seen[0]
    assert (answer.odd_name, answer.place) == (2, types.Point(x=1.0, y=2.0, tags=["a"]))
    assert answer.place is not None
    assert (answer.place.price, answer.place.tags) == (Decimal("1.50"), ["a"])
    assert request.url.raw_path == b"/odd/a%2Fb%20c/7"
    assert request.headers["timescape-version"] == "2026-01-01"
    assert request.headers["authorization"] == "Bearer t0"
    assert (request.headers["x-own"], request.headers["x-call"]) == ("yes", "1")
    assert msgspec.json.decode(request.content)["odd-name"] == 1


@pytest.mark.proves("CG-6")
def test_a_query_is_written_as_the_server_reads_it() -> None:
    server = Server(httpx.Response(200, json={}), httpx.Response(200, json={}))

    with server.client() as client:
        client.get_get_things("a/b", limit=5, colours=["red", "blue"], from_="x&y")
        client.get_get_things("c")

    assert server.seen[0].url.raw_path == (
        b"/%C3%B6d%2Bd/a/b?limit=5&colours=red&colours=blue&from=x%26y"
    )
    assert server.seen[1].url.query == b"limit=10"


@pytest.mark.proves("CG-6")
def test_what_the_schema_refuses_is_not_sent() -> None:
    server = Server()

    with server.client() as client:
        with pytest.raises(odd_client.ValidationFailed, match="matching regex"):
            client.import_("a", 1, types.Odd(class_="no", odd_name=1))
        with pytest.raises(odd_client.ValidationFailed, match="cannot stand in a path"):
            client.get_maybe_name("..")
        with pytest.raises(odd_client.ValidationFailed, match="limit"):
            client.get_get_things("a", limit=0)
        with pytest.raises(TypeError):
            client.get_maybe_name(nam="x")  # type: ignore[call-arg]

    assert server.seen == []


@pytest.mark.proves("CG-6")
def test_raw_gives_status_and_headers_too() -> None:
    server = Server(httpx.Response(204), httpx.Response(200, content=b"\0\1"), httpx.Response(204))

    with server.client() as client:
        nothing = client.raw.get_maybe_name("x")
        kept = client.raw.get_things(b"\0\1")
        client.delete_odd_id(uuid.UUID(int=1))

    assert (nothing.status, nothing.value) == (204, None)
    assert (kept.status, kept.value) == (200, b"\0\1")
    assert server.seen[1].headers["content-type"] == "application/octet-stream"


@pytest.mark.proves("CG-7")
@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "BadRequest"), (401, "Unauthorized"), (403, "Forbidden"), (404, "NotFound"),
     (409, "Conflict"), (410, "Gone"), (418, "ApiError"), (429, "RateLimited"),
     (500, "ServerError"), (503, "Unavailable"), (504, "Timeout"), (408, "Timeout")],
)  # fmt: skip
def test_each_status_has_a_class(status: int, kind: str) -> None:
    issue = {"path": "/a", "code": "kind"}
    server = Server(problem(status, detail="bad", remedy="stop", issues=[issue]))

    with pytest.raises(errors.ApiError) as caught:
        server.send("POST", retries=0)

    error = caught.value
    assert type(error).__name__ == kind
    assert (error.status, error.code, error.type) == (status, "no-luck", "urn:x")
    assert (error.detail, error.remedy, error.issues) == ("bad", "stop", [issue])
    assert (error.request_id, error.attempts) == ("req-7", 1)


@pytest.mark.proves("CG-7")
@given(st.binary(max_size=40) | st.just(b'{"code": 7, "issues": {}}'), st.integers(300, 599))
def test_any_body_of_a_refusal_gives_the_class_of_its_status(body: bytes, status: int) -> None:
    error = errors.error_of(status, {}, body)

    assert error.status == status
    assert isinstance(error.code, str)
    assert isinstance(error.issues, list)


@pytest.mark.proves("CG-7")
def test_an_answer_of_another_type_is_a_broken_contract() -> None:
    server = Server(httpx.Response(200, json={"class": 7}), httpx.Response(200, content=b"{"))

    with server.client() as client:
        for _ in range(2):
            with pytest.raises(odd_client.ContractViolation) as caught:
                client.import_("a", 1, ODD)
            assert caught.value.status == 200


SENDING: list[Callable[[Server, str], Any]] = [Server.send, Server.send_async]


@pytest.mark.proves("CG-8")
@pytest.mark.parametrize("send", SENDING, ids=["sync", "async"])
def test_what_may_pass_is_tried_again_where_twice_is_as_once(send: Callable[..., Any]) -> None:
    broken = httpx.ConnectError("down")
    server = Server(broken, httpx.Response(503, headers={"retry-after": "7"}),
                    httpx.Response(200, content=b"done"))  # fmt: skip

    assert send(server, "PUT") == b"done"
    assert server.slept == [0.5, 7.0]

    for answer in (httpx.ConnectError("down"), httpx.Response(503), httpx.Response(404)):
        again = Server(answer, httpx.Response(200))
        method = (
            "GET" if isinstance(answer, httpx.Response) and answer.status_code == 404 else "POST"
        )
        with pytest.raises(errors.SdkError) as caught:
            send(again, method)
        assert (len(again.seen), again.slept, caught.value.attempts) == (1, [], 1)


@pytest.mark.proves("CG-8")
def test_a_handler_that_takes_keys_is_tried_again_under_one_key() -> None:
    server = Server(httpx.ConnectError("down"), httpx.Response(200, content=b"1"),
                    httpx.Response(200, content=b"1"))  # fmt: skip
    settings = Settings(None, 2, None)
    call = Call("h", "POST", "/h", bytes, takes_key=True)

    with httpx.Client(base_url=BASE, transport=httpx.MockTransport(server)) as client:
        sender = Sender(client, settings, server.slept.append)
        sender.send(call, None, None)
        sender.send(call, None, {"Idempotency-Key": "mine"})

    keys = [request.headers["idempotency-key"] for request in server.seen]
    assert keys[0] == keys[1] != keys[2] == "mine"


@pytest.mark.proves("CG-8")
def test_the_last_error_says_how_often_it_was_tried() -> None:
    server = Server(*(httpx.ReadTimeout("slow") for _ in range(3)))

    with pytest.raises(errors.ConnectionFailed) as caught:
        server.send("GET")

    assert caught.value.attempts == 3
    assert isinstance(caught.value.__cause__, httpx.ReadTimeout)


@pytest.mark.proves("CG-8")
@given(st.integers(1, 2_000), st.floats(0, 1), st.none() | st.floats(0, 1e6))
def test_a_pause_is_short_unless_the_server_asks(n: int, chance: float, wish: float | None) -> None:
    pause = delay_s(min(n, 1_000), chance, wish)
    own = chance * min(0.5 * 2 ** (min(n, 40) - 1), 8.0)

    assert pause == (wish if wish is not None and own < wish <= 60 else own)


@pytest.mark.proves("CG-8")
@pytest.mark.parametrize(
    ("text", "wish"),
    [("3", 3.0), ("Thu, 01 Jan 1970 00:00:09 GMT", 9.0), ("soon", None), ("", None), ("-1", None)],
)
def test_retry_after_is_seconds_or_a_date(text: str, wish: float | None) -> None:
    assert wish_of({"retry-after": text}, 0.0) == wish


@pytest.mark.proves("CG-9")
def test_what_a_newer_server_has_more_of_is_plain_data_and_told() -> None:
    """Enumerations, and unions by their tags; whatever else is wrong is refused as ever."""
    newer = {
        "class": "ABC-12", "odd-name": 2, "Colour": "green", "at": "2026-10-01T12:00:00Z",
        "pets": {"a": {"type": "bird", "wings": 2}, "b": {"type": "cat", "lives": 3}},
    }  # fmt: skip
    bad = [{**newer, "odd-name": "x"}, {**newer, "class": "no"}, {**newer, "Colour": ["green"]},
           {**newer, "pets": {"b": {"type": "cat", "lives": 10}}}]  # fmt: skip
    server = Server(*(httpx.Response(200, json=each) for each in (newer, *bad, {"class": "x"})))

    with server.client() as client:
        answer = client.raw.import_("a", 7, ODD)
        for _ in (*bad, None):
            with pytest.raises(odd_client.ContractViolation):
                client.import_("a", 7, ODD)

    value = answer.value
    assert sorted(answer.unknown) == ["/Colour", "/pets/a"]
    assert (value.Colour, value.odd_name) == ("green", 2)
    assert value.at == dt.datetime(2026, 10, 1, 12, tzinfo=dt.UTC)
    assert value.pets == {"a": {"type": "bird", "wings": 2}, "b": types.Cat(lives=3)}


@pytest.mark.proves("CG-9")
def test_the_end_of_a_version_is_told_once() -> None:
    calls._warned.discard("delete-odd-id")
    ending: Mapping[str, str] = {"deprecation": "@1790000000", "sunset": "Thu, 01 Oct 2026"}
    server = Server(httpx.Response(204, headers=ending), httpx.Response(204, headers=ending))

    with server.client() as client, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for n in range(2):
            client.delete_odd_id(uuid.UUID(int=n))

    assert [each.category for each in told] == [DeprecationWarning]
    assert "delete-odd-id that this client calls is to end: deprecation" in str(told[0].message)


@pytest.mark.proves("CG-6")
def test_both_clients_have_the_same_methods() -> None:
    def methods(cls: type) -> dict[str, list[str]]:
        found = inspect.getmembers(cls, inspect.isfunction)
        return {
            name: list(inspect.signature(each).parameters)
            for name, each in found
            if not name.startswith("_") and name not in {"close", "aclose"}
        }

    assert methods(odd_client.Client) == methods(odd_client.AsyncClient)
    assert sorted(methods(odd_client.Client)) == [
        "delete_odd_id", "get_get_things", "get_maybe_name", "get_things", "import_", "post_any",
    ]  # fmt: skip


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=8))
def test_a_segment_keeps_to_its_place(text: str) -> None:
    if text in {"", ".", ".."}:
        with pytest.raises(errors.ValidationFailed):
            segment(text)
    else:
        assert "/" not in segment(text)
        assert "?" not in segment(text)
    assert encoded(text, msgspec.json.Decoder(str)) == msgspec.json.encode(text)
