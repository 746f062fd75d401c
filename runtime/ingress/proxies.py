"""Who asks, where trusted proxies stand between: read from the right, hop by hop (IN-13).

A field of a request proves nothing. What a trusted proxy adds to it does: its right-most
entry. So entries count only as far as each was written by a proxy that is trusted.
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from runtime.errors import PolicySyntaxError

ForwardedBy: TypeAlias = Literal["x-forwarded-for", "forwarded"]
"""The field that the proxies write."""
FIELDS: Final = ("x-forwarded-for", "forwarded")

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[0-9.]+):[0-9]{1,5}")
_LONGEST: Final = 64
"""Characters of a hop, with its port."""
_PAIR = re.compile(r"[ \t]*([A-Za-z]+)=(\"[^\"\\]*\"|[^\s\",;=]+)[ \t]*")
_SCHEMES: Final = frozenset({"http", "https"})


class Origin(msgspec.Struct, frozen=True):
    """Where a request came from, as far as it is proven."""

    client: str
    """The address."""
    scheme: str = ""
    """That the client used; ``: nobody trusted said so."""
    host: str = ""
    """That the client named; likewise."""


class Proxies:
    """Knows whom to believe.

    Args:
        trusted: networks of the proxies, `10.0.0.0/8`, or single addresses.
        field: that they write.

    Raises:
        PolicySyntaxError: one is no network, or the field is not known.
    """

    def __init__(self, trusted: Iterable[str], field: str = "x-forwarded-for") -> None:
        self._networks = tuple(_network(each) for each in trusted)
        if field not in FIELDS:
            raise PolicySyntaxError(
                problem=f"forwarded_by={field!r:.80} is not known.",
                remedy='Write "x-forwarded-for" or "forwarded".',
            )
        self._field = field

    def origin(self, peer: str, headers: Sequence[tuple[str, str]]) -> Origin:
        """Say where a request came from that *peer* handed over.

        Args:
            peer: address of the connection.
            headers: names in lower case.
        """
        if not self._trusts(_address(peer)):
            return Origin(peer)
        if self._field == "forwarded":
            return self._forwarded(peer, headers)
        return self._x_forwarded(peer, headers)

    def _trusts(self, address: _Address | None) -> bool:
        return address is not None and any(address in network for network in self._networks)

    def _x_forwarded(self, peer: str, headers: Sequence[tuple[str, str]]) -> Origin:
        hops = _listed(headers, "x-forwarded-for")
        client, _ = self._client(peer, hops)
        # The nearest proxy is trusted: what it wrote stands last.
        return Origin(
            client,
            _scheme(_last(headers, "x-forwarded-proto")),
            _last(headers, "x-forwarded-host"),
        )

    def _forwarded(self, peer: str, headers: Sequence[tuple[str, str]]) -> Origin:
        elements = [_pairs(text) for text in _listed(headers, "forwarded")]
        hops = ["" if pairs is None else pairs.get("for", "") for pairs in elements]
        client, at = self._client(peer, hops)
        said = elements[at] if elements else None
        told: Mapping[str, str] = {} if said is None else said
        return Origin(client, _scheme(told.get("proto", "")), told.get("host", ""))

    def _client(self, peer: str, hops: Sequence[str]) -> tuple[str, int]:
        """Return the right-most hop that is not trusted, and where it stands.

        One that cannot be read ends the search: what stands left of it is not proven, and
        nobody knows who wrote it. Then it is the peer.
        """
        for at in range(len(hops) - 1, -1, -1):
            address = _address(_without_port(hops[at]))
            if address is None:
                return peer, -1
            if not self._trusts(address):
                return str(address), at
        return peer, -1


def _network(text: object) -> _Network:
    try:
        return ipaddress.ip_network(str(text), strict=False)
    except ValueError:
        raise PolicySyntaxError(
            problem=f"trusted_proxies has {text!r:.80}, which is no network.",
            remedy='Write "10.0.0.0/8", or an address.',
        ) from None


def _without_port(hop: str) -> str:
    found = _PORT.fullmatch(hop) if len(hop) <= _LONGEST else None
    return hop if found is None else found[1]


def _address(text: str) -> _Address | None:
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        found = ipaddress.ip_address(bare)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address):
        if found.scope_id is not None:
            return None
        # Sockets of both families give IPv4 peers in this form.
        return found.ipv4_mapped or found
    return found


def _listed(headers: Sequence[tuple[str, str]], name: str) -> list[str]:
    """Split a list field, however often it stands; commas within quotes do not split."""
    values = [value for key, value in headers if key == name]
    return [each.strip(" \t") for each in _split(",".join(values), ",")] if values else []


def _split(text: str, by: str) -> list[str]:
    if '"' not in text:
        return text.split(by)
    parts, quoted, begin = [], False, 0
    for at, char in enumerate(text):
        if char == '"':
            quoted = not quoted
        elif char == by and not quoted:
            parts.append(text[begin:at])
            begin = at + 1
    return [*parts, text[begin:]]


def _pairs(element: str) -> dict[str, str] | None:
    """Read one element of Forwarded (RFC 7239); None: it cannot be read."""
    found: dict[str, str] = {}
    for part in _split(element, ";"):
        pair = _PAIR.fullmatch(part)
        if pair is None or pair[1].lower() in found:
            return None
        found[pair[1].lower()] = pair[2].strip('"')
    return found


def _last(headers: Sequence[tuple[str, str]], name: str) -> str:
    listed = _listed(headers, name)
    return listed[-1] if listed else ""


def _scheme(text: str) -> str:
    return text.lower() if text.lower() in _SCHEMES else ""
