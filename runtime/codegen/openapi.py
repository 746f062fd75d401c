"""An OpenAPI 3.1 document of a set of handlers (CG-11)."""

import json
from collections.abc import Sequence
from typing import Final

import msgspec

from runtime.codegen.components import Components, Json
from runtime.codegen.openapi_media import BYTES, JSON, answered, taken
from runtime.codegen.openapi_promises import answer_headers, header_parameters, paging, problems
from runtime.codegen.operations import Operation, Service
from runtime.codegen.samples import sample
from runtime.gtype.stored import Stored
from runtime.manifests import HandlerManifest
from runtime.manifests.promises import NONE

_PROBLEM: Final = "Problem"
_SCHEME: Final = "caller"
_PATH_SCHEMAS: Final[dict[str, Json]] = {
    # What no path may hold, see `runtime.routing.paths`.
    "str": {"type": "string", "pattern": r"^(?!\.\.?$)[^\u0000-\u001f\u007f-\u009f]+$"},
    "path": {"type": "string", "pattern": r"^(?!\.\.?$)[^\u0000-\u001f\u007f-\u009f]+$"},
    "int": {"type": "integer", "minimum": -(1 << 63), "maximum": (1 << 63) - 1},
    "float": {"type": "number"},
    "uuid": {"type": "string", "format": "uuid"},
    "date": {"type": "string", "format": "date"},
}
_ISSUE: Final[Json] = {
    "type": "object",
    "properties": {
        name: {"type": "string"} for name in ("path", "code", "expected", "actual", "message")
    },
    "required": ["path", "code"],
}
_PROBLEM_SCHEMA: Final[Json] = {
    "type": "object",
    "description": "What went wrong, as RFC 9457 has it.",
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; clients may decide by it."},
        "detail": {"type": "string"},
        "remedy": {"type": "string"},
        "instance": {"type": "string", "description": "The id of the request."},
        "issues": {"type": "array", "items": _ISSUE},
    },
    "required": ["type", "title", "status", "code"],
}


def openapi(
    title: str, service: Service, chosen: Sequence[HandlerManifest], header: str
) -> tuple[Json, dict[str, str]]:
    """Give the document, and the names of schemas that had to be numbered.

    Args:
        title: of the service.
        service: what is called.
        chosen: the manifests it was read from, in the same order.
        header: says who made it, and of what.
    """
    components = Components()
    components.schemas[_PROBLEM] = _PROBLEM_SCHEMA
    components.reserve(_PROBLEM)
    paths: Json = {}
    shapes: dict[str, Operation] = {}
    for each, manifest in zip(service.operations, chosen, strict=True):
        operation = _alike(each, shapes)
        written = _operation(operation, manifest, components)
        paths.setdefault(_path(operation), {})[operation.method.lower()] = written
    version = max((each.version or "" for each in chosen), default="") or "0"
    document: Json = {
        "openapi": "3.1.0",
        "x-timescape": header.replace("\n", " "),
        "info": {"title": title, "version": version},
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": dict(sorted(components.schemas.items()))},
    }
    if any(_is_guarded(each) for each in chosen):
        document["components"]["securitySchemes"] = {_SCHEME: {"type": "http", "scheme": "bearer"}}
    return document, components.numbered


def written(document: Json) -> str:
    """Write a document."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _alike(operation: Operation, shapes: dict[str, Operation]) -> Operation:
    """Give *operation* with the parameter names of the first that has its path.

    Two paths that differ by the names of their parameters alone may not stand side by side.
    """
    shape = json.dumps([text if kind is None else [kind] for text, kind in operation.path])
    first = shapes.setdefault(shape, operation)
    return msgspec.structs.replace(operation, path=first.path)


def _path(operation: Operation) -> str:
    parts = [f"{{{text}}}" if kind is not None else text for text, kind in operation.path]
    return "/" + "/".join(parts)


def _operation(operation: Operation, manifest: HandlerManifest, components: Components) -> Json:
    found: Json = {"operationId": operation.handler}
    if operation.doc:
        found["summary"] = operation.doc
    if operation.version is not None:
        found["x-timescape-version"] = operation.version
    parameters = [
        *_path_parameters(operation),
        *_query_parameters(operation, manifest, components),
        *header_parameters(manifest.promises or NONE),
    ]
    if parameters:
        found["parameters"] = parameters
    body = _body(operation, manifest, components)
    if body is not None:
        found["requestBody"] = body
    found["responses"] = _responses(operation, manifest, components)
    if _is_guarded(manifest):
        # What a bearer must be is not OpenAPI's to say: 403 tells.
        found["security"] = [{_SCHEME: []}]
        found["x-timescape-roles"] = list(manifest.policies.roles)
        found["x-timescape-scopes"] = list(manifest.policies.scopes)
    found.update(paging(manifest.promises or NONE))
    return found


def _is_guarded(manifest: HandlerManifest) -> bool:
    policies = manifest.policies
    return bool(policies.auth == "required" or policies.roles or policies.scopes)


def _path_parameters(operation: Operation) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _PATH_SCHEMAS[kind]}
        for name, kind in operation.params
    ]


def _query_parameters(
    operation: Operation, manifest: HandlerManifest, components: Components
) -> list[Json]:
    if manifest.query is None:
        return []
    found = []
    for field in operation.query_fields:
        inner = Stored(manifest.query.gtype, field.type, manifest.query.objects)
        each: Json = {"name": field.name, "in": "query"}
        if field.required:
            each["required"] = True
        each["schema"] = components.schema(inner, "request")
        found.append(each)
    return found


def _body(operation: Operation, manifest: HandlerManifest, components: Components) -> Json | None:
    if operation.sends == "nothing":
        return None
    if operation.sends == "raw":
        return {"required": True, "content": {"application/octet-stream": BYTES}}
    if manifest.body is None:
        return {"content": taken({"schema": {}}, None, components.schemas)}
    media = _media(manifest.body, "request", components)
    return {"required": True, "content": taken(media, manifest.body, components.schemas)}


def _untyped(media: str) -> Json:
    return answered({"schema": {}}) if media == JSON else {media: BYTES}


def _media(stored: Stored, side: str, components: Components) -> Json:
    media: Json = {"schema": components.schema(stored, side)}
    found = sample(stored)
    if found is not None and side == "request":
        # Of an answer it would have to hold the defaults, too.
        media["example"] = found[0]
    return media


def _responses(operation: Operation, manifest: HandlerManifest, components: Components) -> Json:
    found: Json = {}
    promised = manifest.promises or NONE
    for status, stored in manifest.answers:
        each: Json = {"description": "Done.", **answer_headers(promised)}
        if stored is not None:
            each["content"] = answered(_media(stored, "response", components))
        elif operation.gets in {"raw", "any"}:
            each["content"] = _untyped(manifest.media)
        found[str(status)] = each
    if operation.gets == "optional":
        found["204"] = {"description": "Done; there is nothing to say."}
    problem = {"schema": {"$ref": f"#/components/schemas/{_PROBLEM}"}}
    found.update(problems(promised, problem))
    found["default"] = {
        "description": "What went wrong.",
        "content": {"application/problem+json": problem},
    }
    return found
