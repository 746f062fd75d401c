"""What a route leads to: the versions of one handler and what each takes as a body."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeAlias

import msgspec

from runtime.lifecycle.handlers import HandlerVersion, Joint
from runtime.messages import Request


class Takes(Enum):
    """What a handler takes as the body."""

    NOTHING = "nothing"
    """A body is read within the limit and dropped."""
    JSON = "json"
    RAW = "raw"
    """Bytes of any media type."""


class Served(msgspec.Struct, frozen=True):
    """A version of a handler, as the edge needs it."""

    version: HandlerVersion
    takes: Takes
    max_body: int
    """In bytes."""


class Endpoint(msgspec.Struct, frozen=True):
    """All versions of one handler."""

    handler: str
    route: str
    code: Mapping[str, Served]
    """By version id; versions whose code is not in the app are not in it."""
    joints: Mapping[tuple[str, str], Joint] = {}
    """The code of transformers, by what they join: editions or ids."""


AnyRequest: TypeAlias = Request[Any]
