"""Which addresses a module may be connected to (CP-3)."""

from typing import Any

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from runtime import grant
from runtime.isolation.dialling import inner, may_dial


@pytest.mark.proves("CP-3")
@given(address=st.ip_addresses(), port=st.sampled_from([443, 80]), granted=st.booleans())
def test_an_address_that_is_not_public_is_dialled_only_by_its_range(
    address: Any, port: int, *, granted: bool
) -> None:
    network = f"{address}/{address.max_prefixlen}"
    shown = network if address.version == 4 else f"[{network}]"
    ranges = [grant("net.connect", f"{shown}:{port}")] if granted else []
    public = address.is_global and not address.is_multicast
    assume(inner(address) == address)
    event(f"public: {public}")

    assert may_dial(str(address), port, ranges) == (public or granted)
    assert may_dial(str(address), port + 1, ranges) == public


@pytest.mark.proves("CP-3")
def test_addresses_of_the_inside_are_not_public() -> None:
    for inside in (
        "127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "224.0.0.1", "0.0.0.0", "::1",  # noqa: S104
        "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "100.64.0.1",
        "64:ff9b::7f00:1", "2002:7f00:1::",
    ):  # fmt: skip
        assert not may_dial(inside, 443, [])
    assert may_dial("93.184.215.14", 443, [])
