"""CG-16 over types: what is generated from a type takes what the type takes."""

import ast
import json
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime.codegen.client.opening import opened
from runtime.codegen.components import Components
from runtime.codegen.operations import service
from runtime.codegen.python_calls import _root
from runtime.codegen.python_sdk import types_module
from runtime.codegen.samples import sample
from runtime.codegen.syntax import module
from runtime.codegen.typescript_sdk import typescript_sdk
from runtime.gtype import PlainChecker, gtype
from runtime.manifests import HandlerManifest
from runtime.manifests.handler import stored_type
from tests.runtime.codegen.manifests import manifest
from tests.runtime.json_schema import conforms
from tests.runtime.schemas import Schema, schemas

NAME = "generated_for_a_law"


@contextmanager
def generated(declared: HandlerManifest) -> Iterator[Any]:
    """Run the generated module of types; give the hint that the body has in it."""
    known = service([declared], python=True)
    scope = known.operations[0].body
    assert scope is not None
    text = module("", types_module(known)) + f"\n_root = {ast.unparse(_root(scope))}\n"
    made = types.ModuleType(NAME)
    sys.modules[NAME] = made
    try:
        made.__dict__["_types"] = made
        exec(compile(text, NAME, "exec"), made.__dict__)  # noqa: S102 - what is tested
        yield made.__dict__["_root"]
    finally:
        del sys.modules[NAME]


def inlined(schema: Any) -> Any:
    """Give a schema as our reader of JSON Schema has it."""
    return json.loads(json.dumps(schema).replace("#/components/schemas/", "#/$defs/"))


@pytest.mark.proves("CG-16", "CG-6", "CG-9", "CG-11")
@given(st.data(), schemas(1))
def test_cg16_generated_types_and_schemas_take_what_their_type_takes(
    data: st.DataObject, schema: Schema
) -> None:
    raw = msgspec.json.encode([data.draw(schema.values)])
    hinted: Any = list[schema.hint]  # type: ignore[name-defined]
    theirs = msgspec.json.Decoder(hinted)
    known = manifest(body=hinted)
    stored = known.body
    assert stored is not None

    with generated(known) as hint:
        event(f"struct: {'Made' in str(hint)}")
        value = msgspec.json.Decoder(hint).decode(raw)
        written = msgspec.json.encode(value)
        read, unknown = opened(raw, hint)
    components = Components()
    document = inlined(components.schema(stored, "request"))
    document["$defs"] = inlined(components.schemas)
    example = sample(stored)

    assert theirs.decode(written) == theirs.decode(raw)
    assert (msgspec.json.encode(read), unknown) == (written, ())
    assert conforms(document, json.loads(raw))
    event(f"example: {example is not None}")
    if example is not None:
        theirs.decode(msgspec.json.encode(example[0]))
        assert conforms(document, example[0])


@pytest.mark.proves("CG-4", "CG-5")
@given(st.text(), st.text(), st.text(max_size=8))
def test_cg04_no_text_of_a_manifest_becomes_code(doc: str, title: str, name: str) -> None:
    fields: Any = [("a", int, msgspec.field(name=_writable(name)))]
    made = msgspec.defstruct("Odd", fields)
    known = manifest(f"h-{title}", body=made, doc=doc, path="/things")

    python = service([known], python=True)
    module("", types_module(python))
    text = typescript_sdk(service([known], python=False), "h")["client.ts"]

    assert text.count("/**") == text.count("*/")
    compile(module("", types_module(python)), "types.py", "exec")


def _writable(name: str) -> str:
    return "".join(c for c in name if c not in '"\\' and c >= " ") or "x"


@pytest.mark.proves("GT-17", "CG-11")
def test_an_example_is_what_its_type_takes() -> None:
    class Item(msgspec.Struct):
        sku: str
        price: float

    stored = stored_type(gtype(list[Item]))
    found = sample(stored)

    assert found == ([],)
    assert not PlainChecker(gtype(list[Item])).issues(found[0]).issues
