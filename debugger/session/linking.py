"""Whether a link is meant for this store (TM-13)."""

import re

from debugger.errors import NotFoundError
from debugger.timeline.links import Link
from eventstore import Store

_LOG_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


def log_id(store: Store) -> str:
    """Return what links call a log that has no alias; of several the first."""
    return min((log.hex for log in store.cursor_at().marks), default="")


def check_store(store: Store, link: Link) -> None:
    """Refuse a link that names another log by its id.

    An alias is its writer's own: what it means is not known here, and a request that is not
    in the store is told anyway.

    Raises:
        NotFoundError: it is for another log.
    """
    known = {log.hex for log in store.cursor_at().marks}
    if _LOG_ID.fullmatch(link.store) and link.store not in known:
        problem = f"The link is for the log {link.store}, and {store.url} holds another one."
        raise NotFoundError(problem, "Name the store that it is for: --store URL.")
