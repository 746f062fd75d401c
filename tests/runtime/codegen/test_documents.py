"""OpenAPI documents, TypeScript, and what is selected (CG-1, CG-2, CG-10, CG-11)."""

import json
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from debugger.demo.shop import app as shop
from runtime.codegen import difference, render, write
from runtime.codegen.bundle import Declarations
from runtime.codegen.rendering import Rendered
from runtime.errors import GenerateError, NothingSelectedError
from runtime.manifests import from_json, to_json
from tests.generated.kept import FOLDER, rendered
from tests.generated.odd_app import app as odd
from tests.runtime.codegen.manifests import manifest
from tests.runtime.json_schema import conforms


class Item(msgspec.Struct):
    sku: str
    size: Literal["s", "l"] = "s"


class Other(msgspec.Struct):
    item: Item


def made(target: str, *manifests: Any, lang: str = "python", at: str | None = None) -> Rendered:
    return render(target, lang, declared=Declarations("shop", tuple(manifests)), tool="1", at=at)


def document(*manifests: Any, at: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(made("openapi", *manifests, at=at).files["openapi.json"])
    return found


@pytest.mark.proves("CG-6")
def test_the_kept_clients_are_what_is_generated() -> None:
    behind = {name: difference(FOLDER / name, each) for name, each in rendered().items()}

    assert [name for name, lines in behind.items() if lines] == [], (
        "run `python -m tests.generated`"
    )


@pytest.mark.proves("CG-11")
def test_a_document_has_every_route_and_its_examples_conform() -> None:
    found = document(*odd.manifests)
    schemas = found["components"]["schemas"]
    defs = json.loads(json.dumps(schemas).replace("#/components/schemas/", "#/$defs/"))

    assert found["openapi"] == "3.1.0"
    assert sorted(found["paths"]) == [
        "/any", "/maybe/{name}", "/odd/{class}/{body}", "/odd/{id}", "/raw", "/öd+d/{rest}",
    ]  # fmt: skip
    seen = 0
    for item in found["paths"].values():
        for operation in item.values():
            content = operation.get("requestBody", {}).get("content", {})
            for media in content.values():
                if "example" in media:
                    seen += 1
                    schema = json.loads(
                        json.dumps(media["schema"]).replace("#/components/schemas/", "#/$defs/")
                    )
                    assert conforms({**schema, "$defs": defs}, media["example"])
    assert seen == 0  # the one body has a pattern, which no example is guessed for


@pytest.mark.proves("CG-11")
def test_every_reference_of_a_document_leads_somewhere() -> None:
    text = made("openapi", *shop.manifests).files["openapi.json"]
    found = json.loads(text)
    refs = {line.split('"')[3] for line in text.splitlines() if '"$ref":' in line}

    assert refs == {f"#/components/schemas/{name}" for name in found["components"]["schemas"]}
    order = found["paths"]["/orders"]["post"]
    assert order["x-timescape-version"] == "2026-10-01"
    assert order["requestBody"]["content"]["application/json"]["example"]["card"] == "text"
    assert "application/problem+json" in order["responses"]["default"]["content"]


@pytest.mark.proves("CG-11")
def test_two_types_of_one_name_are_numbered_and_told() -> None:
    one = msgspec.defstruct("Item", [("sku", int)])
    both = made("openapi", manifest("a", body=Item), manifest("b", path="/b", body=one))
    found = json.loads(both.files["openapi.json"])["components"]["schemas"]

    assert sorted(found) == ["Item", "Item_2", "Problem"]
    assert both.changed["Item"] == "Item_2"


@pytest.mark.proves("CG-11")
def test_paths_that_differ_by_names_of_parameters_stand_under_one() -> None:
    found = document(
        manifest("a", method="GET", path="/a/{x}/{y:int}"),
        manifest("b", method="PUT", path="/a/{p}/{q:int}"),
    )

    assert list(found["paths"]) == ["/a/{x}/{y}"]
    assert [p["name"] for p in found["paths"]["/a/{x}/{y}"]["put"]["parameters"]] == ["x", "y"]


@pytest.mark.proves("CG-11")
def test_a_document_says_who_may_call() -> None:
    open_to_all = manifest("a")
    policies = msgspec.structs.replace(open_to_all.policies, auth="required", roles=("seller",))
    guarded = msgspec.structs.replace(manifest("b", path="/b"), policies=policies)
    found = document(open_to_all, guarded)

    assert "security" not in found["paths"]["/things"]["post"]
    assert found["paths"]["/b"]["post"]["security"] == [{"caller": []}]
    assert found["paths"]["/b"]["post"]["x-timescape-roles"] == ["seller"]
    assert found["components"]["securitySchemes"]["caller"]["scheme"] == "bearer"


@pytest.mark.proves("CG-1")
def test_each_handler_is_taken_in_the_newest_version_or_as_of_an_edition() -> None:
    known = [manifest(version=version) for version in ("2026-01-01", "2026-06-01")]

    def version(at: str | None) -> Any:
        return document(*known, at=at)["paths"]["/things"]["post"]["x-timescape-version"]

    assert version(None) == "2026-06-01"
    assert version("2026-05-31") == "2026-01-01"
    with pytest.raises(NothingSelectedError, match="2025-01-01"):
        version("2025-01-01")
    with pytest.raises(GenerateError, match="no edition"):
        version("stable")


@pytest.mark.proves("CG-2", "CG-1")
@pytest.mark.parametrize("target", ["sdk", "types", "openapi"])
@pytest.mark.parametrize("lang", ["python", "typescript"])
def test_the_same_manifests_give_the_same_bytes(target: str, lang: str) -> None:
    known = shop.manifests
    read_back = [from_json(to_json(each)) for each in reversed(known)]

    assert made(target, *known, lang=lang) == made(target, *read_back, lang=lang)


@pytest.mark.proves("CG-2")
def test_code_that_moves_leaves_generated_files_as_they_are() -> None:
    one = manifest(body=Other)
    other = msgspec.structs.replace(one, source=msgspec.structs.replace(one.source, line=9))

    assert made("sdk", one) == made("sdk", other)


@pytest.mark.proves("CG-10")
def test_typescript_tells_null_from_absent_and_quotes_odd_names() -> None:
    fields: Any = [
        ("a", int | None),
        ("b", int, 1),
        ("c", int, msgspec.field(name="odd-name")),
        ("d", int, msgspec.field(name="__proto__", default=0)),
    ]
    sent = msgspec.defstruct("Sent", fields, kw_only=True)
    text = made("types", manifest(body=sent, answer=Item), lang="typescript").files["types.ts"]

    assert "  a: number | null;\n  b?: number;\n" in text
    assert '  "odd-name": number;\n  ["__proto__"]?: number;\n' in text
    assert '  size: "l" | "s" | (string & {});\n' in text


@pytest.mark.proves("CG-12")
def test_types_come_as_dictionaries_too() -> None:
    text = made("types", *odd.manifests).files["dicts.py"]
    assert "export {}" not in made("sdk", manifest(), lang="typescript").files["client.ts"]
    known: dict[str, Any] = {}
    exec(compile(text, "dicts.py", "exec"), known)  # noqa: S102 - what is tested

    assert known["Odd"].__required_keys__ == {"class", "odd-name"}
    assert {"list", "'; import os; '", "__proto__"} <= known["Odd"].__optional_keys__
    assert known["Cat"].__annotations__["type"] == Literal["cat"]


@pytest.mark.proves("CG-3")
def test_files_of_others_stay_and_unchanged_ones_are_not_touched(tmp_path: Path) -> None:
    first = write(tmp_path, made("openapi", manifest(body=Item)))
    stamp = (tmp_path / "openapi.json").stat().st_mtime_ns
    again = write(tmp_path, made("openapi", manifest(body=Item)))
    (tmp_path / "types.ts").write_text("mine", "utf-8")
    refused = write(tmp_path, made("types", manifest(body=Item), lang="typescript"))

    assert (first.changed, again.changed, refused.refused) == (
        ("openapi.json",), (), ("types.ts",),
    )  # fmt: skip
    assert (tmp_path / "openapi.json").stat().st_mtime_ns == stamp
    assert (tmp_path / "types.ts").read_text("utf-8") == "mine"
    forced = write(tmp_path, made("types", manifest(body=Item), lang="typescript"), force=True)
    assert forced.changed == ("types.ts",)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["openapi.json", "types.ts"]


@pytest.mark.proves("CG-3")
def test_only_files_of_the_same_target_are_removed(tmp_path: Path) -> None:
    old = made("sdk", manifest(body=Item))
    write(
        tmp_path, msgspec.structs.replace(old, files={**old.files, "old.py": old.files["types.py"]})
    )
    write(tmp_path, made("openapi", manifest(body=Item)))
    (tmp_path / "own.py").write_text("mine", "utf-8")

    done = write(tmp_path, old)

    assert done.removed == ("old.py",)
    assert {"openapi.json", "own.py", "client.py"} <= {path.name for path in tmp_path.iterdir()}
