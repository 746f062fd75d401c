"""A request nobody could decode, for hooks that run all the same."""

from collections.abc import Iterable

from runtime.messages import Fields, Received, Request


def undecoded(received: Received) -> Request[None]:
    """Return what is known of *received* without its types: text, and no body."""
    return Request(
        method=received.method,
        url_path=received.path,
        path=Fields(received.params),
        query=Fields(by_name(received.query)),
        headers=dict(received.headers),
        body=None,
        raw=received.body,
        principal=received.principal,
    )


def by_name(query: Iterable[tuple[str, str]]) -> dict[str, str | list[str]]:
    """Return a query's texts by name, those of a repeated name as a list."""
    found: dict[str, str | list[str]] = {}
    for name, value in query:
        known = found.get(name)
        if known is None:
            found[name] = value
        else:
            found[name] = [*([known] if isinstance(known, str) else known), value]
    return found
