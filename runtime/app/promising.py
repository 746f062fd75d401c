"""Reads what a handler promises besides its types, and holds requests to it (BR-6 to BR-9)."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from runtime.app.contracts import Contract
from runtime.errors import PolicySyntaxError, ResponseHeaderError
from runtime.facts import Issue
from runtime.lifecycle.arrival import is_secret
from runtime.manifests.promises import Promises
from runtime.messages import Received, Request, ValidationFailed, check_header

_CODE = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_BODILESS = frozenset({204, 205, 304})


def promise(  # noqa: PLR0913 - each is one thing to promise
    *,
    status: int | None = None,
    problems: Mapping[str, int] | None = None,
    needs: Iterable[str] = (),
    reads: Iterable[str] = (),
    gives: Iterable[str] = (),
    may_give: Iterable[str] = (),
    page_size: int | None = None,
    order: str = "",
) -> Promises:
    """Say what callers may rely on besides types, so that a change of it is seen.

    Args:
        status: of success, from 200 to 299, where the handler does not set another.
        problems: problem codes of `HttpError` that callers may decide by, with their statuses.
        needs: headers without which a request is answered 400.
        reads: headers that make a difference where they are sent.
        gives: headers of every answer of success; without one it is no valid answer.
        may_give: headers of some answers.
        page_size: how many items an answer that is a list has at most.
        order: of the items of an answer, in words, where callers do not ask for another.

    Raises:
        PolicySyntaxError: one of them cannot be.
    """
    if status is not None and (not _is_whole(status, 200, 299) or status in _BODILESS):
        raise _no("status", status, "Write one of success that may have a body.")
    if page_size is not None and not _is_whole(page_size, 1, 1 << 53):
        raise _no("page_size", page_size, "Write how many items, from 1.")
    codes = tuple(sorted((problems or {}).items()))
    for code, answered in codes:
        if not code or not set(code) <= _CODE or not _is_whole(answered, 400, 599):
            raise _no("problems", {code: answered}, 'Write {"cart-empty": 409}.')
    return Promises(
        status,
        codes,
        _names("needs", needs),
        _names("reads", reads),
        _names("gives", gives),
        _names("may_give", may_give),
        page_size,
        " ".join(str(order).split()),
    )


def _names(what: str, given: Iterable[str]) -> tuple[str, ...]:
    listed = [given] if isinstance(given, str) else list(given)
    for name in listed:
        try:
            check_header(name, "")
        except (ResponseHeaderError, AttributeError) as error:
            raise _no(what, name, "Name headers that are not the runtime's.") from error
        if what in {"needs", "reads"} and is_secret(name):
            raise _no(what, name, "What may hold a credential is not recorded: use auth=.")
    return tuple(sorted({name.lower() for name in listed}))


def _is_whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _no(name: str, given: object, remedy: str) -> PolicySyntaxError:
    return PolicySyntaxError(problem=f"promise({name}={given!r:.80}) cannot be.", remedy=remedy)


def check_promises(given: object) -> Promises | None:
    """Return what a handler promises; None: nothing.

    Raises:
        PolicySyntaxError: it was not made by `promise`.
    """
    if given is not None and not isinstance(given, Promises):
        raise PolicySyntaxError(
            problem=f"promises={given!r:.80} are none.", remedy="Write promises=promise(…)."
        )
    return None if given == Promises() else given


def needing(contract: Contract, promises: Promises | None) -> Contract:
    """Let a contract refuse a request that lacks a header, with all else that is wrong with it."""
    if promises is None or not promises.needs:
        return contract
    parse, needs = contract.parse, promises.needs

    def parse_with(received: Received) -> Request[Any]:
        there = {name for name, _ in received.headers}
        missing = tuple(_missing(name) for name in needs if name not in there)
        if not missing:
            return parse(received)
        try:
            parse(received)
        except ValidationFailed as refused:
            issues = (*missing, *refused.issues)
            raise ValidationFailed("request", issues, truncated=refused.truncated) from None
        raise ValidationFailed("request", missing)

    return msgspec.structs.replace(contract, parse=parse_with)


def _missing(name: str) -> Issue:
    message = f"headers.{name}: expected a header, got none."
    return Issue(f"/headers/{name}", "missing", "a header", "missing", message)
