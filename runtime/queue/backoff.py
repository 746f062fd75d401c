"""How long a message waits for its next attempt (QF-10)."""

import hashlib

_FIRST_US = 1_000_000
_LONGEST_US = 60_000_000


def retry_after_us(subscriber: str, message: str, attempt: int) -> int:
    """Return the wait after a failed *attempt*, from 1: full jitter below 2ⁿ s, at most 60 s.

    Chance is taken from what is asked about: whoever folds the log gets the same time, and
    none has to be written down.
    """
    digest = hashlib.sha256(f"{subscriber}\0{message}\0{attempt}".encode()).digest()
    most_us = min(_FIRST_US << min(attempt - 1, 6), _LONGEST_US)
    return most_us * int.from_bytes(digest[:4], "big") >> 32
