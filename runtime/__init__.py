"""Handlers that never forget: each request is a stream of facts, kept and replayable."""

from runtime.app.application import App
from runtime.app.declarations import hook
from runtime.errors import TimescapeError
from runtime.gtype import Sensitive, sensitive
from runtime.lifecycle.global_context import GlobalContext
from runtime.lifecycle.local_context import LocalContext
from runtime.messages import HttpError, Request, Response, ValidationFailed

__all__ = [
    "App",
    "GlobalContext",
    "HttpError",
    "LocalContext",
    "Request",
    "Response",
    "Sensitive",
    "TimescapeError",
    "ValidationFailed",
    "hook",
    "sensitive",
]
