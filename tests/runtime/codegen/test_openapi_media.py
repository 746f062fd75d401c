"""An OpenAPI document says every media type that a handler takes and answers (CG-11, IN-9)."""

import datetime as dt
from typing import Any

import msgspec
import pytest
from hypothesis import event, given

from runtime import App, Request
from runtime.app.gathering import of_app
from runtime.codegen import render
from runtime.codegen.openapi_media import FORM, JSON, MSGPACK, MULTIPART, takes_forms
from runtime.gtype import form_reader, gtype
from runtime.gtype.stored import VERSION, Stored
from runtime.testing import Harness
from tests.runtime.schemas import Schema, schemas


class Plain(msgspec.Struct):
    n: int
    at: dt.date
    tags: list[str] = []
    note: str | None = None
    file: bytes | None = None


class Nested(msgspec.Struct):
    inner: Plain


class Placed(msgspec.Struct, array_like=True):
    n: int


def stored(hint: Any) -> Stored:
    made = gtype(hint)
    return Stored(VERSION, made.root, made.objects)


@pytest.mark.proves("CG-11", "IN-9")
@given(schemas())
def test_a_document_promises_forms_where_a_server_reads_them(schema: Schema) -> None:
    """Seen to fail with arrays of objects taken for fields of a form."""
    said = takes_forms(stored(schema.hint))

    assert said == (form_reader(schema.hint) is not None)
    event(f"forms: {said}")


@pytest.mark.proves("CG-11", "IN-9")
def test_what_can_be_written_as_a_form() -> None:
    yes: list[Any] = [Plain, Plain | None, dict[str, int], dict[str, list[int]], Any]
    no: list[Any] = [Nested, Placed, list[int], int, dict[str, Plain], dict[str, Any]]

    assert [takes_forms(stored(each)) for each in [*yes, *no]] == [True] * 5 + [False] * 6
    assert [form_reader(each) is not None for each in [*yes, *no]] == [True] * 5 + [False] * 6


def taking_all() -> App:
    app = App("media")

    @app.handler("POST /plain")
    async def plain(req: Request[Plain]) -> Plain:
        return req.body

    @app.handler("POST /nested")
    async def nested(req: Request[Nested]) -> int:
        return req.body.inner.n

    @app.handler("POST /raw")
    async def raw(req: Request[bytes]) -> bytes:
        return req.body

    return app


@pytest.mark.proves("CG-11", "IN-9", "RS-3")
def test_what_a_document_says_is_taken_and_answered() -> None:
    app = taking_all()
    made = render("openapi", "python", declared=of_app(app), tool="0", at=None)
    document = msgspec.json.decode(made.files["openapi.json"])
    said = {path: item["post"] for path, item in document["paths"].items()}

    def content(path: str) -> list[str]:
        return list(said[path]["requestBody"]["content"])

    assert content("/plain") == [JSON, MSGPACK, FORM, MULTIPART]
    assert content("/nested") == [JSON, MSGPACK]
    assert content("/raw") == ["application/octet-stream"]
    assert all("schema" in each for each in said["/raw"]["requestBody"]["content"].values())
    form = said["/plain"]["requestBody"]["content"][FORM]["schema"]
    assert "$ref" not in form
    assert sorted(form["properties"]) == ["at", "file", "n", "note", "tags"]
    parts = said["/plain"]["requestBody"]["content"][MULTIPART]["schema"]
    assert parts["properties"] == form["properties"]
    assert "timescape[multipart]" in parts["description"]
    assert form["properties"]["file"] == {"type": "string", "format": "binary"}
    assert form["properties"]["note"] == {"type": "string"}  # None is not to be there

    value = {"n": 7, "at": "2026-01-02", "tags": ["a", "b"], "note": None, "file": "AP8="}
    bodies = {
        JSON: msgspec.json.encode(value),
        MSGPACK: msgspec.msgpack.encode(value),
        FORM: b"n=7&at=2026-01-02&tags=a&tags=b&file=%00%FF",
        MULTIPART: b"".join(
            b'--XX\r\ncontent-disposition: form-data; name="%s"\r\n\r\n%s\r\n' % part
            for part in [(b"n", b"7"), (b"at", b"2026-01-02"), (b"tags", b"a"), (b"tags", b"b"),
                         (b"file", b"\x00\xff")]
        ) + b"--XX--\r\n",
    }  # fmt: skip
    with Harness(app) as asked:
        for media in content("/plain"):
            for wanted in said["/plain"]["responses"]["200"]["content"]:
                asking = asked.request("POST", "/plain").with_body(bodies[media])
                written = f"{media}; boundary=XX" if media == MULTIPART else media
                asking = asking.with_header("content-type", written).with_header("accept", wanted)
                result = asked.send(asking).assert_status(200)
                assert result.headers["content-type"] == wanted
                read = msgspec.msgpack if wanted == MSGPACK else msgspec.json
                assert read.decode(result.body) == value
