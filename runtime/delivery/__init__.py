"""Brings messages to subscribers."""

from runtime.delivery.fabric import Fabric

__all__ = ["Fabric"]
