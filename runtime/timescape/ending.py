"""What an announcement that a version ends means to its callers (BR-49). Pure."""

from runtime.breaking.differences import Differences, said, whole
from runtime.breaking.rules import Rule
from runtime.timescape.instants import rfc3339
from runtime.timescape.table import Retirement

_ANNOUNCED = Rule("BR-49", "safe", "safe", "none", "it is announced to end", by_value=False)
_LATER = _ANNOUNCED._replace(sentence="it ends later than was announced")
_EARLIER = Rule("BR-49", "breaking", "breaking", "none", "it ends earlier than was announced",
                by_value=False)  # fmt: skip


def announced(before: Retirement, sunset_us: int | None) -> Differences:
    """Compare what callers were told of the end of a version with what they are told next.

    Args:
        before: what was said so far.
        sunset_us: when it is to end from now on; None: that is not decided.
    """
    if before.deprecated_us is None:
        rule = _ANNOUNCED
    elif before.sunset_us is None or before.sunset_us == sunset_us:
        return Differences()  # a date was still to come, or stays
    else:
        is_later = sunset_us is None or sunset_us > before.sunset_us
        rule = _LATER if is_later else _EARLIER
    old, new = (None if each is None else rfc3339(each) for each in (before.sunset_us, sunset_us))
    return whole(said("end", rule, "", old or "", new or "not decided"))
