"""What an announcement that a version ends means to its callers (BR-49). Pure."""

from runtime.manifests.reports import Differences, said, whole
from runtime.manifests.rules import MANIFEST_RULES
from runtime.timescape.instants import rfc3339
from runtime.timescape.table import Retirement


def announced(before: Retirement, sunset_us: int | None) -> Differences:
    """Compare what callers were told of the end of a version with what they are told next.

    Args:
        before: what was said so far.
        sunset_us: when it is to end from now on; None: that is not decided.
    """
    if before.deprecated_us is None:
        name = "end-announced"
    elif before.sunset_us is None or before.sunset_us == sunset_us:
        return Differences()  # a date was still to come, or stays
    else:
        is_later = sunset_us is None or sunset_us > before.sunset_us
        name = "end-later" if is_later else "end-earlier"
    old, new = (None if each is None else rfc3339(each) for each in (before.sunset_us, sunset_us))
    return whole(said("end", MANIFEST_RULES[name], "", old or "", new or "not decided"))
