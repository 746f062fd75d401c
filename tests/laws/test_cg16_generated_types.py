"""CG-16 over types: what is generated from a type takes what the type takes."""

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

from runtime.codegen.components import Components
from runtime.codegen.operations import service
from runtime.codegen.python_calls import _root
from runtime.codegen.python_sdk import types_module
from runtime.codegen.samples import sample
from runtime.codegen.syntax import module
from runtime.codegen.typescript_sdk import typescript_sdk
from runtime.gtype import PlainChecker, gtype
from runtime.gtype.stored import Stored
from runtime.manifests.handler import stored_type
from tests.runtime.codegen.manifests import manifest
from tests.runtime.json_schema import conforms
from tests.runtime.schemas import Schema, schemas

NAME = "generated_for_a_law"


@contextmanager
def generated(hint: Any) -> Iterator[Any]:
    """Run the generated module of types; give the hint that a body of *hint* has in it."""
    import ast  # noqa: PLC0415

    known = service([manifest(body=hint)], python=True)
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


@pytest.mark.proves("CG-16", "CG-6")
@given(st.data(), schemas(2))
def test_cg16_a_generated_type_reads_and_writes_what_its_type_does(
    data: st.DataObject, schema: Schema
) -> None:
    raw = msgspec.json.encode(data.draw(schema.values))
    theirs = msgspec.json.Decoder(schema.hint)

    with generated(schema.hint) as hint:
        event(f"struct: {'Made' in str(hint)}")
        ours = msgspec.json.Decoder(hint)
        written = msgspec.json.encode(ours.decode(raw))

        assert theirs.decode(written) == theirs.decode(raw)


def inlined(schema: Any) -> Any:
    """Give a schema as our reader of JSON Schema has it."""
    return json.loads(json.dumps(schema).replace("#/components/schemas/", "#/$defs/"))


@pytest.mark.proves("CG-16", "CG-11")
@given(st.data(), schemas(2))
def test_cg16_a_schema_among_the_components_takes_what_its_type_takes(
    data: st.DataObject, schema: Schema
) -> None:
    components = Components()
    components.schema(stored_type(gtype(dict[str, schema.hint])), "request")  # type: ignore[name-defined]
    stored = stored_type(gtype(schema.hint))
    document = inlined(components.schema(stored, "request"))
    document["$defs"] = inlined(components.schemas)
    value = data.draw(schema.values)

    assert conforms(document, value)
    check_sample(stored, document)


def check_sample(stored: Stored, document: Any) -> None:
    """Hold that an example is one, to both."""
    found = sample(stored)
    event(f"sample: {found is not None}")
    if found is not None:
        made = gtype(Any) if stored is None else None
        assert made is None
        assert conforms(document, found[0])


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
