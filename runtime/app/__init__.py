"""Where everything meets: the app a user writes, its log, its server."""

from typing import TYPE_CHECKING

from eventstore.doors import opener

if TYPE_CHECKING:
    from runtime.app.admin_tokens import read_tokens
    from runtime.app.application import App
    from runtime.app.declarations import Declared, HookOptions, hook
    from runtime.app.serving import AdminAt, TracesTo, load_app, serve

__all__ = [
    "AdminAt",
    "App",
    "Declared",
    "HookOptions",
    "TracesTo",
    "hook",
    "load_app",
    "read_tokens",
    "serve",
]

_ROOMS = {
    "AdminAt": "runtime.app.serving",
    "App": "runtime.app.application",
    "Declared": "runtime.app.declarations",
    "HookOptions": "runtime.app.declarations",
    "TracesTo": "runtime.app.serving",
    "hook": "runtime.app.declarations",
    "load_app": "runtime.app.serving",
    "read_tokens": "runtime.app.admin_tokens",
    "serve": "runtime.app.serving",
}
if not TYPE_CHECKING:  # else the type checker would take any name for one of this door
    __getattr__ = opener(__name__, _ROOMS)
