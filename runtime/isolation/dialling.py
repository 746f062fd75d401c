"""Connects for modules: the address that was checked is the one that is dialled (CP-3)."""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from runtime.isolation.failing import NotGranted
from runtime.manifests.capabilities import Grant, allows, split_place

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


async def dial(place: str, ranges: Iterable[Grant]) -> socket.socket:
    """Connect to `host:port`, whose name is granted; give a blocking socket.

    The name is resolved once. If any of its addresses is not public and stands in no granted
    range, none is dialled: who answers for the name cannot be trusted with the choice.

    Args:
        place: to connect to; 443 without a port.
        ranges: grants of `net.connect`.

    Raises:
        NotGranted: an address may not be dialled.
        OSError: there is none, or none answers.
    """
    host, port = split_place(place)
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    ranges = tuple(ranges)
    for *_, address in found:
        if not may_dial(str(address[0]), port, ranges):
            msg = f"{host} stands for {address[0]}"
            raise NotGranted(msg)
    return await _first(found)


def may_dial(address: str, port: int, ranges: Iterable[Grant]) -> bool:
    """Say whether an address is public, or in a range that a grant names."""
    return _is_public(_read(address)) or bool(ranges_of(address, port, ranges))


def ranges_of(address: str, port: int, ranges: Iterable[Grant]) -> list[str]:
    """Give the patterns that let an address be dialled; none for a public one."""
    ip = _read(address)
    if _is_public(ip):
        return []
    shown = f"[{ip}]:{port}" if ip.version == 6 else f"{ip}:{port}"
    return [
        pattern
        for each in ranges
        for pattern in each.patterns
        if allows([Grant(each.kind, (pattern,))], "net.connect", shown)
    ]


def _read(address: str) -> Address:
    return inner(ipaddress.ip_address(address.partition("%")[0]))


def _is_public(ip: Address) -> bool:
    return ip.is_global and not ip.is_multicast


def inner(ip: Address) -> Address:
    """Return the IPv4 address that an IPv6 one leads to; else itself."""
    if not isinstance(ip, ipaddress.IPv6Address):
        return ip
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip


async def _first(found: Sequence[tuple[int, int, int, str, Any]]) -> socket.socket:
    loop, last = asyncio.get_running_loop(), OSError("there is no address")
    for family, kind, protocol, _, address in found:
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)  # noqa: FBT003 - as it is called
        try:
            await loop.sock_connect(made, address)
        except OSError as error:
            made.close()
            last = error
            continue
        except BaseException:
            made.close()
            raise
        made.setblocking(True)  # noqa: FBT003 - likewise
        return made
    raise last
