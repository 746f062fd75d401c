"""The mark of values that may not be recorded."""

from typing import Final

import msgspec

MARK: Final = "timescape.sensitive"

Sensitive: Final = msgspec.Meta(extra={MARK: True})
"""`Annotated[str, Sensitive]`: the value is never recorded, only that there was one (GT-19).

It is a msgspec `Meta`, because msgspec then carries it through generics, inheritance,
dataclasses and forward references to where we read it.
"""

REDACTED: Final[dict[str, bool]] = {"$redacted": True}
"""What stands in the record instead. Nobody changes it."""
