"""Who gets past the edge: credentials, access, rate limits and idempotency keys, in this order.

Each step gives a `Ruling`: what the record and the answer have to say of it, and a refusal
if the request ends there.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from runtime.authentication import ANONYMOUS, Authentication, Principal, Unproven
from runtime.ingress.answers import Pairs
from runtime.ingress.endpoints import Guarded, Served
from runtime.ingress.key_holders import Asked, KeyHolders
from runtime.ingress.window_keeping import WindowKeeping
from runtime.ingress.windows import Windows
from runtime.messages import Answer
from runtime.policies import AccessRules, Outcome, RateLimits, read_key, refuse_access
from runtime.policies.callers import caller_of
from runtime.policies.keys import MALFORMED, MISSING, REFUSALS, Judged, fingerprint
from runtime.policies.limits import retry_after
from runtime.policy_facts import PolicyDecided
from runtime.timescape import Refusal, Selector
from runtime.timescape.pins import SOURCE as PINNED

Decided = tuple[str, PolicyDecided]
"""The key of the fact, and the fact."""

_FULL: Final = Refusal(
    503, "overloaded", "More callers are counted than there is room for.", "Send it again later."
)


class Ruling(msgspec.Struct, frozen=True):
    """What a step says."""

    decided: Decided | None = None
    refusal: Refusal | None = None
    """None: it goes on."""
    headers: tuple[tuple[str, str], ...] = ()
    """Of the refusal."""
    told: Pairs = ()
    """Fields of whatever the answer is."""
    principal: Principal = ANONYMOUS
    again: Answer | None = None
    """A recorded answer, which ends the request as well."""
    taken: str | None = None
    """The idempotency key that the request holds now; to be given to `done`."""


class Guard:
    """The policies of one app.

    Args:
        authentication: None: credentials are not looked at.
        windows: of the rate limits.
        holders: of the idempotency keys.
        keeping: tells the log of the windows; None: nobody does.
    """

    def __init__(
        self,
        authentication: Authentication | None,
        windows: Windows,
        holders: KeyHolders,
        keeping: WindowKeeping | None = None,
    ) -> None:
        self.authentication = authentication
        self._windows = windows
        self._holders = holders
        self._keeping = keeping

    async def establish(
        self, headers: Sequence[tuple[str, str]], client: str, now_us: int
    ) -> Ruling:
        """Say who asks (step 3)."""
        if self.authentication is None:
            return Ruling()
        proven = await self.authentication.establish(headers, client, now_us)
        if isinstance(proven, Unproven):
            decided = "deny", PolicyDecided(("authentication",), proven.reason)
            return Ruling(decided, proven.refusal, proven.headers)
        return Ruling(principal=proven)

    def admit(
        self, guarded: Guarded, handler: str, principal: Principal, client: str, now_us: int
    ) -> Ruling:
        """Ask access rules and limits (step 6): one decision, without a pause in it."""
        refused = self._refused(guarded.access, principal)
        if refused is None and guarded.also is not None:
            refused = self._refused(guarded.also, principal)
        if guarded.limits is not None:
            caller = caller_of(principal, client)
            return self._limited(guarded, guarded.limits, refused, (handler, caller), now_us)
        if refused is not None:
            return refused
        return Ruling(("allow", PolicyDecided(_asked(guarded), inputs=_inputs(guarded))))

    def _limited(
        self,
        guarded: Guarded,
        limits: RateLimits,
        refused: Ruling | None,
        who: tuple[str, str],
        now_us: int,
    ) -> Ruling:
        """Check the limits, and charge them once nothing else refuses (RL-3)."""
        caller = who[1]
        outcomes = self._windows.ask(*who, limits.limits, now_us)
        violated = limits.violated(outcomes)
        unspent = _fields(limits, [_unspent(each) for each in outcomes])
        if violated and not _is_unauthenticated(refused):
            return _too_many(limits, outcomes, violated, caller, unspent)
        if refused is not None:
            return msgspec.structs.replace(refused, told=unspent)
        if not self._windows.has_room(len(limits.limits), now_us):
            decided = "deny", PolicyDecided(("rate-limit",), "full", caller=caller)
            return Ruling(decided, _FULL, (("retry-after", "1"),))
        charged = self._windows.keep(*who, limits.limits, outcomes, now_us)
        if self._keeping is not None:
            self._keeping.charged(*who, charged, now_us)
        fact = PolicyDecided(
            _asked(guarded), inputs=_inputs(guarded), caller=caller, windows=charged
        )
        return Ruling(("allow", fact), told=_fields(limits, outcomes))

    def _refused(self, access: AccessRules, principal: Principal) -> Ruling | None:
        refusal = refuse_access(access, principal)
        if refusal is None:
            return None
        scopes = () if set(access.scopes) <= set(principal.scopes) else access.scopes
        reason = "anonymous" if refusal.status == 401 else "scope" if scopes else "role"
        headers: tuple[tuple[str, str], ...] = ()
        if self.authentication is not None and (refusal.status == 401 or scopes):
            lacking = scopes if refusal.status == 403 else ()
            headers = self.authentication.challenge(scopes=lacking)
        fact = PolicyDecided(("access",), reason, access.inputs)
        return Ruling(("deny", fact), refusal, headers)

    async def claim(self, served: Served, asked: Asked, sent: str | None) -> Ruling:
        """Take the idempotency key that was *sent*, or say what its holder came to (step 8)."""
        key = None if sent is None else read_key(sent)
        if key is None:
            refusal = MISSING if sent is None else MALFORMED
            return Ruling(("deny", PolicyDecided(("idempotency",), "no-key")), refusal)
        held = await self._holders.take(served.version.handler, key, asked)
        inputs = {"key": held.stream.hex}
        if held.request != asked.request:
            inputs["first"] = held.request
        first: tuple[tuple[str, str], ...] = (("original-request-id", held.request),)
        if held.judged is Judged.TAKES:
            fact = PolicyDecided(("idempotency",), inputs=inputs)
            return Ruling(("allow", fact), taken=held.stream.hex)
        fact = PolicyDecided(("idempotency",), held.judged.value, inputs)
        if held.judged is Judged.AGAIN and held.answer is not None:
            return Ruling(("replay", fact), again=held.answer)
        if held.judged is Judged.RUNNING:
            first = (*first, ("retry-after", "1"))
        return Ruling(("deny", fact), REFUSALS[held.judged], first)

    def release(self, request: str, *, by: str, reason: str, now_us: int) -> None:
        """Give the idempotency key free that *request* holds; see `KeyHolders.release`."""
        self._holders.release(request, by=by, reason=reason, now_us=now_us)

    def close(self) -> None:
        """Tell of the windows, and let go of the threads; after the last request."""
        if self._keeping is not None:
            self._keeping.tell(last=True)
        self._holders.close()

    def done(self, taken: str) -> None:
        """Note that the request that took a key runs no more."""
        self._holders.done(taken)


def together(one: Decided | None, other: Decided | None) -> Decided | None:
    """Make one fact of two decisions about one request (RM-5); the later one has the word."""
    if one is None or other is None:
        return other or one
    first, (key, last) = one[1], other
    fact = msgspec.structs.replace(
        first,
        policies=(*first.policies, *last.policies),
        reason=last.reason,
        inputs={**first.inputs, **last.inputs},
    )
    return key, fact


def fingerprint_of(
    method: str, path: str, query: bytes, selectors: Sequence[Selector], body: bytes
) -> str:
    """Return what a request with a key is known again by."""
    target = path.encode("latin-1") + b"?" + query
    sent = [f"{s.source}={s.text}" for s in selectors if s.source != PINNED]
    return fingerprint(method, target, sent, body)


def _is_unauthenticated(refused: Ruling | None) -> bool:
    return refused is not None and refused.refusal is not None and refused.refusal.status == 401


def _too_many(
    limits: RateLimits, outcomes: Sequence[Outcome], violated: list[str], caller: str, told: Pairs
) -> Ruling:
    refusal = Refusal(
        429,
        "rate-limited",
        f"There were too many requests: {', '.join(each.text for each in limits.limits)}.",
        "Send it again after the time in Retry-After.",
        {"violated-policies": violated},
    )
    fact = PolicyDecided(("rate-limit",), "limit", {"violated": violated}, caller)
    headers = (("retry-after", str(retry_after(outcomes))),)
    return Ruling(("deny", fact), refusal, headers, told)


def _unspent(outcome: Outcome) -> Outcome:
    return outcome._replace(remaining=outcome.remaining + outcome.allowed)


def _fields(limits: RateLimits, outcomes: Sequence[Outcome]) -> Pairs:
    return (
        (b"ratelimit-policy", limits.policy.encode()),
        (b"ratelimit", limits.told(outcomes).encode()),
    )


def _asked(guarded: Guarded) -> tuple[str, ...]:
    names = []
    if guarded.access.needs_principal or guarded.also is not None:
        names.append("access")
    if guarded.limits is not None:
        names.append("rate-limit")
    return tuple(names)


def _inputs(guarded: Guarded) -> dict[str, object]:
    inputs: dict[str, object] = guarded.access.inputs if guarded.access.needs_principal else {}
    return inputs if guarded.also is None else {**inputs, "also": guarded.also.inputs}
