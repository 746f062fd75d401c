"""The vocabulary, continued: what policies decided, and who holds an idempotency key.

See `runtime.facts` for what holds of all facts.
"""

from typing import ClassVar

import msgspec

from runtime.facts import Fact, Json


class Charged(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A window of a rate limit, as a request left it."""

    limit: str
    """As declared, `100/minute`."""
    window_s: int
    start: int
    """When its first request was allowed, µs since 1970; it is what the window is known by."""
    used: int
    """Requests that it has let in, with this one."""


class PolicyDecided(Fact, frozen=True, gc=False):
    """The policies let a request in, or one of them did not. Key: allow, deny or replay."""

    type: ClassVar[str] = "policy.decided"

    policies: tuple[str, ...]
    """Those that were asked, in order; of a denial the last one denied it."""
    reason: str = ""
    """Why it was denied; the client is not told."""
    inputs: dict[str, Json] = {}  # noqa: RUF012 - msgspec copies it
    """What they decided by."""
    caller: str = ""
    """Whose windows were charged: issuer and id, or the network address; `` without limits."""
    windows: tuple[Charged, ...] = ()
    """That were charged; those of a handler and caller are the fold of these."""


class IdempotencyClaimed(Fact, frozen=True, gc=False):
    """A request took an idempotency key. Key: the id of the request."""

    type: ClassVar[str] = "idempotency.claimed"

    fingerprint: str
    """SHA-256 of method, target, selectors and body."""
    node: str = ""
    """That runs the request, where several serve from the log."""


class IdempotencyReleased(Fact, frozen=True, gc=False):
    """An operator gave an idempotency key free. Key: the id of the request that held it."""

    type: ClassVar[str] = "idempotency.released"

    by: str
    reason: str = ""


POLICY_FACTS: tuple[type[Fact], ...] = (PolicyDecided,)
"""Stand in the streams of requests."""
KEY_FACTS: tuple[type[Fact], ...] = (IdempotencyClaimed, IdempotencyReleased)
"""Stand in streams of their own, one an idempotency key."""
