"""Handlers that never forget: each request is a stream of facts, kept and replayable."""

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
from runtime.manifests.capabilities import Grant, grant
from runtime.manifests.module import Resources
from runtime.messages import HttpError, Parts, Request, Response, ValidationFailed
from runtime.modules import Module
from runtime.secrets import Secret

__all__ = [
    "App",
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
    "sensitive",
]
