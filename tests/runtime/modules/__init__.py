"""Modules that run apart."""
