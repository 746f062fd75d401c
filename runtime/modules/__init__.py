"""Modules: what handlers may call, and the stubs they call it through."""
