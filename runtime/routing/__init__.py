"""From method and path to a handler and its versions."""

from runtime.routing.paths import split_path
from runtime.routing.templates import Segment, Template, parse
from runtime.routing.tree import Match, MethodNotAllowed, Routes

__all__ = [
    "Match",
    "MethodNotAllowed",
    "Routes",
    "Segment",
    "Template",
    "parse",
    "split_path",
]
