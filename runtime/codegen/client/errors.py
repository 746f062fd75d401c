"""What a call may end with besides an answer."""

from collections.abc import Mapping
from typing import Any

import msgspec


class SdkError(Exception):
    """Root of all that a client raises of its own.

    Attributes:
        attempts: how often the request was sent.
    """

    attempts: int = 0


class ValidationFailed(SdkError, ValueError):
    """An argument does not conform to the schema; nothing was sent."""


class ConnectionFailed(SdkError, ConnectionError):
    """No whole answer came."""

    __str__ = Exception.__str__


class ContractViolation(SdkError):
    """The answer is not what the contract says.

    Attributes:
        status: of the answer.
        body: of the answer, as it came.
    """

    def __init__(self, message: str, status: int, body: bytes) -> None:
        super().__init__(message)
        self.status = status
        self.body = body


class ApiError(SdkError):
    """The server refused the request, or failed.

    Attributes:
        status: of the answer.
        code: stable name of the problem; empty where the answer was no problem document.
        type: URI of the problem.
        detail: what was wrong with this request.
        remedy: what may be done about it.
        issues: every fault that was found in the request.
        request_id: to give to whoever runs the service.
    """

    def __init__(self, status: int, document: Mapping[str, Any], request_id: str) -> None:
        self.status = status
        self.code = _text(document, "code")
        self.type = _text(document, "type")
        self.detail = _text(document, "detail")
        self.remedy = _text(document, "remedy")
        issues = document.get("issues")
        self.issues: list[Any] = issues if isinstance(issues, list) else []
        self.request_id = request_id
        told = f"{status} {self.code}".rstrip()
        super().__init__(f"{told}: {self.detail}" if self.detail else told)


class BadRequest(ApiError):
    """400."""


class Unauthorized(ApiError):
    """401."""


class Forbidden(ApiError):
    """403."""


class NotFound(ApiError):
    """404."""


class Conflict(ApiError):
    """409."""


class Gone(ApiError):
    """410."""


class RateLimited(ApiError):
    """429."""


class Timeout(ApiError):
    """408 or 504."""


class ServerError(ApiError):
    """500 and above."""


class Unavailable(ServerError):
    """503."""


_CLASSES: Mapping[int, type[ApiError]] = {
    400: BadRequest, 401: Unauthorized, 403: Forbidden, 404: NotFound, 408: Timeout,
    409: Conflict, 410: Gone, 429: RateLimited, 503: Unavailable, 504: Timeout,
}  # fmt: skip


def error_of(status: int, headers: Mapping[str, str], body: bytes) -> ApiError:
    """Make the error that an answer stands for, whatever its body holds."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        document = None
    known = _CLASSES.get(status, ServerError if status >= 500 else ApiError)
    plain = document if isinstance(document, dict) else {}
    return known(status, plain, headers.get("request-id", ""))


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""
