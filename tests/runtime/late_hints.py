"""Handlers whose hints are text until they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from runtime import App, Request

if TYPE_CHECKING:
    from runtime import GlobalContext
    from tests.runtime.test_app import Body


class Late(msgspec.Struct):
    n: int


def register(app: App) -> None:
    class Local(msgspec.Struct):
        n: int

    @app.handler("POST /late")
    async def late(req: Request[Late], gctx: GlobalContext) -> Local:
        return Local(req.body.n + 1)


async def only_for_checkers(req: Request[Body]) -> None:
    """Take what exists for type checkers only."""
