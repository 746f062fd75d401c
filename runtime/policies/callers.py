"""Whose requests are counted together (RL-2)."""

import ipaddress
from functools import lru_cache

from runtime.principals import Principal


def caller_of(principal: Principal, client: str) -> str:
    """Return who is counted: the principal, or the network of the anonymous.

    An issuer's name cannot make two principals one: its length stands before it.
    """
    if principal.is_anonymous:
        return f"address {network_of(client)}"
    return f"{principal.kind} {len(principal.issuer)} {principal.issuer} {principal.id}"


@lru_cache(4096)
def network_of(client: str) -> str:
    """Return an IPv4 address as it is, of an IPv6 address its first 64 bits.

    One caller has a whole /64 of addresses to choose from.
    """
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return f"{ipaddress.IPv6Address(int(address) >> 64 << 64)}/64"
    return str(address)
