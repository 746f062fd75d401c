"""Who gets which version while traffic is split (DP-5, DP-6)."""

import hashlib
import ipaddress

from runtime.timescape.table import WHOLE, Split


def bucket_of(salt: str, subject: str) -> int:
    """Return where *subject* stands among the 10 000 parts of a split: always the same."""
    digest = hashlib.sha256(f"{salt}\0{subject}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % WHOLE


def chosen(split: Split, bucket: int) -> str:
    """Return the version id that *bucket* gets.

    The newest has the top of the range: raising its part moves callers only to it.
    """
    below = 0
    for version, part in split.parts:
        below += part
        if bucket < below:
            return version
    return split.parts[-1][0]


def subject_of(client: str) -> str:
    """Return what of a client's address stands for it; of IPv6 the network (/64)."""
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client
    if isinstance(address, ipaddress.IPv4Address):
        return client
    if address.ipv4_mapped is not None:  # as servers that listen for both kinds have it
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))
