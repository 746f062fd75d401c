"""Serve callers of an older version with later code: their data goes up, the answer down.

Callers are held to their own version (TX-5). Each hop works on a copy of its own, and what it
gave is bytes again before anybody sees it: data that is half transformed is handed to nobody.
A request that cannot be brought up runs the caller's own version, on what was received; an
answer that cannot be brought down fails the request (TX-7).
"""

from collections.abc import Callable, Coroutine
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
from runtime.lifecycle.carried import Carried, checked, decode
from runtime.lifecycle.handlers import MAX_ANSWER, Crossing, Hop
from runtime.lifecycle.run import Run
from runtime.lifecycle.sections import drive
from runtime.messages import Answer, Parts, Received, Request, Response, ValidationFailed
from runtime.transform_facts import TransformApplied, VersionPlaced

MAX_GROWTH: Final = 4
"""How many times as large as a body may be a hop may make it (TX-6)."""
_NOT_OURS = (RequestTimedOutError, RequestStoppedError)
"""Ends of the request, not of a hop."""


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
    named = crossing.headers
    own = tuple(pair for pair in received.headers if pair[0] in named) if named else ()
    carried = Carried(raw, is_json, received.query, headers=own)
    for hop in crossing.hops:
        carried = await _hop(run, hop, "request", carried)
    headers = received.headers
    if carried.headers != own:
        headers = (*(pair for pair in headers if pair[0] not in named), *carried.headers)
    return msgspec.structs.replace(
        received, body=carried.body, query=carried.query, headers=headers
    )


def _is_json(raw: bytes) -> bool:
    try:
        decode(raw)
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
    own = tuple(pair for pair in answer.headers if pair[0] in crossing.headers)
    is_json = version.media == "application/json"
    carried = Carried(answer.body, is_json, status=answer.status, headers=own)
    for hop in reversed(crossing.hops):
        carried = await _hop(run, hop, "response", carried)
    headers = answer.headers
    if carried.headers != own:
        headers = (*(pair for pair in headers if pair[0] not in crossing.headers), *carried.headers)
    return _answer(crossing, carried, msgspec.structs.replace(answer, headers=headers))


def _answer(crossing: Crossing, carried: Carried, answer: Answer) -> Answer:
    response = Response()
    response.status = carried.status or answer.status
    for name, value in answer.headers:
        if name != "content-type":
            response.header(name, value)
    return success(crossing.spoken, carried.parts().body, response)


# --- one hop ---


async def _hop(run: Run, hop: Hop, side: str, carried: Carried) -> Carried:
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
        became = checked(given, carried, function, most, crossing.headers)
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
    digest = "" if hidden else became.digest(carried)
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
