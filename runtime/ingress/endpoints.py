"""What a route leads to: the versions of one handler and what each takes as a body."""

from collections.abc import Mapping
from enum import Enum

import msgspec

from runtime.ingress.bodies import WHOLE_S
from runtime.ingress.media import Media
from runtime.ingress.rooms import Room
from runtime.ingress.shapes import Shape
from runtime.lifecycle.handlers import HandlerVersion, Joint
from runtime.policies import AccessRules, RateLimits


class Takes(Enum):
    """What a handler takes as the body."""

    NOTHING = "nothing"
    """A body is read within the limit and dropped."""
    JSON = "json"
    RAW = "raw"
    """Bytes of any media type."""


class Guarded(msgspec.Struct, frozen=True):
    """What has to let a request in to a version."""

    access: AccessRules
    limits: RateLimits | None
    """None: any number."""
    also: AccessRules | None = None
    """What the code that runs asks, where that is another version's (PO-2)."""


class Served(msgspec.Struct, frozen=True):
    """A version of a handler, as the edge needs it."""

    version: HandlerVersion
    takes: Takes
    max_body: int
    """In bytes."""
    guarded: Guarded | None = None
    """None: anybody, and any number."""
    keys: str = "off"
    """Idempotency keys: off, optional or required."""
    shape: Shape = Shape()
    """What JSON bodies may be like."""
    room: Room | None = None
    """Where its requests run; None: as many as the app takes."""
    body_timeout_s: float = WHOLE_S
    """That a body may take to come."""
    media: Media = Media()
    """What it takes besides JSON."""
    decompress: bool = False
    """Whether a compressed body is taken."""
    publishes: tuple[str, ...] = ()
    """Topics; while one of them is full nothing is begun (QF-6)."""


class Endpoint(msgspec.Struct, frozen=True):
    """All versions of one handler."""

    handler: str
    route: str
    code: Mapping[str, Served]
    """By version id; versions whose code is not in the app are not in it."""
    joints: Mapping[tuple[str, str], Joint] = {}
    """The code of transformers, by what they join: editions or ids."""
