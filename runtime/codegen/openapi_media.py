"""What a handler takes and answers besides JSON, as an OpenAPI document says it (IN-9, CG-11)."""

from collections.abc import Sequence
from typing import Any, Final

from runtime.codegen.components import Json
from runtime.gtype import kinds
from runtime.gtype.kinds import Any_
from runtime.gtype.stored import Stored

JSON: Final = "application/json"
MSGPACK: Final = "application/msgpack"
FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
BYTES: Final[Json] = {"schema": {"type": "string", "format": "binary"}}
"""What is any bytes. OpenAPI 3.1 needs no schema for it, but tools leave out what has none."""
_SCALARS: Final = (
    kinds.Text, kinds.Int, kinds.Float, kinds.Bool, kinds.Null, kinds.Uuid, kinds.Date,
    kinds.DateTime, kinds.Time, kinds.Duration, kinds.Decimal, kinds.Enum, kinds.Literal,
    kinds.Bytes,
)  # fmt: skip
"""Kinds that a field of a form can be written as."""
_NEEDS: Final = "Taken by servers that have the extra `timescape[multipart]`."
_UNSET: Final = object()
_REFERENCE: Final = "#/components/schemas/"


def answered(media: Json) -> Json:
    """Give the content of an answer: JSON, and msgpack for who asks for it."""
    return {JSON: media, MSGPACK: {"schema": media["schema"]}}


def taken(media: Json, stored: Stored | None, schemas: Json) -> Json:
    """Give the content of a body: JSON, which clients should prefer, and what else is taken.

    The schema of a form is written out, so that what makes clients tells a form from JSON by it.
    Its fields hold bytes as they are, and None by not being there. A server takes
    multipart/form-data wherever it takes forms, if it has the extra of that name; a document,
    which is made of manifests alone, says so.

    Args:
        media: what is said of it as JSON.
        stored: its type; None: any.
        schemas: the components that *media* may refer to.
    """
    content = answered(media)
    if stored is not None and takes_forms(stored):
        form = _as_fields(_written_out(media["schema"], schemas))
        content[FORM] = {"schema": form}
        content[MULTIPART] = {"schema": {**form, "description": _NEEDS}}
    return content


def _as_fields(schema: Json) -> Json:
    """Give the schema of an object as that of a form: values are text, or any bytes."""
    found = {**schema}
    if "properties" in schema:
        found["properties"] = {name: _as_text(of) for name, of in schema["properties"].items()}
    if isinstance(schema.get("additionalProperties"), dict):
        found["additionalProperties"] = _as_text(schema["additionalProperties"])
    return found


def _as_text(schema: Json) -> Json:
    found = {**schema}
    if found.pop("contentEncoding", None) is not None:
        return {"type": "string", "format": "binary"}
    if found.get("default", _UNSET) is None:
        del found["default"]
    if isinstance(schema.get("items"), dict):
        found["items"] = _as_text(schema["items"])
    if "anyOf" in schema:
        options = [_as_text(each) for each in schema["anyOf"] if each != {"type": "null"}]
        del found["anyOf"]
        found |= {"anyOf": options} if len(options) > 1 else options[0] if options else {}
    return found


def takes_forms(stored: Stored) -> bool:
    """Say whether a form can be read into a type, as `gtype.form_reader` decides it by the hint."""
    members = [each for each in _members(stored.root) if not isinstance(each, kinds.Null)]
    if len(members) != 1:
        return False
    match members[0]:
        case kinds.Ref(to=to):
            made = stored.objects[to]
            return not made.as_array and all(_is_writable(field.type) for field in made.fields)
        case kinds.Map(value=value):
            return _is_writable(value)
        case _:
            return isinstance(members[0], kinds.Anything)


def _is_writable(part: Any_) -> bool:
    scalars: list[Any] = []
    for each in _members(part):
        scalars += _members(each.item) if isinstance(each, kinds.Array) else [each]
    return all(isinstance(each, _SCALARS) for each in scalars)


def _members(part: Any_) -> Sequence[Any]:
    return part.members if isinstance(part, kinds.Union) else (part,)


def _written_out(schema: Json, schemas: Json) -> Json:
    """Give a schema in the place of its reference; what stands for no value is left out of it."""
    options = [each for each in schema.get("anyOf", [schema]) if each != {"type": "null"}]
    found: Json = options[0]
    return dict(schemas[found["$ref"].removeprefix(_REFERENCE)]) if "$ref" in found else found
