"""Prove that one row is among those that a seal is over, without the others. Pure.

A seal signs the root of an RFC 6962 tree over the rows' chain values; a path is the hashes
beside the way from a row up to it.

Source: CH-2, AR-4; RFC 6962, section 2.1.1.
"""

import hashlib
from collections.abc import Sequence

HASH_BYTES = 32
_sha256 = hashlib.sha256


class Tree:
    """The tree over the chain values of a seal's rows, at least one."""

    def __init__(self, chains: Sequence[bytes]) -> None:
        level = [_leaf(chain) for chain in chains]
        self._levels = [level]
        while len(level) > 1:
            level = [
                _above(level[at], level[at + 1]) if at + 1 < len(level) else level[at]
                for at in range(0, len(level), 2)
            ]
            self._levels.append(level)

    @property
    def root(self) -> bytes:
        """What a seal signs."""
        return self._levels[-1][0]

    def path(self, index: int) -> bytes:
        """Return the path of the row at *index*, from below, 32 bytes each."""
        found = []
        for level in self._levels[:-1]:
            beside = index ^ 1
            if beside < len(level):
                found.append(level[beside])
            index //= 2
        return b"".join(found)


def root_by(chain: bytes, index: int, size: int, path: bytes) -> bytes | None:
    """Return the root that *path* leads to; None if it is no path.

    Args:
        chain: value of the row.
        index: of the row among those of the seal.
        size: how many those are.
        path: as `Tree.path` gave it.
    """
    if not 0 <= index < size or len(path) % HASH_BYTES:
        return None
    beside = [path[at : at + HASH_BYTES] for at in range(0, len(path), HASH_BYTES)][::-1]
    at = _leaf(chain)
    while size > 1:
        if index % 2 or index + 1 < size:
            if not beside:
                return None
            other = beside.pop()
            at = _above(other, at) if index % 2 else _above(at, other)
        index, size = index // 2, (size + 1) // 2
    return None if beside else at


def _leaf(chain: bytes) -> bytes:
    return _sha256(b"\0" + chain).digest()


def _above(left: bytes, right: bytes) -> bytes:
    return _sha256(b"\1" + left + right).digest()
