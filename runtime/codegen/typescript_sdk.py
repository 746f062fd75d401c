"""A TypeScript client: one ES module that needs nothing but `fetch` (CG-10)."""

import importlib.resources
from collections.abc import Sequence

import msgspec

from runtime.codegen.naming import members
from runtime.codegen.operations import Operation, Service
from runtime.codegen.typescript_types import Types, asked_for, comments, interfaces
from runtime.codegen.typescript_words import braces, comment, literal, member

_PATH = {"int": "number", "float": "number"}
_RESERVED = ("body", "query")


class _Given(msgspec.Struct, frozen=True):
    """One member of a method's argument."""

    name: str
    wire: str
    kind: str
    required: bool
    part: str
    """path, query or body."""


def typescript_sdk(service: Service, header: str) -> dict[str, str]:
    """Give the files of a client, by name."""
    fixed = importlib.resources.files("runtime.codegen.client").joinpath("client.ts")
    types = Types(asked_for(service), "types.")
    lines = [*comments(header), ""]
    lines += [*braces("export namespace types", interfaces(service)), ""]
    lines += [fixed.read_text("utf-8")]
    lines += ["/** The same methods; their answers have status and headers, too. */"]
    lines += [*_class("RawClient", service.operations, types, is_raw=True), ""]
    lines += [*_class("Client", service.operations, types, is_raw=False), ""]
    return {"client.ts": "\n".join(lines)}


def _class(name: str, operations: Sequence[Operation], types: Types, *, is_raw: bool) -> list[str]:
    body = ["private readonly sender: Sender;"] if is_raw else ["readonly raw: RawClient;"]
    made = "this.sender = new Sender(options);" if is_raw else "this.raw = new RawClient(options);"
    body += braces("constructor(options: ClientOptions)", [made])
    for operation in operations:
        given = _given(operation, types)
        body += ["", *comment(operation.doc)]
        body += _method(operation, given, _returned(operation, types), is_raw=is_raw)
    return braces(f"export class {name}", body)


def _given(operation: Operation, types: Types) -> list[_Given]:
    fields = operation.query_fields
    names = members([n for n, _ in operation.params] + [f.name for f in fields], _RESERVED)
    count = len(operation.params)
    found = [
        _Given(name, wire, _PATH.get(kind, "string"), required=True, part="path")
        for name, (wire, kind) in zip(names, operation.params, strict=False)
    ]
    if operation.query is None:
        found.append(_Given("query", "", "Record<string, string>", required=False, part="query"))
    else:
        for name, field in zip(names[count:], fields, strict=True):
            kind = types.part(field.type, operation.query)
            found.append(_Given(name, field.name, kind, required=field.required, part="query"))
    return [*found, *_body(operation, types)]


def _body(operation: Operation, types: Types) -> list[_Given]:
    if operation.sends == "nothing":
        return []
    if operation.sends == "raw":
        return [_Given("body", "", "BodyInit", required=True, part="body")]
    if operation.body is None:
        return [_Given("body", "", "unknown", required=False, part="body")]
    kind = types.part(operation.body.stored.root, operation.body)
    return [_Given("body", "", kind, required=True, part="body")]


def _returned(operation: Operation, types: Types) -> str:
    if operation.answer is not None:
        return types.part(operation.answer.stored.root, operation.answer, open_=True)
    return {"nothing": "void", "raw": "Uint8Array"}.get(operation.gets, "unknown")


def _method(
    operation: Operation, given: Sequence[_Given], returns: str, *, is_raw: bool
) -> list[str]:
    inner = "; ".join(f"{m.name}{'' if m.required else '?'}: {m.kind}" for m in given)
    default = "" if any(m.required for m in given) else " = {}"
    args = f"args: {{ {inner} }}{default}, options: CallOptions = {{}}"
    kind = f"Answer<{returns}>" if is_raw else returns
    head = f"async {operation.name}({args}): Promise<{kind}>"
    if not is_raw:
        return braces(head, [f"return (await this.raw.{operation.name}(args, options)).value;"])
    return braces(head, braces("return this.sender.send(", _call(operation, given), ", options);"))


def _call(operation: Operation, given: Sequence[_Given]) -> list[str]:
    media = "application/octet-stream" if operation.sends == "raw" else "application/json"
    gets = operation.gets if operation.gets in {"raw", "nothing"} else "json"
    return [
        f"handler: {literal(operation.handler)},",
        f"method: {literal(operation.method)},",
        f"path: {_path(operation, given)},",
        f"version: {literal(operation.version)},",
        f"query: {_query(operation, given)},",
        f"body: {_sent(operation)},",
        f"media: {literal(media)},",
        f"gets: {literal(gets)},",
        f"takesKey: {literal(operation.takes_key)},",
    ]


def _path(operation: Operation, given: Sequence[_Given]) -> str:
    names = iter([each.name for each in given if each.part == "path"])
    return " + ".join(
        literal(text)
        if kind is None
        else f"{'rest' if kind == 'path' else 'segment'}(args.{next(names)})"
        for text, kind in operation.pieces
    )


def _query(operation: Operation, given: Sequence[_Given]) -> str:
    if operation.query is None:
        return "args.query ?? {}"
    pairs = [f"{member(m.wire)}: args.{m.name}" for m in given if m.part == "query"]
    return f"{{ {', '.join(pairs)} }}"


def _sent(operation: Operation) -> str:
    if operation.sends == "nothing":
        return "undefined"
    if operation.sends == "raw":
        return "args.body"
    if operation.body is None:
        return "args.body === undefined ? undefined : JSON.stringify(args.body)"
    return "JSON.stringify(args.body)"
