"""HTTP comes in here: one safe reading of each request, one answer, one complete record."""

from runtime.ingress.edge import Edge, Limits
from runtime.ingress.endpoints import Endpoint, Served

__all__ = ["Edge", "Endpoint", "Limits", "Served"]
