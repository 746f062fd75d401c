"""What handlers promise besides types, as an OpenAPI document says it (BR-6 to BR-9, CG-11)."""

from collections.abc import Sequence

from runtime.codegen.components import Json
from runtime.manifests.promises import Promises

_TEXT: Json = {"type": "string"}


def header_parameters(promises: Promises) -> list[Json]:
    """Give the headers of a request."""
    needed = [{**_header(name), "required": True} for name in promises.needs]
    return [*needed, *map(_header, promises.reads)]


def _header(name: str) -> Json:
    return {"name": name, "in": "header", "schema": _TEXT}


def answer_headers(promises: Promises) -> Json:
    """Give the headers of an answer of success; nothing if it has none."""
    given = {name: {"required": True, "schema": _TEXT} for name in promises.gives}
    found = {**given, **{name: {"schema": _TEXT} for name in promises.may_give}}
    return {"headers": found} if found else {}


def problems(promises: Promises, document: Json) -> Json:
    """Give the answers of failure that were promised, by status.

    Args:
        promises: of the handler.
        document: the content of a problem document.
    """
    by_status: dict[int, list[str]] = {}
    for code, status in promises.problems:
        by_status.setdefault(status, []).append(code)
    return {
        str(status): {
            "description": f"What went wrong: {', '.join(codes)}.",
            "content": {"application/problem+json": _narrowed(document, codes)},
        }
        for status, codes in sorted(by_status.items())
    }


def _narrowed(document: Json, codes: Sequence[str]) -> Json:
    # Examples, no enumeration: 400 and 401 come of the runtime as well, whatever is promised.
    code = {"properties": {"code": {"examples": list(codes)}}}
    return {"schema": {"allOf": [document["schema"], code]}}


def paging(promises: Promises) -> Json:
    """Give what is said of lists, which OpenAPI has no words for."""
    found: Json = {}
    if promises.page_size is not None:
        found["x-timescape-page-size"] = promises.page_size
    if promises.order:
        found["x-timescape-order"] = promises.order
    return found
