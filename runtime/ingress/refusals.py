"""The answers of the edge that are always the same: what is wrong, and what to do (RS-1)."""

from typing import Final

from runtime.routing import MethodNotAllowed
from runtime.timescape import Refusal

MAX_TARGET: Final = 8 * 1024


def not_allowed(method: str, found: MethodNotAllowed) -> Refusal:
    """Refuse a method on a path that others are served on."""
    return Refusal(
        405,
        "method-not-allowed",
        f"{method} is not served here.",
        f"Use one of: {', '.join(found.allow)}.",
    )


TABLE_BEHIND = Refusal(
    503,
    "table-behind",
    "The versions that the caller knows of are not known here yet.",
    "Send it again after a second.",
)

SHUTTING_DOWN = Refusal(
    503, "shutting-down", "The server is stopping.", "Send it again after a second."
)
LOG_UNAVAILABLE = Refusal(
    503, "log-unavailable", "The log cannot be written.", "Send it again after a second."
)
TARGET_TOO_LONG = Refusal(
    414,
    "target-too-long",
    f"Path and query are longer than {MAX_TARGET} bytes.",
    "Send long values in the body.",
    {"limit": MAX_TARGET},
)
BAD_PATH = Refusal(
    400,
    "bad-path",
    "The path is not clean: bad percent-encoding or UTF-8, a control character, an empty "
    "or a dot segment.",
    "Send the path as it is registered; it is not repaired.",
)
NOT_FOUND = Refusal(
    404, "route-not-found", "No route has this path.", "Check it: letter case and slashes count."
)
OPTIONS = Refusal(204, "", "", "")
UNKNOWN_METHOD = Refusal(
    501, "method-unknown", "The method is not known here.", "Use GET, POST, PUT, PATCH or DELETE."
)
MEDIA = Refusal(
    415,
    "media-unsupported",
    "The body is not declared as what the handler takes, in UTF-8.",
    "Send Content-Type: application/json, or another that Accept-Post lists.",
)
ENCODED = Refusal(
    415, "encoding-unsupported", "The body has a Content-Encoding.", "Send it uncompressed."
)
CODING = Refusal(
    415,
    "encoding-unsupported",
    "The body has a Content-Encoding that is not known here.",
    "Compress it with gzip or deflate, once.",
)
