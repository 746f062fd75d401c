"""What every face calls: one store, its requests and their histories. No widgets here."""

from debugger.session.requests import RequestList, RequestSummary, request_id, short_id
from debugger.session.session import Session
from debugger.session.source import Source, read_source

__all__ = [
    "RequestList",
    "RequestSummary",
    "Session",
    "Source",
    "read_source",
    "request_id",
    "short_id",
]
