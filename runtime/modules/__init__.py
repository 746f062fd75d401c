"""Modules: what handlers may call, and the stubs they call it through."""

from runtime.modules.calls import CALLER, Caller
from runtime.modules.registry import Method, ModuleRegistry
from runtime.modules.stubs import Modules, Stub, StubMethod

__all__ = ["CALLER", "Caller", "Method", "ModuleRegistry", "Modules", "Stub", "StubMethod"]
