"""Versions of handlers: their ids, the route table, and which of them a caller means. Pure."""

from runtime.timescape.caching import ResolveCache
from runtime.timescape.chains import Chain, ChainTooLong, NoTransformPath, chain
from runtime.timescape.folding import fold_table, fold_until
from runtime.timescape.keeping import TABLE_REDUCER
from runtime.timescape.resolve import Refusal, Resolution, resolve
from runtime.timescape.selectors import Selector
from runtime.timescape.table import HandlerRoutes, RouteTable, Version
from runtime.timescape.version_ids import VersionId, check_edition

__all__ = [
    "TABLE_REDUCER",
    "Chain",
    "ChainTooLong",
    "HandlerRoutes",
    "NoTransformPath",
    "Refusal",
    "Resolution",
    "ResolveCache",
    "RouteTable",
    "Selector",
    "Version",
    "VersionId",
    "chain",
    "check_edition",
    "fold_table",
    "fold_until",
    "resolve",
]
