"""What is written down of a request when it arrives (IN-11): everything but its secrets."""

import hashlib
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from eventstore import Ids
from eventstore.values import ToHash
from runtime.errors import PolicySyntaxError
from runtime.facts import Fact, RequestReceived
from runtime.lifecycle.handlers import HandlerVersion
from runtime.messages import Received
from runtime.queue import METHOD
from runtime.request_ids import PREFIX

_SECRET = re.compile(
    r"authorization|cookie|token|secret|passw|api[-_]?key|credential|signature|idempotency-key"
)
_BODY_TEXT_BYTES = 4096
_KEY = "idempotency-key"
_KEPT = frozenset(
    {
        "accept", "accept-charset", "accept-datetime", "accept-encoding", "accept-language",
        "access-control-request-headers", "access-control-request-method", "cache-control",
        "content-encoding", "content-language", "content-length", "content-type", "date", "expect",
        "host", "if-match", "if-modified-since", "if-none-match", "if-unmodified-since", "origin",
        "prefer", "range", "request-id", "te", "traceparent", "tracestate", "transfer-encoding",
        "user-agent", "x-api-version", "x-request-id",
    }
)  # fmt: skip
"""Headers that are recorded for every app; those named `timescape-…` are, too."""
_TRACESTATE_BYTES = 512
_NOTHING: frozenset[str] = frozenset()
_TIMEOUT_S = 30.0
"""Of a request that no handler runs."""

_NAME = re.compile(r"[a-z0-9-]{1,128}")


def arrived(received: Received, version: str) -> list[tuple[Fact, str]]:
    """Return what there is to tell of how *version* came to run, beyond that it was chosen."""
    told: list[tuple[Fact, str]] = []
    if received.placed is not None:
        told.append((received.placed, version))
    if received.decided is not None:
        told.append(received.decided[::-1])
    return told


@lru_cache(4096)
def is_secret(name: str) -> bool:
    """Say whether a header or query field of this name may hold a credential."""
    return _SECRET.search(name.lower()) is not None


@lru_cache(1024)
def public_headers(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Leave out the headers that may hold a credential."""
    if not any(is_secret(name) for name, _ in headers):
        return headers
    return tuple(header for header in headers if not is_secret(header[0]))


@lru_cache(1024)
def kept_headers(
    headers: tuple[tuple[str, str], ...], more: frozenset[str] = _NOTHING, *, has_keyring: bool
) -> tuple[tuple[tuple[str, Any], ...], tuple[str, ...]]:
    """Return what is recorded of a head: headers by name and value, and names of the others.

    Values are recorded of those that every app has and of *more*. Of an idempotency key a keyed
    hash is, where hashes can be kept (IK-1). A `tracestate` above 512 bytes is dropped (IN-14).
    """
    kept: list[tuple[str, Any]] = []
    withheld: dict[str, None] = {}
    for name, value in headers:
        if name == _KEY and has_keyring:
            kept.append((name, ToHash(value)))
        elif name == "tracestate" and len(value) > _TRACESTATE_BYTES:
            continue
        elif name in _KEPT or name in more or name.startswith("timescape-"):
            kept.append((name, value))
        else:
            withheld[name] = None
    return tuple(kept), tuple(withheld)


def headers_to_record(names: Iterable[str]) -> frozenset[str]:
    """Read the names of the headers whose values an app wants recorded.

    Raises:
        PolicySyntaxError: one is no name of a header, or may hold a credential.
    """
    found = frozenset(name.lower() for name in names)
    for name in sorted(found):
        if not _NAME.fullmatch(name):
            raise PolicySyntaxError(
                problem=f"record_headers: {name!r:.80} is no name of a header.",
                remedy="Use letters, digits and -, such as x-tenant.",
            )
        if is_secret(name):
            raise PolicySyntaxError(
                problem=f"record_headers: {name!r} may hold a credential.",
                remedy="Leave it out; its name is recorded, its value never is.",
            )
    return found


_PARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}"
)


@lru_cache(1024)
def trace_of(headers: tuple[tuple[str, str], ...]) -> tuple[str, str] | None:
    """Return the trace and the span that a valid `traceparent` names (IN-14)."""
    for name, value in headers:
        if name == "traceparent":
            found = _PARENT.match(value)
            whole = found is not None and (value[:2] != "00" or len(value) == found.end())
            return (found[1], found[2]) if found is not None and whole else None
    return None


class Arrivals:
    """Writes down how requests arrive.

    Args:
        ids: of chance, traces and spans.
        config: fingerprint of the config in force.
        has_keyring: whether hashes can be kept.
        node: that runs them.
        more_headers: whose values are kept, besides those of every app.
        prefix: of their ids.
    """

    __slots__ = ("_config", "_has_keyring", "_ids", "_more", "_node", "prefix")

    def __init__(
        self, ids: Ids, *, config: str, has_keyring: bool, node: str, more_headers: frozenset[str],
        prefix: str = PREFIX,
    ) -> None:  # fmt: skip
        self.prefix = prefix
        self._ids = ids
        self._config = config
        self._has_keyring = has_keyring
        self._node = node
        self._more = more_headers

    def of(self, received: Received, version: HandlerVersion) -> RequestReceived:
        """Return the first fact of a request that *version* is to run."""
        body, text, digest = None, None, ""
        if received.body:
            body, text = _body(received.body, version.redact_body)
            # What is hidden could be guessed by a digest.
            if not version.hides_in_body:
                digest = _digest(received.body)
        return self._fact(
            received, version.route, version.handler, version.timeout_s, version.hidden_query,
            body, text, digest,
        )  # fmt: skip

    def refused(self, received: Received, route: str, handler: str) -> RequestReceived:
        """Return the first fact of a request that ends before any handler.

        Nobody has read its body, so nobody knows what in it is secret: only its size and digest
        are kept.

        Args:
            received: the request.
            route: as registered; `` when none fits.
            handler: its id; `` likewise.
        """
        digest = _digest(received.body) if received.body else ""
        return self._fact(received, route, handler, _TIMEOUT_S, _NOTHING, None, None, digest)

    def _fact(  # noqa: PLR0913, PLR0917 - where its fields come from, on the hot path
        self, received: Received, route: str, handler: str, timeout_s: float,
        hidden_query: frozenset[str], body: Any, text: str | None, digest: str,
    ) -> RequestReceived:  # fmt: skip
        token = self._ids.token(40).hex()
        trace_id, parent = received.trace_id, received.parent_span_id
        if not trace_id:
            trace_id, parent = trace_of(received.headers) or (token[32:64], None)
        if received.timeout_s is not None and received.timeout_s < timeout_s:
            timeout_s = received.timeout_s
        query = received.query
        if query:
            query = tuple(
                (name, "***" if name in hidden_query or is_secret(name) else value)
                for name, value in query
            )
        headers: tuple[tuple[str, Any], ...] = received.headers
        withheld: tuple[str, ...] = ()
        if received.method != METHOD:  # of a delivery they are all ours
            headers, withheld = kept_headers(headers, self._more, has_keyring=self._has_keyring)
        return RequestReceived(
            method=received.method,
            route=route,
            handler=handler,
            path=received.path,
            seed=token[:32],
            query=query,
            headers=headers,
            withheld=withheld,
            params=dict(received.params),
            body=body,
            body_size=len(received.body),
            body_digest=digest,
            body_text=text,
            client=received.client,
            trace_id=trace_id,
            span_id=received.span_id or token[64:],
            parent_span_id=parent,
            correlation_id=received.correlation_id,
            timeout_s=timeout_s,
            config=self._config,
            priority=received.priority,
            flags=received.flags,
            selectors=received.selectors,
            scheme=received.scheme,
            host=received.host,
            node=self._node,
            prefix=self.prefix,
        )


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _body(body: bytes, redact: Callable[[bytes], Any]) -> tuple[Any, str | None]:
    try:
        return redact(body), None
    except (ValueError, TypeError, RecursionError):
        return None, body[:_BODY_TEXT_BYTES].decode("utf-8", "backslashreplace")
