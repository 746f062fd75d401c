"""Compressed bodies: taken where an app says so, and never more than they may be."""

import gzip
import zlib
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import App
from runtime.ingress.inflating import inflate
from runtime.timescape import Refusal
from tests.faces.asgi import Reply
from tests.faces.guarded import Site
from tests.faces.test_http_media import send, shop

Pack = Callable[[bytes], bytes]
CODINGS: list[tuple[str, Pack]] = [("gzip", gzip.compress), ("deflate", zlib.compress)]


def packed(coding: str, body: bytes, **settings: Any) -> tuple[Reply, list[Any]]:
    site, seen = shop(**{"decompress": True, **settings})
    return send(site, "/anything", body, "application/json", ("content-encoding", coding)), seen


@pytest.mark.proves("IN-3")
@pytest.mark.parametrize(("coding", "pack"), CODINGS)
def test_a_compressed_body_is_taken_where_the_app_says_so(coding: str, pack: Pack) -> None:
    body = msgspec.json.encode(["tea"] * 1_000)

    assert packed(coding, pack(body))[1] == [["tea"] * 1_000]
    assert packed(coding.upper(), pack(body))[0].status == 204
    refused, _ = packed(coding, pack(body), decompress=False)
    assert (refused.status, refused.code) == (415, "encoding-unsupported")
    assert refused.header("accept-encoding") == "identity"


@pytest.mark.proves("IN-3")
def test_a_handler_may_take_compressed_bodies_alone_or_say_no() -> None:
    for app_says, handler_says, status in ((False, True, 204), (True, False, 415)):
        site = Site(decompress=app_says)
        site.handler("POST /mine", None, decompress=handler_says)

        reply = send(
            site, "/mine", gzip.compress(b"1"), "application/json", ("content-encoding", "gzip")
        )

        assert reply.status == status
        assert site.app.manifests[0].policies.decompress == handler_says


@pytest.mark.proves("IN-3")
@pytest.mark.parametrize(
    ("body", "coding", "status", "code"),
    [
        (b"", "gzip", 204, ""),
        (gzip.compress(b"[1]")[:-3], "gzip", 400, "malformed-body"),
        (gzip.compress(b"[1]") + gzip.compress(b"[2]"), "gzip", 400, "malformed-body"),
        (gzip.compress(b"[1]") + b"more", "gzip", 400, "malformed-body"),
        (b"[1]", "gzip", 400, "malformed-body"),
        (zlib.compress(b"[1]"), "gzip", 400, "malformed-body"),
        (b"[1]", "br", 415, "encoding-unsupported"),
        (gzip.compress(gzip.compress(b"[1]")), "gzip, gzip", 415, "encoding-unsupported"),
        (gzip.compress(b" " * 2_000_000), "gzip", 413, "body-too-large"),
        (gzip.compress(b" " * 500_000), "gzip", 413, "body-too-large"),
        (gzip.compress(b"[1]" + b" " * 60_000), "gzip", 204, ""),
    ],
    # Named here: gzip writes the time into its bytes, and every worker must find the same tests.
    ids=[
        "empty", "cut", "two", "more after it", "not compressed", "deflate", "unknown", "twice",
        "far above", "above", "within",
    ],
)  # fmt: skip
def test_a_compressed_body_that_is_broken_or_too_much_is_refused(
    body: bytes, coding: str, status: int, code: str
) -> None:
    reply, _ = packed(coding, body)

    assert reply.status == status
    assert not code or reply.code == code
    if status == 415:
        assert reply.header("accept-encoding") == "gzip, deflate"


@pytest.mark.proves("IN-3")
@given(
    st.binary(max_size=300), st.integers(1, 400), st.sampled_from(CODINGS), st.integers(50, 90_000)
)
def test_what_is_inflated_is_what_was_compressed_or_above_a_bound(
    piece: bytes, times: int, coded: tuple[str, Pack], limit: int
) -> None:
    coding, pack = coded
    body = piece * times
    raw = pack(body)

    found = inflate(raw, coding, limit)

    if len(body) <= min(limit, max(64 * 1024, 100 * len(raw))):
        assert found == body
    else:
        assert isinstance(found, Refusal)
        assert found.status == 413


@pytest.mark.proves("IN-3", "MG-8")
def test_whether_to_decompress_is_yes_or_no() -> None:
    with pytest.raises(ValueError, match="decompress"):
        App("shop", decompress=1)  # type: ignore[arg-type]
