"""Manifests without an app, for tests of what is generated from them."""

from typing import Any

from runtime.gtype import gtype
from runtime.manifests import HandlerManifest, Policies, Source
from runtime.manifests.handler import stored_type


def manifest(
    handler: str = "post-things",
    *,
    method: str = "POST",
    path: str = "/things",
    version: str | None = None,
    body: Any = None,
    answer: Any = None,
    query: Any = None,
    doc: str = "",
) -> HandlerManifest:
    """Declare a handler."""
    made = None if answer is None else stored_type(gtype(answer))
    return HandlerManifest(
        handler=handler,
        method=method,
        path=path,
        version=version,
        takes="nothing" if body is None else "json",
        media="application/json",
        policies=Policies(30.0, 1_000_000, "finish"),
        source=Source("shop.py", 1, "sha256:0", "syntax"),
        query=None if query is None else stored_type(gtype(query)),
        body=None if body is None else stored_type(gtype(body)),
        answers=((204 if made is None else 200, made),),
        doc=doc,
    )
