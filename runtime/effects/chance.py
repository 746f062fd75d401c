"""Chance that can be had again: everything derives from the seed of the request (EF-2)."""

import hashlib
from random import Random
from uuid import UUID


def seeded_random(seed: str, n: int) -> Random:
    """Return a generator of its own for effect *n* of the request with *seed*."""
    return Random(int.from_bytes(_derive(seed, "random", n), "big"))  # noqa: S311 - repeatable by intent


def seeded_uuid(seed: str, n: int) -> UUID:
    """Return the UUID, of version 4, that effect *n* of the request with *seed* gives."""
    return UUID(bytes=_derive(seed, "uuid", n)[:16], version=4)


def _derive(seed: str, purpose: str, n: int) -> bytes:
    return hashlib.sha256(f"{seed}\0{purpose}\0{n}".encode()).digest()


def seeded_share(seed: str, purpose: str, n: int) -> float:
    """Return the *n*th number from 0 to below 1 that the seed gives for *purpose*."""
    return (int.from_bytes(_derive(seed, purpose, n)[:8], "big") >> 11) * 2.0**-53
