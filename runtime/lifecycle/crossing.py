"""Serve callers of an older version with later code: their data goes up, the answer down.

Callers are held to their own version (TX-5). Each hop works on a copy of its own, and what it
gave is bytes again before anybody sees it: data that is half transformed is handed to nobody.
A request that cannot be brought up runs the caller's own version, on what was received; an
answer that cannot be brought down fails the request (TX-7).
"""

import hashlib
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any, Final

import msgspec

from runtime.effects.failures import failure_of
from runtime.errors import (
    HookTimedOutError,
    RequestStoppedError,
    RequestTimedOutError,
    TransformFailedError,
)
from runtime.lifecycle.answers import success
from runtime.lifecycle.binding import Bound
from runtime.lifecycle.calling import PASSES_THROUGH
from runtime.lifecycle.handlers import MAX_ANSWER, Crossing, Hop
from runtime.lifecycle.requests import by_name
from runtime.lifecycle.run import Run
from runtime.lifecycle.sections import drive
from runtime.messages import Answer, Parts, Received, Request, Response, ValidationFailed
from runtime.transform_facts import TransformApplied, VersionPlaced

MAX_GROWTH: Final = 4
"""How many times as large as a body may be a hop may make it (TX-6)."""
_NOT_OURS = (RequestTimedOutError, RequestStoppedError)
"""Ends of the request, not of a hop."""
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class _Carried(msgspec.Struct, frozen=True):
    """A request or an answer between two hops: bytes, which nobody can change."""

    body: bytes
    is_json: bool = True
    query: tuple[tuple[str, str], ...] = ()
    status: int | None = None

    def parts(self) -> Parts:
        """Give it as plain data, a new copy each time."""
        body = self.body if not self.is_json else _decode(self.body) if self.body else None
        return Parts(dict(by_name(self.query)), body, self.status)

    @property
    def digest(self) -> str:
        """Of all of it."""
        told = _encode((self.query, self.status)) + self.body
        return f"sha256:{hashlib.sha256(told).hexdigest()}"


# --- up ---


async def bring_up(run: Run) -> Request[Any]:
    """Return the request as the running version takes it; else the caller's own version runs.

    Raises:
        ValidationFailed: it is no request of the caller's version.
        TransformFailedError: it cannot be brought up, and the caller's version cannot serve.
    """
    version = run.version
    crossing = _crossing(run)
    own = crossing.spoken.parse(run.received)
    try:
        return version.parse(await _received(run, crossing))
    except _NOT_OURS:
        raise
    except (TransformFailedError, ValidationFailed) as error:
        if not crossing.may_fall_back:
            raise TransformFailedError(
                problem=f"A request of {crossing.spoken.version} is none of {version.version}.",
                remedy="Correct the transformers between them.",
            ) from error
    run.version = crossing.spoken
    fact = VersionPlaced("transform-failed", crossing.spoken.edition)
    run.record.add(fact, crossing.spoken.version)
    return own


async def _received(run: Run, crossing: Crossing) -> Received:
    received = run.received
    # Bytes that the record does not have raise here, when a request is run again.
    raw = bytes(received.body)
    is_json = not raw or _is_json(raw)
    carried = _Carried(raw, is_json, received.query)
    for hop in crossing.hops:
        carried = await _hop(run, hop, "request", carried)
    return msgspec.structs.replace(received, body=carried.body, query=carried.query)


def _is_json(raw: bytes) -> bool:
    try:
        _decode(raw)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return False
    return True


# --- down ---


async def bring_down(run: Run, answer: Answer) -> Answer:
    """Return *answer* of the running version as one of the caller's.

    Raises:
        TransformFailedError: it cannot be brought down.
        ValidationFailed: what it became is no answer of the caller's version.
    """
    version = run.version
    crossing = _crossing(run)
    carried = _Carried(answer.body, version.media == "application/json", status=answer.status)
    for hop in reversed(crossing.hops):
        carried = await _hop(run, hop, "response", carried)
    return _answer(crossing, carried, answer)


def _answer(crossing: Crossing, carried: _Carried, answer: Answer) -> Answer:
    response = Response()
    response.status = carried.status or answer.status
    for name, value in answer.headers:
        if name != "content-type":
            response.header(name, value)
    return success(crossing.spoken, carried.parts().body, response)


# --- one hop ---


async def _hop(run: Run, hop: Hop, side: str, carried: _Carried) -> _Carried:
    """Make one version's data into its neighbour's, and write it down.

    Raises:
        TransformFailedError: the function failed, was late, or gave what cannot be.
    """
    up = side == "request"
    function = hop.joint.request_up if up else hop.joint.response_down
    if function is None:
        return carried
    source, target = (hop.older, hop.newer) if up else (hop.newer, hop.older)
    sites, crossing = run.surroundings.sites, _crossing(run)
    site = sites.of_code(function.code)
    try:
        work = _work(run, hop, function, carried.parts())
        given = await drive(run, work, hop.joint.timeout_s, True)  # noqa: FBT003 - see `drive`
        most = MAX_GROWTH * (crossing.max_body if up else MAX_ANSWER)
        became = _checked(given, carried, function, most)
    except (*PASSES_THROUGH, *_NOT_OURS):
        raise
    except BaseException as error:
        failure = failure_of(error, sites)
        run.record.add(TransformApplied(source, side, error=failure), target, site)
        raise TransformFailedError(
            problem=f"The {side} came no further than {source}.",
            remedy=f"Correct {function.name}.",
        ) from error
    hidden = crossing.hides_request if up else crossing.hides_answer
    digest = "" if hidden else became.digest
    run.record.add(TransformApplied(source, side, digest), target, site)
    return became


def _crossing(run: Run) -> Crossing:
    crossing = run.version.crossing
    assert crossing is not None  # noqa: S101 - who calls has seen it
    return crossing


def _work(run: Run, hop: Hop, function: Bound, parts: Parts) -> Coroutine[Any, Any, Any]:
    tripwire = run.surroundings.tripwire
    call: Callable[[], Any] = partial(function, {"parts": parts})
    if function.is_async:
        return tripwire.guarded(_awaited(call()))
    call = tripwire.watched(call)
    if hop.joint.blocking:
        return run.surroundings.workers.run(call)
    return _judged(run, call, hop.joint.timeout_s)


async def _judged(run: Run, call: Callable[[], Any], limit_s: float) -> Any:
    """Call what cannot be cut short, and say afterwards that it was late (TX-6)."""
    began = run.loop.time()
    given = call()
    if run.loop.time() - began > limit_s:
        raise HookTimedOutError(
            problem=f"It took longer than {limit_s:g} s.", remedy="Raise its timeout or do less."
        )
    return given


async def _awaited(work: Any) -> Any:
    return await work


def _checked(given: object, before: _Carried, function: Bound, most: int) -> _Carried:
    """Return what a function gave as bytes.

    Raises:
        TransformFailedError: it is no `Parts` of plain data, or too large.
    """
    if not isinstance(given, Parts):
        raise _wrong(function, f"a {type(given).__name__}, not the Parts")
    query = tuple(_pairs(given.query, function))
    if before.status is not None and not _is_status(given.status):
        raise _wrong(function, f"the status {given.status!r:.40}")
    is_json = not isinstance(given.body, bytes)
    try:
        body = _written(given.body) if is_json else given.body
    except (TypeError, ValueError, RecursionError) as error:
        raise _wrong(function, "a body that is no plain data") from error
    if len(body) > most:
        raise _wrong(function, f"a body of {len(body)} bytes; {most} are the most")
    return _Carried(body, is_json, query, given.status)


def _written(body: object) -> bytes:
    return b"" if body is None else _encode(body)


def _is_status(status: object) -> bool:
    return isinstance(status, int) and not isinstance(status, bool) and 200 <= status <= 599


def _pairs(query: object, function: Bound) -> Iterator[tuple[str, str]]:
    if not isinstance(query, dict):
        raise _wrong(function, f"a {type(query).__name__} as the query")
    for name, value in query.items():
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(name, str) or not isinstance(each, str):
                raise _wrong(function, "a query that is not all text")
            yield name, each


def _wrong(function: Bound, gave: str) -> TransformFailedError:
    return TransformFailedError(
        problem=f"{function.name} gave {gave}.",
        remedy="Give back the Parts, changed, with plain data in them.",
    )
