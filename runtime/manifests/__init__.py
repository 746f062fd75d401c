"""What an app declares, as data: manifests of handlers, and what their source shows. Pure."""

from runtime.manifests.handler import (
    HandlerManifest,
    HookEntry,
    Needs,
    Policies,
    Source,
    digest_of,
    from_json,
    to_json,
)
from runtime.manifests.nondeterminism import Finding

__all__ = [
    "Finding",
    "HandlerManifest",
    "HookEntry",
    "Needs",
    "Policies",
    "Source",
    "digest_of",
    "from_json",
    "to_json",
]
