"""Modules: what handlers may call, and the stubs they call it through."""

from runtime.modules.calls import CALL, CALLER, About, Caller, HostedCall
from runtime.modules.declared import DeclaredMethod, Module
from runtime.modules.registry import Host, Method, ModuleRegistry
from runtime.modules.stubs import Modules, Stub, StubMethod

__all__ = [
    "CALL",
    "CALLER",
    "About",
    "Caller",
    "DeclaredMethod",
    "Host",
    "HostedCall",
    "Method",
    "Module",
    "ModuleRegistry",
    "Modules",
    "Stub",
    "StubMethod",
]
