"""Landlock: takes files, TCP and signals from this process and all it starts, for good (IS-2).

Three system calls, by their numbers, which are the same on every architecture Linux runs
Python on. What is not allowed here is refused with EACCES from then on. Nobody can take a
ruleset back, not even root.

Source: linux/landlock.h, man 7 landlock.
"""

import ctypes
import os
import platform
import struct
from collections.abc import Iterable
from typing import Final

_CREATE: Final = 444
_ADD: Final = 445
_RESTRICT: Final = 446
_VERSION: Final = 1
"""Flag of the first call: only say which version of Landlock there is."""
_BENEATH: Final = 1
"""Kind of rule: below a path."""
_NO_NEW_PRIVS: Final = 38
_O_PATH: Final = 0o10000000

EXECUTE: Final = 1 << 0
WRITE_FILE: Final = 1 << 1
READ_FILE: Final = 1 << 2
READ_DIR: Final = 1 << 3
TRUNCATE: Final = 1 << 14
READ: Final = READ_FILE | READ_DIR
_OF_FILES: Final = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | 1 << 15
"""Rights that may be given on what is no folder; the last one is ioctl on devices."""
_DEVICES: Final = 1 << 6 | 1 << 11 | 1 << 15
_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 5: 16}
"""From which version on how many rights on files there are."""
TCP_SINCE: Final = 4
SIGNALS_SINCE: Final = 6


def version() -> int:
    """Say which version of Landlock this kernel has in force; 0: none."""
    if platform.system() != "Linux":
        return 0
    return max(_syscall(_CREATE, None, 0, _VERSION), 0)


def rights(version: int) -> int:
    """Give all rights on files that *version* knows."""
    known = max((count for since, count in _RIGHTS.items() if since <= version), default=0)
    return (1 << known) - 1


def writing(version: int) -> int:
    """Give all rights on files of *version* but to execute them, and to make devices."""
    return rights(version) & ~(EXECUTE | _DEVICES)


def restrict(allowed: Iterable[tuple[str, int]]) -> tuple[str, ...]:
    """Allow this process *allowed* of files, and nothing of TCP and of others' processes.

    Only the calling thread is restricted, and what it starts: call it before any other is.

    Args:
        allowed: paths, and the rights below each; one that is not there is passed over.

    Returns:
        What is enforced, for people.

    Raises:
        OSError: the kernel refuses.
    """
    now = version()
    everything = rights(now)
    tcp = 0b11 if now >= TCP_SINCE else 0
    others = 0b11 if now >= SIGNALS_SINCE else 0
    # The struct grew: what is not known yet must be left out, not be zero.
    size = 24 if others else 16 if tcp else 8
    given = struct.pack("=QQQ", everything, tcp, others)[:size]
    ruleset = _checked(_syscall(_CREATE, given, size, 0))
    try:
        for path, wanted in allowed:
            _allow(ruleset, path, wanted & everything)
        no_new_privileges()
        _checked(_syscall(_RESTRICT, ruleset, 0))
    finally:
        os.close(ruleset)
    enforced = ("files", *(("tcp",) if tcp else ()), *(("signals",) if others else ()))
    return (f"landlock={now}:{','.join(enforced)}",)


def no_new_privileges() -> None:
    """See that no program started from here gets more rights than this one, whoever owns it.

    Raises:
        OSError: the kernel refuses.
    """
    _checked(_libc().prctl(_NO_NEW_PRIVS, 1, 0, 0, 0))


def _allow(ruleset: int, path: str, wanted: int) -> None:
    try:
        below = os.open(path, _O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):  # noqa: PTH112 - of the descriptor's own path, just opened
            wanted &= _OF_FILES
        if wanted:
            # The kernel's struct is packed: 64 bits, then 32.
            rule = struct.pack("=Qi", wanted, below)
            _checked(_syscall(_ADD, ruleset, _BENEATH, rule, 0))
    finally:
        os.close(below)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _syscall(number: int, *args: int | bytes | None) -> int:
    # A plain int would be passed as 32 bits.
    wide = [ctypes.c_long(each) if isinstance(each, int) else each for each in args]
    return int(_libc().syscall(ctypes.c_long(number), *wide))


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
