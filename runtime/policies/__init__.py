"""What lets a request in, decided in values: access, rate limits, idempotency keys. Pure."""

from runtime.policies.access import AccessRules, refuse_access
from runtime.policies.keys import Claim, First, Judged, judge, read_key
from runtime.policies.limits import Limit, RateLimits, parse_limits
from runtime.policies.windows import Outcome, Window, charge

__all__ = [
    "AccessRules",
    "Claim",
    "First",
    "Judged",
    "Limit",
    "Outcome",
    "RateLimits",
    "Window",
    "charge",
    "judge",
    "parse_limits",
    "read_key",
    "refuse_access",
]
