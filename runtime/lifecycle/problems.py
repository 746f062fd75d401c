"""Errors as answers: RFC 9457 problem documents (RS-1).

Never a stack, a local, or what a foreign error says.
"""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from runtime.errors import (
    CapabilityDeniedError,
    CircuitOpenError,
    GateFailedError,
    ModuleContractError,
    ModuleCrashedError,
    ModuleUnavailableError,
    PolicySyntaxError,
    PoolTimeoutError,
    QueueFullError,
    Reject,
    RequestStoppedError,
    RequestTimedOutError,
    RPCError,
    SecretUnavailableError,
    StreamTooLongError,
    TransformFailedError,
)
from runtime.messages import Answer, HttpError, ValidationFailed

URN = "urn:timescape:problem:"
_TITLES = {
    "handler-error": "The handler failed",
    "validation-failed": "The request is not valid",
    "response-invalid": "The handler gave an answer that is not valid",
    "timeout": "The request took too long",
    "stream-too-long": "The request did too much",
    "module-contract": "A module gave an answer that is not valid",
    "module-unavailable": "A module does not run",
    "module-failed": "A module failed",
    "secret-unavailable": "The server lacks a secret",
    "capability-denied": "The server used what it does not declare",
    "transform-failed": "The request or its answer could not be brought to another version",
    "log-unavailable": "The log cannot be written",
    "shutting-down": "The server is stopping",
    "queue-full": "A queue has no room",
    "gate-failed": "Somebody who debugs the server let the request fail",
    "message-rejected": "The subscriber rejected the message",
}
_REMEDIES = {
    "handler-error": "Give the request id to whoever runs this service.",
    "validation-failed": "Correct every issue that is listed, then send it again.",
    "response-invalid": "Give the request id to whoever runs this service.",
    "timeout": "Send it again, or ask for less at once.",
    "stream-too-long": "Ask for less in one request.",
    "capability-denied": "Give the request id to whoever runs this service.",
    "module-contract": "Give the request id to whoever runs this service.",
    "module-unavailable": "Send it again after the time in Retry-After.",
    "module-failed": "Give the request id to whoever runs this service.",
    "secret-unavailable": "Give the request id to whoever runs this service.",
    "transform-failed": "Give the request id to whoever runs this service.",
    "log-unavailable": "Send it again after the time in Retry-After.",
    "shutting-down": "Send it again after the time in Retry-After.",
    "queue-full": "Send it again after the time in Retry-After.",
    "gate-failed": "Send it again after the time in Retry-After.",
}
_RETRY = {
    "log-unavailable": "1",
    "module-unavailable": "1",
    "secret-unavailable": "5",
    "shutting-down": "1",
    "queue-full": "1",
    "gate-failed": "1",
}
_encode = msgspec.json.Encoder().encode
_OUR_TYPE = b'{"type":' + _encode(URN)[:-1]
_BASE = re.compile(r"[a-z][a-z0-9+.-]*:[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]{1,200}")


def problem(  # noqa: PLR0913 - the members of RFC 9457
    status: int,
    code: str,
    *,
    instance: str,
    detail: str = "",
    title: str | None = None,
    remedy: str | None = None,
    headers: Iterable[tuple[str, str]] = (),
    members: Mapping[str, Any] | None = None,
) -> Answer:
    """Return a problem document.

    Args:
        status: of the answer.
        code: stable; also ends the document's `type`.
        instance: the request id.
        detail: what is wrong with this request.
        title: None: by the code, else the status's phrase.
        remedy: None: by the code.
        headers: to be sent besides.
        members: the code's own, such as `issues`.
    """
    document: dict[str, Any] = {
        "type": URN + code,
        "title": title or _TITLES.get(code) or HTTPStatus(status).phrase
        if status in HTTPStatus._value2member_map_
        else code,
        "status": status,
        "code": code,
    }
    remedy = _REMEDIES.get(code) if remedy is None else remedy
    if detail:
        document["detail"] = detail
    if remedy:
        document["remedy"] = remedy
    document["instance"] = instance
    document.update(members or {})
    sent = [("content-type", "application/problem+json"), ("cache-control", "no-store")]
    own = {name.lower(): value for name, value in headers}
    if code in _RETRY:
        own.setdefault("retry-after", _RETRY[code])
    for name in ("content-type", "cache-control"):
        own.pop(name, None)
    return Answer(status, (*sent, *own.items()), _encode(document))


def rebased(answer: Answer, base: str) -> Answer:
    """Return a problem document with the types of an app that has a *base* of its own.

    Documents are made where nobody knows the app; they begin with their type.
    """
    if base == URN or not answer.body.startswith(_OUR_TYPE):
        return answer
    body = b'{"type":' + _encode(base)[:-1] + answer.body[len(_OUR_TYPE) :]
    return msgspec.structs.replace(answer, body=body)


def check_base(base: object) -> str:
    """Return what begins the types of problem documents.

    Raises:
        PolicySyntaxError: it is no beginning of a URI.
    """
    if not isinstance(base, str) or not _BASE.fullmatch(base):
        raise PolicySyntaxError(
            problem=f"problem_base={base!r:.80} is no beginning of a URI.",
            remedy="Write one such as https://errors.shop.example/.",
        )
    return base


def code_of(error: BaseException) -> tuple[int, str]:
    """Return status and problem code that *error* is answered with."""
    if isinstance(error, HttpError):
        return error.status, error.problem_code
    if isinstance(error, ValidationFailed):
        return (400, "validation-failed") if error.side == "request" else (500, "response-invalid")
    for kind, status, code in _OURS:
        if isinstance(error, kind):
            return status, code
    return 500, "handler-error"


_OURS: tuple[tuple[type[BaseException], int, str], ...] = (
    (RequestTimedOutError, 504, "timeout"),
    (RequestStoppedError, 503, "shutting-down"),
    (GateFailedError, 503, "gate-failed"),
    (StreamTooLongError, 500, "stream-too-long"),
    (ModuleContractError, 500, "module-contract"),
    (SecretUnavailableError, 503, "secret-unavailable"),
    (CapabilityDeniedError, 500, "capability-denied"),
    (QueueFullError, 503, "queue-full"),
    (Reject, 409, "message-rejected"),
    (CircuitOpenError, 503, "module-unavailable"),
    (ModuleCrashedError, 503, "module-unavailable"),
    (ModuleUnavailableError, 503, "module-unavailable"),
    (PoolTimeoutError, 503, "module-unavailable"),
    (RPCError, 500, "module-failed"),
    (TransformFailedError, 500, "transform-failed"),
)


def problem_of(error: BaseException, instance: str) -> Answer:
    """Return the problem document for *error*.

    Args:
        error: what a hook, the handler or the controller raised.
        instance: the request id.
    """
    status, code = code_of(error)
    if isinstance(error, HttpError):
        return problem(
            status, code, instance=instance, detail=error.detail, headers=error.headers.items()
        )
    if isinstance(error, ValidationFailed) and error.side == "request":
        members = {"issues": error.issues, "truncated": error.truncated}
        detail = _counted(len(error.issues), truncated=error.truncated)
        return problem(status, code, instance=instance, detail=detail, members=members)
    detail = error.problem if isinstance(error, RequestTimedOutError) else ""
    return problem(status, code, instance=instance, detail=detail)


def _counted(issues: int, *, truncated: bool) -> str:
    if truncated:
        return f"The request has more than {issues} faults."
    return "The request has 1 fault." if issues == 1 else f"The request has {issues} faults."
