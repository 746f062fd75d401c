"""What every face calls: one store, its requests and their histories. No widgets here."""

from debugger.session.requests import RequestList, RequestSummary
from debugger.session.session import Session

__all__ = ["RequestList", "RequestSummary", "Session"]
