"""Handlers that never forget: each request is a stream of facts, kept and replayable."""

from typing import TYPE_CHECKING

from eventstore.doors import opener

if TYPE_CHECKING:
    from runtime.app.alembic_steps import alembic_steps
    from runtime.app.application import App
    from runtime.app.declarations import hook
    from runtime.app.life import Priority
    from runtime.app.promising import promise
    from runtime.app.schemas import SchemaStep
    from runtime.errors import Reject, TimescapeError
    from runtime.gtype import (
        Brand,
        Check,
        Email,
        Negative,
        Pattern,
        Positive,
        Sensitive,
        UniqueItems,
        Url,
        sensitive,
    )
    from runtime.isolation import ModuleContext
    from runtime.lifecycle.global_context import GlobalContext
    from runtime.lifecycle.local_context import LocalContext
    from runtime.lifecycle.retrying import retrying
    from runtime.manifests.capabilities import Grant, grant
    from runtime.manifests.module import Resources
    from runtime.messages import HttpError, Parts, Request, Response, ValidationFailed
    from runtime.modules import Module
    from runtime.secrets import Secret
    from runtime.supervision import Backoff

__all__ = [
    "App",
    "Backoff",
    "Brand",
    "Check",
    "Email",
    "GlobalContext",
    "Grant",
    "HttpError",
    "LocalContext",
    "Module",
    "ModuleContext",
    "Negative",
    "Parts",
    "Pattern",
    "Positive",
    "Priority",
    "Reject",
    "Request",
    "Resources",
    "Response",
    "SchemaStep",
    "Secret",
    "Sensitive",
    "TimescapeError",
    "UniqueItems",
    "Url",
    "ValidationFailed",
    "alembic_steps",
    "grant",
    "hook",
    "promise",
    "retrying",
    "sensitive",
]

_ROOMS = {
    "App": "runtime.app.application",
    "Backoff": "runtime.supervision",
    "Brand": "runtime.gtype",
    "Check": "runtime.gtype",
    "Email": "runtime.gtype",
    "GlobalContext": "runtime.lifecycle.global_context",
    "Grant": "runtime.manifests.capabilities",
    "HttpError": "runtime.messages",
    "LocalContext": "runtime.lifecycle.local_context",
    "Module": "runtime.modules",
    "ModuleContext": "runtime.isolation",
    "Negative": "runtime.gtype",
    "Parts": "runtime.messages",
    "Pattern": "runtime.gtype",
    "Positive": "runtime.gtype",
    "Priority": "runtime.app.life",
    "Reject": "runtime.errors",
    "Request": "runtime.messages",
    "Resources": "runtime.manifests.module",
    "Response": "runtime.messages",
    "SchemaStep": "runtime.app.schemas",
    "Secret": "runtime.secrets",
    "Sensitive": "runtime.gtype",
    "TimescapeError": "runtime.errors",
    "UniqueItems": "runtime.gtype",
    "Url": "runtime.gtype",
    "ValidationFailed": "runtime.messages",
    "alembic_steps": "runtime.app.alembic_steps",
    "grant": "runtime.manifests.capabilities",
    "hook": "runtime.app.declarations",
    "promise": "runtime.app.promising",
    "retrying": "runtime.lifecycle.retrying",
    "sensitive": "runtime.gtype",
}
if not TYPE_CHECKING:  # else the type checker would take any name for one of this door
    __getattr__ = opener(__name__, _ROOMS)
