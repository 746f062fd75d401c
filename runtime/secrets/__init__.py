"""Secrets: read by name, handed out in a handle that does not let them out."""

from runtime.secrets.aws import SecretsManager
from runtime.secrets.cache import Counts, SecretCache
from runtime.secrets.environment import Environment
from runtime.secrets.files import Files
from runtime.secrets.handle import PLACEHOLDER, Secret, held_in
from runtime.secrets.provider import Found, Provider, in_order
from runtime.secrets.reading import Secrets
from runtime.secrets.scrubber import Scrubber
from runtime.secrets.system_keyring import Keyring
from runtime.secrets.vault import Vault
from runtime.secrets.wishes import (
    Reading,
    Readings,
    Wish,
    answer_of,
    check_complete,
    check_name,
    readings_of,
    tree_of,
)

__all__ = [
    "PLACEHOLDER",
    "Counts",
    "Environment",
    "Files",
    "Found",
    "Keyring",
    "Provider",
    "Reading",
    "Readings",
    "Scrubber",
    "Secret",
    "SecretCache",
    "Secrets",
    "SecretsManager",
    "Vault",
    "Wish",
    "answer_of",
    "check_complete",
    "check_name",
    "held_in",
    "in_order",
    "readings_of",
    "tree_of",
]
