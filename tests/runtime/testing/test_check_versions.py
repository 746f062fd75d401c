"""All versions of a route, and transformers between them, are held to their word (CT-2, TX-8)."""

from typing import Annotated, Any

import msgspec
import pytest

from runtime import App, Parts, Request
from runtime.errors import TransformerError, VersionNotFound
from runtime.testing.version_contracts import check_versions

OLD, NEW = "2026-03-01", "2026-10-01"


class Grams(msgspec.Struct):
    grams: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class Weight(msgspec.Struct):
    value: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
    unit: str = "g"


class Cents(msgspec.Struct):
    cents: int


class Price(msgspec.Struct):
    cents: int
    currency: str


class Paging(msgspec.Struct):
    page: int = 1


def up(parts: Parts) -> Parts:
    parts.body = {"value": parts.body["grams"]}
    return parts


async def back(parts: Parts) -> Parts:
    parts.body = {"grams": parts.body["value"]}
    return parts


def down(parts: Parts) -> Parts:
    parts.body = {"cents": parts.body["cents"]}
    return parts


def parcels(**functions: Any) -> App:
    app = App("parcels")

    @app.handler("POST /quotes/{of:int}", version=OLD, query=Paging)
    async def first(req: Request[Grams]) -> Cents:
        return Cents(req.body.grams)

    @app.handler("POST /quotes/{of:int}", version=NEW, query=Paging)
    async def second(req: Request[Weight]) -> Price:
        return Price(req.body.value, "EUR")

    if functions:
        app.transformer("POST /quotes/{of:int}", OLD, NEW, **functions)
    return app


@pytest.mark.proves("CT-2", "TX-8")
def test_versions_that_keep_their_word_pass() -> None:
    def response_up(parts: Parts) -> Parts:
        parts.body = {**parts.body, "currency": "EUR"}
        return parts

    check_versions(parcels(), "POST /quotes/{of:int}", examples=3)
    whole = parcels(
        request_up=up, response_down=down, request_down=back, response_up=response_up,
        lossless=True,
    )  # fmt: skip
    check_versions(whole, "POST /quotes/{of:int}", examples=8)


def partial(parts: Parts) -> Parts:
    if parts.body["grams"] > 100:
        raise ValueError(parts.body["grams"])
    return up(parts)


def beside(parts: Parts) -> Parts:
    parts.body = {"value": str(parts.body["grams"])}
    return parts


def odd_query(parts: Parts) -> Parts:
    parts.query = {"page": "first"}
    return up(parts)


def keeps_all(parts: Parts) -> Parts:
    parts.body = {"cents": str(parts.body["cents"])}
    return parts


def lossy(parts: Parts) -> Parts:
    parts.body = {"value": parts.body["grams"] // 10}
    return parts


def moody(parts: Parts) -> Parts:
    calls.append(1)
    parts.body = {"value": len(calls)}
    return parts


calls: list[int] = []


@pytest.mark.proves("CT-2", "TX-8")
@pytest.mark.parametrize(
    ("functions", "said"),
    [
        ({"request_up": partial}, "raised ValueError"),
        ({"request_up": beside}, "gave what its target refuses"),
        ({"request_up": odd_query}, "gave what its target refuses"),
        ({"request_up": lambda parts: parts.body}, "gave {"),
        ({"response_down": keeps_all}, "gave what its target refuses"),
        ({"request_up": moody}, "another thing the second time"),
        ({"request_up": lossy, "request_down": back, "lossless": True}, "is not lossless"),
    ],
)
def test_what_does_not_keep_its_word_is_found_with_a_witness(
    functions: dict[str, Any], said: str
) -> None:
    app = parcels(**functions)
    with pytest.raises(AssertionError, match=said) as found:
        check_versions(app, "POST /quotes/{of:int}", examples=30)

    assert f"of {OLD} and {NEW}" in str(found.value)
    assert "of Parts(" in str(found.value)


@pytest.mark.proves("CT-2", "TX-1")
def test_what_cannot_be_checked_is_refused() -> None:
    with pytest.raises(VersionNotFound):
        check_versions(parcels(), "GET /nowhere")
    with pytest.raises(TransformerError, match="one way only"):
        parcels(request_up=up, response_down=down, lossless=True)

    app = parcels()
    app.transformer(
        "POST /quotes/{of:int}", "tsv:1-post-quotes-of-001", "tsv:2-post-quotes-of-002",
        request_up=up,
    )  # fmt: skip
    with pytest.raises(TransformerError, match="Join editions"):
        check_versions(app, "POST /quotes/{of:int}", examples=1)
