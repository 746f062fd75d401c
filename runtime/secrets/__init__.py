"""Secrets: read by name, handed out in a handle that does not let them out."""

from runtime.secrets.environment import Environment
from runtime.secrets.handle import PLACEHOLDER, Secret
from runtime.secrets.provider import Found, Provider, Secrets, check_name

__all__ = [
    "PLACEHOLDER",
    "Environment",
    "Found",
    "Provider",
    "Secret",
    "Secrets",
    "check_name",
]
