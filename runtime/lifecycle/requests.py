"""A request nobody could decode, for hooks that run all the same."""

from runtime.messages import Fields, Received, Request


def undecoded(received: Received) -> Request[None]:
    """Return what is known of *received* without its types: text, and no body."""
    query: dict[str, str | list[str]] = {}
    for name, value in received.query:
        known = query.get(name)
        if known is None:
            query[name] = value
        else:
            query[name] = [*([known] if isinstance(known, str) else known), value]
    return Request(
        method=received.method,
        url_path=received.path,
        path=Fields(received.params),
        query=Fields(query),
        headers=dict(received.headers),
        body=None,
        raw=received.body,
        principal=received.principal,
    )
