"""Modules that run apart: hosted in process or in processes of their own, within their grants."""

from runtime.isolation.context import Handles, ModuleContext
from runtime.isolation.desk import GrantDesk, module_stream
from runtime.isolation.host import Host, Reporter
from runtime.isolation.hosting import Hosting
from runtime.isolation.reloading import Reload
from runtime.isolation.tier import Counts

__all__ = [
    "Counts",
    "GrantDesk",
    "Handles",
    "Host",
    "Hosting",
    "ModuleContext",
    "Reload",
    "Reporter",
    "module_stream",
]
