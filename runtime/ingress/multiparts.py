"""Takes bodies of multipart/form-data apart; needs the `multipart` package, an extra (IN-9)."""

from functools import cache
from typing import Any

Part = tuple[bytes, bytes]
"""The name of a part, and what it holds."""


@cache
def _library() -> Any:
    """Return the package, or None where another or none of that name is installed."""
    try:
        import multipart  # noqa: PLC0415 - not everybody needs it
    except ImportError:
        return None
    return multipart if hasattr(multipart, "PushMultipartParser") else None


def has_multipart() -> bool:
    """Say whether such bodies can be read."""
    return _library() is not None


def parts_of(raw: bytes, boundary: str) -> list[Part] | None:
    """Give the parts in their order, file names and types of them left out.

    None: it is not multipart, does not end, or a part has no name.
    """
    library = _library()
    found: list[Part] = []
    try:
        parser = library.PushMultipartParser(boundary, len(raw), strict=True)
        with parser:
            for each in (*parser.parse(raw), *parser.parse(b"")):
                if isinstance(each, library.MultipartSegment):
                    if each.name is None:
                        return None
                    name, pieces = each.name.encode(), list[bytes]()
                elif each is None:
                    found.append((name, b"".join(pieces)))
                else:
                    pieces.append(bytes(each))
    except (library.MultipartError, UnicodeError):
        return None
    return found
