"""Where everything meets: the app a user writes, its log, its server."""

from runtime.app.admin import TOKEN_SETTING
from runtime.app.application import App
from runtime.app.declarations import Declared, HookOptions, hook
from runtime.app.serving import AdminAt, TracesTo, load_app, serve

__all__ = [
    "TOKEN_SETTING",
    "AdminAt",
    "App",
    "Declared",
    "HookOptions",
    "TracesTo",
    "hook",
    "load_app",
    "serve",
]
