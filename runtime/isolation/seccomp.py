"""seccomp, through libseccomp: takes system calls from this process and all it starts (IS-2).

What is taken answers EPERM from then on. A call by the conventions of another architecture,
such as 32-bit ones, ends the process: it would go past the filter.

Source: man 3 seccomp_rule_add.
"""

import ctypes
import errno
import os
from collections.abc import Sequence
from typing import Final, NamedTuple

_LIBRARY: Final = "libseccomp.so.2"
_ALLOW: Final = 0x7FFF0000
_ERRNO: Final = 0x00050000
_NOT_EQUAL: Final = 1
_MASKED_EQUAL: Final = 7
_UNKNOWN: Final = -1
_GET_SECCOMP: Final = 21

SOCKETS: Final = ("socket", "connect", "bind", "listen", "accept", "accept4")
"""All families: a granted socket comes connected. Pairs within the process are no socket."""
EXEC: Final = ("execve", "execveat")
OTHERS: Final = (
    "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_open", "pidfd_getfd",
    "pidfd_send_signal", "process_madvise", "kcmp", "tkill",
    "shmget", "shmat", "semget", "msgget", "mq_open",
)  # fmt: skip
"""What reaches into other processes, or keeps data between them."""
IO_URING: Final = ("io_uring_setup", "io_uring_enter", "io_uring_register")
"""Its queues do what no filter sees."""
MODES: Final = (
    "chmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchownat", "utime", "utimes",
    "futimesat", "utimensat", "setxattr", "lsetxattr", "setxattrat", "removexattr",
    "lremovexattr", "removexattrat", "file_setattr",
)  # fmt: skip
"""Changes files without opening them, which Landlock lets pass."""
KERNEL: Final = (
    "bpf", "perf_event_open", "userfaultfd", "add_key", "request_key", "keyctl", "mount",
    "umount2", "pivot_root", "chroot", "setns", "unshare", "open_by_handle_at", "init_module",
    "finit_module", "delete_module", "kexec_load", "reboot", "swapon", "acct", "fsopen", "fspick",
    "fsmount", "open_tree", "move_mount", "mount_setattr", "iopl", "ioperm", "clock_settime",
    "settimeofday", "sethostname", "setdomainname",
)  # fmt: skip
"""What a module has no use for, and attacks on kernels have."""
_SELF: Final = ("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo")
"""Allowed where the first argument is this process."""
_LATER: Final = {"fchmodat2": 452, "setxattrat": 463, "removexattrat": 466, "file_setattr": 469}
"""Numbers of calls, alike everywhere, that an installed libseccomp may be too old to know."""
_DATAGRAM: Final = 2
_KIND: Final = 0xF
"""Bits of the type of a socket that are not flags."""


class Comparison(ctypes.Structure):
    """An argument of a call, and what it is compared with."""

    _fields_ = (
        ("arg", ctypes.c_uint), ("op", ctypes.c_int),
        ("first", ctypes.c_uint64), ("second", ctypes.c_uint64),
    )  # fmt: skip


class Rule(NamedTuple):
    """A system call that is refused."""

    name: str
    when: tuple[int, int, int, int] | None = None
    """Place of an argument, how it is compared, and with what; None: always."""


def rules(pid: int) -> list[Rule]:
    """List what a confined process with the id *pid* is refused."""
    always = (*SOCKETS, *EXEC, *OTHERS, *IO_URING, *MODES, *KERNEL)
    return [
        *map(Rule, always),
        *(Rule(name, (0, _NOT_EQUAL, pid, 0)) for name in _SELF),
        # 0 stands for this process.
        Rule("prlimit64", (0, _NOT_EQUAL, 0, 0)),
        # One of a pair of these sends to any socket that has a path.
        Rule("socketpair", (1, _MASKED_EQUAL, _KIND, _DATAGRAM)),
    ]


def lacking() -> str | None:
    """Say what this machine lacks for it; None: nothing."""
    try:
        ctypes.CDLL(_LIBRARY)
    except OSError:
        return f"{_LIBRARY} is not installed (Debian: libseccomp2)"
    if ctypes.CDLL(None).prctl(_GET_SECCOMP, 0, 0, 0, 0) < 0:
        return "this kernel has no seccomp"
    return None


def refuse(refused: Sequence[Rule]) -> tuple[str, ...]:
    """Refuse system calls from now on.

    Only the calling thread is restricted, and what it starts; privileges may not be gained
    any more (`landlock.no_new_privileges`).

    Returns:
        What is enforced, for people.

    Raises:
        OSError: the filter could not be loaded.
    """
    library = _library()
    filter_ = library.seccomp_init(_ALLOW)
    if not filter_:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
    try:
        for rule in refused:
            _add(library, filter_, rule)
        _checked(library.seccomp_load(filter_))
    finally:
        library.seccomp_release(filter_)
    return ("seccomp=sockets,exec,ptrace,io_uring,modes,kernel",)


def _add(library: ctypes.CDLL, filter_: int, rule: Rule) -> None:
    number = library.seccomp_syscall_resolve_name(rule.name.encode())
    if number == _UNKNOWN:
        number = _LATER[rule.name]
    given = [] if rule.when is None else [Comparison(*rule.when)]
    array = (Comparison * len(given))(*given)
    refusal = _ERRNO | errno.EPERM
    _checked(library.seccomp_rule_add_array(filter_, refusal, number, len(given), array))


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(_LIBRARY)
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    for name in ("seccomp_load", "seccomp_release"):
        getattr(library, name).argtypes = [ctypes.c_void_p]
    library.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
    library.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint,
        ctypes.POINTER(Comparison),
    ]  # fmt: skip
    return library


def _checked(result: int) -> None:
    if result < 0:
        raise OSError(-result, os.strerror(-result))
