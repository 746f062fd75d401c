"""Ids of requests: a prefix that an app chooses, and the id of the stream (IN-10).

The prefix is for people: what a request is found by is the stream, so an id of any prefix is
understood, whatever the app's is by now.
"""

import re
from typing import Final
from uuid import UUID

from eventstore import StreamId
from runtime.errors import PolicySyntaxError

PREFIX: Final = "req"
"""Where an app does not say otherwise."""
_PREFIX: Final = re.compile(r"[a-z]{1,12}", re.ASCII)
_ID: Final = re.compile(r"(?:[a-z]{1,12}-)?([0-9a-f]{32})", re.ASCII)


def check_prefix(given: object) -> str:
    """Return what request ids of an app begin with.

    Raises:
        PolicySyntaxError: it is no prefix.
    """
    if not isinstance(given, str) or not _PREFIX.fullmatch(given):
        raise PolicySyntaxError(
            problem=f"request_prefix={given!r:.80} is no prefix of ids.",
            remedy="Write 1 to 12 letters from a to z, such as ord.",
        )
    return given


def stream_of(request_id: str) -> StreamId:
    """Return the stream of a request.

    Raises:
        ValueError: that is no id of one.
    """
    found = _ID.fullmatch(request_id)
    if found is None:
        msg = f"{request_id[:80]!r} is no request id."
        raise ValueError(msg)
    return StreamId(UUID(found[1]))


def same_request(one: str, other: str) -> bool:
    """Say whether two ids are of one request; what is no id is of none."""
    try:
        return stream_of(one) == stream_of(other)
    except ValueError:
        return False


def is_request_id(text: str) -> bool:
    """Say whether *text* is the id of a request, with its prefix."""
    return "-" in text and _ID.fullmatch(text) is not None
