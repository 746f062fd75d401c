"""How often a request failed as one did, before it: is this new, and under which versions?"""

from collections import Counter
from collections.abc import Callable, Mapping

import msgspec

from debugger.session.requests import RequestSummary
from debugger.session.session import Session

DAY_US = 24 * 3_600 * 1_000_000
MOST_SCANNED = 4_096
"""Requests looked at, at most: on a busy store that is less than a day."""
_PAGE = 256


class Alike(msgspec.Struct, frozen=True):
    """Requests of the same route that failed with the same outcome in the 24 hours up to one."""

    versions: Mapping[str, int]
    """How many under each, with the one asked about."""
    whole: bool
    """Whether all of the 24 hours were looked at."""

    @property
    def told(self) -> str:
        """`34 in 24 h`, or `34+ in 24 h` where there was more to look at."""
        return f"{sum(self.versions.values())}{'' if self.whole else '+'} in 24 h"


def alike(
    session: Session, of: RequestSummary, *, unwanted: Callable[[], bool] = lambda: False
) -> Alike:
    """Count the failures that are like *of*, it among them; *unwanted* ends a long search."""
    found: Counter[str] = Counter()
    scanned, before = 0, of.position + 1
    while scanned < MOST_SCANNED and not unwanted():
        page = session.requests(before=before, limit=_PAGE)
        fitting = [each for each in page.requests if each.started_us > of.started_us - DAY_US]
        found.update(version_of(each) for each in fitting if is_alike(each, of))
        scanned += page.scanned
        if page.older is None or len(fitting) < len(page.requests):
            return Alike(found, whole=True)
        before = page.older
    return Alike(found, whole=False)


def is_alike(one: RequestSummary, other: RequestSummary) -> bool:
    """Say whether both failed, on the same route, with the same outcome."""
    same = (one.method, one.route, one.outcome) == (other.method, other.route, other.outcome)
    return one.failed and other.failed and same


def version_of(of: RequestSummary) -> str:
    """Return how people call the version that served it."""
    return of.edition or of.version or "no version"
