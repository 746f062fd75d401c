"""Rate limits as they are declared and as they are told to clients (RL-3, RL-4).

Source: draft-ietf-httpapi-ratelimit-headers, for the two fields and `violated-policies`.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from runtime.errors import PolicySyntaxError
from runtime.policies.windows import SECOND_US, Outcome, seconds_up

_UNITS: Final = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
_FORM: Final = re.compile(
    r"([0-9]{1,9})/(?:(?:([0-9]{1,6}) )?(second|minute|hour|day)s?|([0-9]{1,6})s)"
)


class Limit(msgspec.Struct, frozen=True):
    """So many requests in so long."""

    text: str
    """As declared, `100/minute`."""
    count: int
    window_s: int

    @property
    def window_us(self) -> int:
        """How long a window lasts, in µs."""
        return self.window_s * SECOND_US


class RateLimits:
    """The limits of a handler, all of which have to let a request in.

    Args:
        limits: at least one, of different windows.
    """

    __slots__ = ("limits", "names", "policy")

    def __init__(self, limits: Sequence[Limit]) -> None:
        self.limits = tuple(limits)
        alone = len(self.limits) == 1
        self.names = tuple("default" if alone else each.text for each in self.limits)
        """What each is called in answers."""
        self.policy = ", ".join(
            f'"{name}";q={each.count};w={each.window_s}'
            for name, each in zip(self.names, self.limits, strict=True)
        )
        """The field `RateLimit-Policy`."""

    def told(self, outcomes: Sequence[Outcome]) -> str:
        """Return the field `RateLimit`."""
        return ", ".join(
            f'"{name}";r={outcome.remaining};t={seconds_up(outcome.reset_us)}'
            for name, outcome in zip(self.names, outcomes, strict=True)
        )

    def violated(self, outcomes: Sequence[Outcome]) -> list[str]:
        """Return the names of those that refuse."""
        pairs = zip(self.names, outcomes, strict=True)
        return [name for name, outcome in pairs if not outcome.allowed]


def retry_after(outcomes: Sequence[Outcome]) -> int:
    """Return the seconds after which all limits let a request in: enough, and not one more."""
    return max([1, *(seconds_up(each.reset_us) for each in outcomes if not each.allowed)])


def parse_limits(limits: object) -> tuple[Limit, ...]:
    """Read `limits=`: one text such as `100/minute`, or several.

    Raises:
        PolicySyntaxError: one is none, or two are of one window.
    """
    given = [limits] if isinstance(limits, str) else limits
    if not isinstance(given, Iterable):
        raise _no_limit(limits)
    found = [_parse(text) for text in given]
    if len({each.window_s for each in found}) < len(found):
        raise PolicySyntaxError(
            problem=f"limits={limits!r} has two limits of one window.",
            remedy="Keep the smaller one.",
        )
    return tuple(found)


def _parse(text: object) -> Limit:
    found = _FORM.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise _no_limit(text)
    window_s = int(found[4]) if found[4] else int(found[2] or 1) * _UNITS[found[3]]
    if window_s == 0:
        raise _no_limit(text)
    return Limit(found[0], int(found[1]), window_s)


def _no_limit(given: object) -> PolicySyntaxError:
    return PolicySyntaxError(
        problem=f"{given!r:.80} is no rate limit.",
        remedy='Write "100/minute", "5/10 seconds", "5/10s", or a list of such.',
    )
