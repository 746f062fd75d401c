"""Capabilities: what a module may use of the world, by patterns; nothing by default (MM-4)."""

import ipaddress
import posixpath
import re
from collections.abc import Callable, Container, Iterable, Mapping
from typing import TypeAlias

import msgspec

from runtime.errors import CapabilityError

_HOST = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?|\*)(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*"
)
_NAME = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9_-]*|\*)(?:\.(?:[A-Za-z0-9_-]+|\*))*")
_KIND = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*", re.ASCII)
_LONGEST_KIND = 64
_HTTPS = 443


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of capability, and what it reaches."""

    kind: str
    """`secret.read`"""
    patterns: tuple[str, ...] = ()
    """None of them: nothing."""
    required: bool = True
    """Whether the module cannot do without."""


def grant(kind: str, *patterns: str, required: bool = True) -> Grant:
    """Name a capability that a module needs: `grant("secret.read", "stock_token")`.

    Args:
        kind: one of `KINDS`, or of those the app has added by `app.capability`.
        patterns: of what it reaches. Hosts as `api.example.com:8443`, `*.example.com` for one
            more label, a range as `10.0.0.0/8:5432` or `[fd00::/8]:5432`, all at port 443
            without a port; folders as absolute paths; names by their dotted parts, `*` for any one.
        required: whether the module cannot do without; else it runs without it.
    """
    return Grant(kind, patterns, required)


Place: TypeAlias = tuple[str, int]
"""Host and port."""


def split_place(text: str) -> Place:
    """Split `host:port` as a module or a pattern writes it; without a port it is 443.

    Raises:
        ValueError: it is no such thing.
    """
    host, colon, port = text.rpartition(":")
    if not colon or "]" in port or (":" in host and not host.startswith("[")):
        host, port = text, str(_HTTPS)
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        msg = f"{text!r} has no port from 1 to 65535"
        raise ValueError(msg)
    return _host(host.removeprefix("[").removesuffix("]")), int(port)


def _host(text: str) -> str:
    if "/" in text:
        return str(ipaddress.ip_network(text))
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        pass
    labels = [each if each == "*" else each.encode("idna").decode() for each in text.split(".")]
    host = ".".join(labels).lower()
    if not _HOST.fullmatch(host):
        msg = f"{text!r} is no host"
        raise ValueError(msg)
    return host


def _places(pattern: str, argument: str) -> bool:
    (host, port), (asked, at) = split_place(pattern), split_place(argument)
    if port != at:
        return False
    if host == asked:
        return True
    if "/" in host:
        return _is_within(asked, host)
    if not host.startswith("*.") or _is_address(asked):
        return False
    first, dot, rest = asked.partition(".")
    # A pattern covers a pattern only by being the same: `*` is no label that `*.x` stands for.
    return bool(first and dot) and first != "*" and rest == host[2:]


def _is_address(host: str) -> bool:
    return ":" in host or "/" in host or host.rpartition(".")[2].isdigit()


def _is_within(asked: str, range_: str) -> bool:
    try:
        inner, outer = ipaddress.ip_network(asked), ipaddress.ip_network(range_)
    except ValueError:
        return False
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]


def folder(text: str) -> str:
    """Return an absolute path without `.`, `..` and doubled slashes.

    Raises:
        ValueError: it is not absolute, or holds what no path may.
    """
    if not text.startswith("/") or "\0" in text:
        msg = f"{text!r} is no absolute path"
        raise ValueError(msg)
    return "/" + posixpath.normpath(text).lstrip("/")


def _paths(pattern: str, argument: str) -> bool:
    root, asked = folder(pattern), folder(argument)
    return asked == root or asked.startswith(root.rstrip("/") + "/")


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        msg = f"{text!r} is no name"
        raise ValueError(msg)
    return text


def _names(pattern: str, argument: str) -> bool:
    wanted, asked = _name(pattern).split("."), _name(argument).split(".")
    return len(wanted) == len(asked) and all(
        part in {"*", given} for part, given in zip(wanted, asked, strict=True)
    )


Matches: TypeAlias = Callable[[str, str], bool]
_MATCHES: Mapping[str, Matches] = {
    "db.read": _names, "db.write": _names, "fs.read": _paths, "fs.write": _paths,
    "net.connect": _places, "net.listen": _places, "secret.read": _names, "cache.read": _names,
    "cache.write": _names, "metrics.write": _names, "log.write": _names, "queue.publish": _names,
    "rpc.call": _names,
}  # fmt: skip
KINDS: frozenset[str] = frozenset(_MATCHES)
"""All that there are."""
PROVIDED: frozenset[str] = frozenset({"fs.read", "fs.write", "net.connect", "secret.read"})
"""Those that this version can hand out."""


def check_kind(kind: object) -> str:
    """Return the kind of a capability that an app adds to these, which are matched by names.

    Raises:
        CapabilityError: it is no two words with a dot between, or is one of these.
    """
    if not isinstance(kind, str) or not _KIND.fullmatch(kind) or len(kind) > _LONGEST_KIND:
        raise CapabilityError(
            problem=f"{kind!r:.80} is no kind of capability.",
            remedy=f"Write two words, as mail.send, of at most {_LONGEST_KIND} characters in all.",
        )
    if kind in KINDS:
        raise CapabilityError(
            problem=f"The capability {kind} is Timescape's own.", remedy="Choose another name."
        )
    return kind


def fault_of(wanted: Grant, own: Container[str] = ()) -> str | None:
    """Say why *wanted* cannot be granted by anybody; None: it can.

    Args:
        wanted: what is asked for.
        own: kinds that the app has registered.
    """
    is_own = wanted.kind in own
    if wanted.kind not in KINDS and not is_own:
        return f"there is no capability {wanted.kind!r}"
    if wanted.kind not in PROVIDED and not is_own:
        return f"{wanted.kind} is not handed out by this version"
    for pattern in wanted.patterns:
        try:
            _matches(wanted.kind)(pattern, pattern)
        except ValueError as error:
            return f"{wanted.kind}: {error}"
    return None


def allows(grants: Iterable[Grant], kind: str, argument: str) -> bool:
    """Say whether *grants* reach *argument*; what is none is never reached.

    Source: MM-6: a host label by label, a port exactly, a path within, a name part by part.
    """
    return any(
        _reaches(kind, pattern, argument)
        for each in grants
        if each.kind == kind
        for pattern in each.patterns
    )


def covers(grants: Iterable[Grant], wanted: Grant) -> bool:
    """Say whether *grants* reach all that *wanted* does."""
    grants = tuple(grants)
    return all(allows(grants, wanted.kind, pattern) for pattern in wanted.patterns)


def _reaches(kind: str, pattern: str, argument: str) -> bool:
    try:
        return _matches(kind)(pattern, argument)
    except (ValueError, UnicodeError):
        return False


def _matches(kind: str) -> Matches:
    # Nobody is granted a kind that is neither here nor an app's own, which are names.
    return _MATCHES.get(kind, _names)
