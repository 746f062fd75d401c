"""The tier `sandbox`: what is left to a module's process when Landlock and seccomp are on.

It may read what Python and its libraries are made of and its own file or package, use its own
folder, and talk to the runtime. Files and connections it gets from the runtime, by its grants.
"""

import importlib.util
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from runtime.isolation import landlock, seccomp

LANDLOCK_SINCE = 3
"""Older ones let files be cut off that they do not let be written."""
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/nix/store")
_LOOKED_UP = (
    "/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo", "/etc/ssl", "/etc/pki/tls",
    "/usr/share/ca-certificates", "/etc/mime.types", "/dev/urandom", "/dev/random", "/dev/zero",
)  # fmt: skip
"""What Python's own library reads."""


def lacking() -> list[str]:
    """Say what this machine lacks for a sandbox; nothing: it can give one."""
    if sys.platform != "linux":
        return [f"this is {sys.platform}, not Linux"]
    found = []
    version = landlock.version()
    if version == 0:
        found.append("this kernel has no Landlock in force")
    elif version < LANDLOCK_SINCE:
        found.append(f"Landlock is of version {version} here, and {LANDLOCK_SINCE} is needed")
    missing = seccomp.lacking()
    return found if missing is None else [*found, missing]


def confine(folder: str, home: str) -> tuple[str, ...]:
    """Confine this process for good, before it imports its module; return what is enforced.

    Args:
        folder: its own.
        home: name of the Python module it is to import.

    Raises:
        OSError: the kernel refuses.
    """
    own = landlock.writing(landlock.version())
    below = landlock.restrict([*readable(home), (folder, own), ("/dev/null", own)])
    return ("no_new_privs", *below, *seccomp.refuse(seccomp.rules(os.getpid())))


def readable(home: str) -> Iterator[tuple[str, int]]:
    """List what may be read: installed code, the module's own, and names beside it."""
    installed = {str(Path(each).resolve()) for each in _installed()}
    for path in (*installed, *_LIBRARIES, *_LOOKED_UP, *_packages(("runtime", "eventstore", home))):
        yield path, landlock.READ
    for path in sys.path:
        # An import looks there for names; what the files say stays closed.
        yield path, landlock.READ_DIR


def _installed() -> Iterable[str]:
    paths = sysconfig.get_paths()
    yield from (paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    yield f"{sys.base_prefix}/lib"
    for path in sys.path:
        if Path(path).name in {"site-packages", "dist-packages"}:
            yield path


def _packages(names: Iterable[str]) -> Iterator[str]:
    """Give the file, or the folder, of each top-level package; of what is not there nothing."""
    for name in names:
        # Of the top level: to look for one within would run what is above it.
        found = importlib.util.find_spec(name.partition(".")[0])
        if found is not None and found.submodule_search_locations is not None:
            yield from found.submodule_search_locations
        elif found is not None and found.origin is not None:
            yield found.origin
