"""From what a handler gave to the bytes that are sent (HW-3, HO-7, HO-9)."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

import msgspec

from runtime.errors import AmbiguousResponseError
from runtime.facts import Issue, Json, ResponseSent
from runtime.lifecycle.arrival import public_headers
from runtime.lifecycle.handlers import MAX_ANSWER, HandlerVersion
from runtime.manifests.promises import Promises
from runtime.messages import Answer, Response, ValidationFailed
from runtime.secrets import Scrubber

Headers: TypeAlias = tuple[tuple[str, str], ...]
_WITHOUT_BODY = frozenset({204, 304})
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def result_of(returned: object, response: Response) -> object:
    """Return the body, whether it was returned or written.

    Raises:
        AmbiguousResponseError: both.
    """
    if not response.written:
        return returned
    if returned is not None:
        msg = "The handler returned a body and wrote one to res."
        raise AmbiguousResponseError(msg, "Do one of both.")
    return response.body


def success(version: HandlerVersion, result: object, response: Response) -> Answer:
    """Return the answer of a handler that ended well.

    Raises:
        ValidationFailed: for the side `response`: it is not of the declared type.
    """
    body = _render(version, result)
    status = response.status or (200 if body else 204)
    if version.promises is not None:
        status = promised(version.promises, result, response, status)
    if status in _WITHOUT_BODY:
        body = b""
    headers = response.headers
    if not headers:
        return Answer(status, _just(version.media) if body else (), body)
    return Answer(status, _typed(headers, version.media) if body else headers, body)


def promised(promises: Promises, result: object, response: Response, status: int) -> int:
    """Return the status of an answer that keeps what was promised.

    Raises:
        ValidationFailed: for the side `response`: it lacks a header, or has too many items.
    """
    there = {name for name, _ in response.headers}
    issues = [
        Issue(f"/headers/{name}", "missing", "a header", "missing", f"headers.{name}: missing.")
        for name in promises.gives
        if name not in there
    ]
    most = promises.page_size
    if most is not None and isinstance(result, list | tuple) and len(result) > most:
        told = f"at most {most} items", f"{len(result)} items"
        issues.append(Issue("", "items", *told, f"(root): expected {told[0]}, got {told[1]}."))
    if issues:
        raise ValidationFailed("response", tuple(issues))
    return response.status or promises.status or status


@lru_cache(64)
def _just(media: str) -> tuple[tuple[str, str], ...]:
    return (("content-type", media),)


def _render(version: HandlerVersion, result: object) -> bytes:
    try:
        return version.render(result)
    except ValidationFailed:
        raise
    except (TypeError, ValueError, RecursionError) as error:
        # An encoder that gives up is a faulty answer, not a faulty handler.
        raise _not_encodable(result, error) from error


def _not_encodable(result: object, error: Exception) -> ValidationFailed:
    issue = Issue("", "not-encodable", "JSON", type(result).__name__, type(error).__name__)
    return ValidationFailed("response", (issue,))


def _typed(headers: Headers, media: str) -> Headers:
    if any(name == "content-type" for name, _ in headers):
        return headers
    return (*_just(media), *headers)


def replaced(answer: Answer, written: Sequence[Response], most: int = MAX_ANSWER) -> Answer:
    """Return the error *answer* as catch hooks rewrote it; the last writer wins.

    Args:
        answer: a problem document.
        written: by catch hooks, in the order in which they ran.
        most: bytes that a body of theirs may have.

    Raises:
        ValidationFailed: for the side `response`: the body is too long, or no JSON.
    """
    last = next((each for each in reversed(written) if each.written), None)
    status, headers = answer.status, answer.headers
    for response in written:
        status = response.status or status
        if response is last:
            headers = _instead(headers, (("content-type", "application/json"),))
        headers = _instead(headers, response.headers)
    if last is not None:
        return Answer(status, headers, bounded(_error_body(last.body), most))
    # A document of ours may be longer than a handler's answers; what it tells may be a user's.
    return Answer(status, headers, bounded(answer.body, max(most, MAX_ANSWER)))


def _instead(headers: Headers, own: Headers) -> Headers:
    """Return *own* headers, and of *headers* those of other names."""
    names = {name for name, _ in own}
    return (*(each for each in headers if each[0] not in names), *own)


def _error_body(body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    try:
        return _encode(body)
    except (TypeError, ValueError, RecursionError) as error:
        raise _not_encodable(body, error) from error


def bounded(body: bytes, most: int) -> bytes:
    """Return a *body* that has no more than *most* bytes (RS-3).

    Raises:
        ValidationFailed: for the side `response`: it has more.
    """
    if len(body) > most:
        expected, actual = f"at most {most} bytes", f"{len(body)} bytes"
        message = f"(root): expected {expected}, got {actual}."
        raise ValidationFailed("response", (Issue("", "length", expected, actual, message),))
    return body


def sent(
    answer: Answer, *, code: str | None, body: Json, delivered: bool = True
) -> tuple[ResponseSent, str]:
    """Return the terminal fact for *answer*, and its key."""
    fact = ResponseSent(
        status=answer.status,
        code=code,
        headers=public_headers(answer.headers),
        body=body,
        body_size=len(answer.body),
        delivered=delivered,
    )
    return fact, str(answer.status)


def scrubbed(scrubber: Scrubber, answer: Answer) -> Answer:
    """Return *answer* without secrets, however they came into it (SE-8)."""
    if not scrubber.knows:
        return answer
    return Answer(
        answer.status,
        scrubber.value(answer.headers, "answer"),
        scrubber.raw(answer.body, "answer"),
    )


def shown(version: HandlerVersion | None, body: bytes) -> Json:
    """Return a body as the record keeps it.

    Args:
        version: whose answer it is; None: a problem document, which holds no secrets.
        body: the bytes that are sent.
    """
    if not body:
        return None
    try:
        return _decode(body) if version is None else version.redact_answer(body)
    except (ValueError, TypeError, RecursionError):
        return None
