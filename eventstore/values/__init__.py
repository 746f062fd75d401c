"""The value codec: plain Python data to JSON trees and back, exactly. Pure.

None, bool, int, float, str, bytes, list, tuple, dict, set, frozenset, datetime, date,
time, timedelta, Decimal, UUID, and registered enums, Structs and dataclasses. What JSON
lacks stands in an envelope, an object whose one key begins with `$`; `docs/` holds the
table. A tree is stored for ever and shared freely, so nobody changes one in place.
"""

from eventstore.errors import FrozenValueError
from eventstore.values.classes import NO_CLASSES, Classes, Hide
from eventstore.values.encoding import dumps, encode
from eventstore.values.frozen import (
    Frozen,
    FrozenDict,
    FrozenList,
    FrozenObject,
    FrozenSet,
    Redacted,
    Sealed,
    UnknownMember,
)
from eventstore.values.hidden import Hidden, NotHiddenError, ToDrop, ToHash, ToSeal
from eventstore.values.tree import (
    Tree,
    revealed,
    same,
    shown_bytes,
    tree_bytes,
    value_depth,
)
from eventstore.values.views import Viewer, decode, json_hook, loads, view
from eventstore.values.withheld import Withheld

__all__ = [
    "NO_CLASSES",
    "Classes",
    "Frozen",
    "FrozenDict",
    "FrozenList",
    "FrozenObject",
    "FrozenSet",
    "FrozenValueError",
    "Hidden",
    "Hide",
    "NotHiddenError",
    "Redacted",
    "Sealed",
    "ToDrop",
    "ToHash",
    "ToSeal",
    "Tree",
    "UnknownMember",
    "Viewer",
    "Withheld",
    "decode",
    "dumps",
    "encode",
    "json_hook",
    "loads",
    "revealed",
    "same",
    "shown_bytes",
    "tree_bytes",
    "value_depth",
    "view",
]
