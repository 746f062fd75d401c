"""Where everything meets: the app a user writes, its log, its server."""

from typing import TYPE_CHECKING

from eventstore.doors import opener

if TYPE_CHECKING:
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

_ROOMS = {
    "TOKEN_SETTING": "runtime.app.admin",
    "AdminAt": "runtime.app.serving",
    "App": "runtime.app.application",
    "Declared": "runtime.app.declarations",
    "HookOptions": "runtime.app.declarations",
    "TracesTo": "runtime.app.serving",
    "hook": "runtime.app.declarations",
    "load_app": "runtime.app.serving",
    "serve": "runtime.app.serving",
}
if not TYPE_CHECKING:  # else the type checker would take any name for one of this door
    __getattr__ = opener(__name__, _ROOMS)
