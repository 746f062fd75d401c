"""Reads hints as msgspec understands them."""

from collections.abc import Mapping
from typing import Any

from msgspec import inspect as mi

from runtime.errors import ConstraintError, SchemaTooLargeError, UnsupportedTypeError
from runtime.gtype.sensitive import mark_of

_DECIDABLE = (
    "A union is decided by kind or tag: tag its Structs (`class A(Struct, tag=True)`), and keep "
    "one member of those that are text."
)
_MISPLACED = "Can only set"
"""How msgspec begins to say that a constraint stands at a type it is not for."""
REMEDY = "Use a msgspec Struct, a dataclass, a TypedDict or a builtin type."


def inspect(hint: Any) -> mi.Type:
    """Read *hint* as msgspec understands it.

    Raises:
        UnsupportedTypeError: a name that cannot be resolved, or a type msgspec refuses.
        ConstraintError: a bound stands at a type that has none such.
        SchemaTooLargeError: it nests deeper than can be read.
    """
    try:
        return mi.type_info(hint)
    except NameError as error:
        remedy = "Import it at module level, outside `if TYPE_CHECKING` and functions."
        raise UnsupportedTypeError(problem=f"{shown(hint)}: {error}.", remedy=remedy) from error
    except RecursionError as error:
        raise SchemaTooLargeError(
            place=shown(hint)[:80], measure="more levels than can be read"
        ) from error
    except (TypeError, ValueError) as error:
        if _MISPLACED in str(error):
            raise ConstraintError(
                problem=f"{shown(hint)}: {error}.", remedy="Take it away, or change the type."
            ) from error
        remedy = _DECIDABLE if "union" in str(error) else REMEDY
        raise UnsupportedTypeError(problem=f"{shown(hint)}: {error}.", remedy=remedy) from error


def strip(info: mi.Type) -> tuple[mi.Type, bool]:
    """Take the documentation off; say whether it is marked `Sensitive`."""
    marked = mark_of(info) is not None
    while isinstance(info, mi.Metadata):
        info = info.type
    return info, marked


def extras_of(info: mi.Type) -> Mapping[str, Any]:
    """Give the marks of a type, the outermost of each kind."""
    found: dict[str, Any] = {}
    while isinstance(info, mi.Metadata):
        found = {**(info.extra or {}), **found}
        info = info.type
    return found


def doc_of(info: mi.Type) -> dict[str, Any]:
    """Give what documents a type."""
    found: dict[str, Any] = {}
    while isinstance(info, mi.Metadata):
        found = {**(info.extra_json_schema or {}), **found}
        info = info.type
    return {name: found[name] for name in ("title", "description", "examples") if name in found}


def shown(hint: Any) -> str:
    """Name a hint for people."""
    name = getattr(hint, "__name__", None)
    return name if isinstance(hint, type) and isinstance(name, str) else str(hint)


def class_name(info: mi.Type) -> str:
    """Name a kind for people."""
    cls = getattr(info, "cls", None)
    name = getattr(cls, "__name__", None) or type(info).__name__.removesuffix("Type").lower()
    return str(name)
