"""CG-12: generated validators find what the collecting pass finds, and need nothing of ours."""

import subprocess
import sys
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from debugger.demo.shop import app as shop
from runtime import Email, Pattern, Sensitive
from runtime.app.gathering import of_app
from runtime.codegen import render
from runtime.codegen.operations import service
from runtime.codegen.python_validators import python_validators
from runtime.gtype import PlainChecker, gtype
from runtime.manifests import HandlerManifest
from runtime.testing.strategies import one_fault_away, values
from tests.faces.command_line import run
from tests.generated.loading import imported
from tests.runtime.codegen.manifests import manifest
from tests.runtime.schemas import schemas


class Odd(msgspec.Struct, forbid_unknown_fields=True):
    mail: Annotated[str, Email]
    code: Annotated[str, Pattern("[A-Z]{3}-[0-9]+")]
    card: Annotated[dict[str, int], Sensitive]
    more: "list[Odd]" = []


class Bounded(msgspec.Struct):
    """Every kind of limit."""

    n: Annotated[int, msgspec.Meta(ge=1, le=9, multiple_of=2)]
    items: Annotated[list[bool], msgspec.Meta(min_length=1, max_length=2)]
    x: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.5
    text: Annotated[str, msgspec.Meta(min_length=2, max_length=4)] = "ab"
    named: Annotated[dict[str, int], msgspec.Meta(max_length=1)] = {}
    one: Literal["a", 1] = "a"


NEAR = st.fixed_dictionaries(
    {"n": st.integers(-3, 12), "items": st.lists(st.booleans(), max_size=3)},
    optional={
        "x": st.sampled_from([-1.0, 0, 0.5, 1, "x"]), "text": st.text(max_size=5),
        "named": st.dictionaries(st.sampled_from("ab"), st.integers()),
        "one": st.sampled_from(["a", 1, True, "b"]),
    },
)  # fmt: skip
"""Values about the limits of `Bounded`."""
ODD = gtype(Odd)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
)


def made(known: HandlerManifest) -> dict[str, str]:
    return python_validators(service([known], python=True), "h")[0]


def said(package: Any, name: str, value: Any) -> tuple[list[Any], bool, Any]:
    """What a validator makes of a value: issues, whether there are more, the value."""
    try:
        return [], False, getattr(package, name)(value)
    except package.ValidationFailed as error:
        return [msgspec.to_builtins(each) for each in error.issues], error.truncated, None


def expected(checker: PlainChecker, value: Any) -> tuple[list[Any], bool]:
    found = checker.issues(value)
    return [msgspec.to_builtins(each) for each in found.issues], found.truncated


@pytest.mark.proves("CG-12", "GT-15")
@given(st.data(), st.just(Bounded) | schemas(1).map(lambda schema: schema.hint))
def test_cg12_a_validator_finds_what_the_server_finds(data: st.DataObject, inner: Any) -> None:
    """Seen to fail with `at least` read as `at most` in what is copied."""
    hinted: Any = GenericAlias(list, (inner,))
    kind = gtype(hinted)
    drawn = data.draw(st.one_of(values(kind), one_fault_away(kind), JSON, st.lists(NEAR)))
    known = manifest(body=hinted)

    with imported(made(known)) as package:
        name = next(n for n in package.__all__ if n.endswith("_body"))
        issues, truncated, value = said(package, name, drawn)
        twice = said(package, name, drawn)

    event("conforms" if not issues else "does not")
    assert (issues, truncated) == expected(PlainChecker(kind), drawn)
    assert twice == (issues, truncated, value)
    assert issues or isinstance(value, list)


@pytest.mark.proves("CG-12", "GT-13", "GT-14")
def test_forms_patterns_and_what_is_sensitive_are_told_as_by_the_server() -> None:
    good = {"mail": "a@b.example", "code": "ABC-1", "card": {"x": 1}}
    bad = {"mail": "a", "code": "abc", "card": {"4111": "x"}, "more": [{**good, "z": 1}, 7]}

    with imported(made(manifest(body=Odd))) as package:
        assert package.validate_odd(good) == package.types.Odd(**good)
        found = said(package, "validate_odd", bad)
        assert all("4111" not in str(each) for each in found[0])
        assert found[:2] == expected(PlainChecker(ODD), bad)

    assert [each["path"] for each in found[0]][:2] == ["/mail", "/code"]


@pytest.mark.proves("CG-12", "CG-5")
def test_types_whose_functions_would_be_named_alike_are_numbered_and_told() -> None:
    one = msgspec.defstruct("BigBox", [("n", int)])
    other = msgspec.defstruct("Big_Box", [("m", int)])
    hint: Any = GenericAlias(tuple, (one, other))

    files, changed = python_validators(service([manifest(body=hint)], python=True), "h")

    assert changed == {"Big_Box": "validate_big_box_2"}
    with imported(files) as package:
        assert package.validate_big_box({"n": 1}).n == 1
        assert package.validate_big_box_2({"m": 2}).m == 2


@pytest.mark.proves("CG-12", "CG-3", "CG-15")
def test_a_package_needs_msgspec_and_the_pattern_engine_alone(tmp_path: Path) -> None:
    words = ["generate", "validators", "debugger.demo.shop:app", "--out", str(tmp_path / "made")]
    program = (
        "import made, sys\n"
        "made.validate_item({'sku': 'tea', 'quantity': 2})\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "ours = {'runtime', 'eventstore', 'debugger', 'sqlalchemy', 'httpx', 'hypothesis'}\n"
        "print(sorted(loaded & (ours | {'re2', 'msgspec'})))\n"
    )

    first, again = run(*words), run(*words, "--check")
    bare = [sys.executable, "-c", program]
    done = subprocess.run(bare, cwd=tmp_path, capture_output=True, check=True, text=True)

    assert [each.status for each in (first, again)] == [0, 0]
    assert done.stdout == "['msgspec', 're2']\n"
    texts = [path.read_text("utf-8") for path in (tmp_path / "made").glob("*.py")]
    assert not any("import runtime" in text or "from runtime" in text for text in texts)
    assert run(*words, "--lang", "typescript").status == 2
    assert render("validators", "python", declared=of_app(shop), tool="1").files.keys() > {
        "py.typed"
    }
