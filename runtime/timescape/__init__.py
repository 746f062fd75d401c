"""Versions of handlers: their ids, their line, and which of them a caller means. Pure."""

from runtime.timescape.deployments import Deployment, Deployments
from runtime.timescape.resolve import Line, Refusal, Selector, Version, resolve
from runtime.timescape.version_ids import VersionId, check_edition

__all__ = [
    "Deployment",
    "Deployments",
    "Line",
    "Refusal",
    "Selector",
    "Version",
    "VersionId",
    "check_edition",
    "resolve",
]
