"""Where everything meets: the app a user writes, its log, its server."""

from runtime.app.application import App
from runtime.app.declarations import Declared, HookOptions, hook
from runtime.app.serving import load_app, serve

__all__ = ["App", "Declared", "HookOptions", "hook", "load_app", "serve"]
