"""The same in Cadwyn, unrecorded: two versions; to the older one a field is unknown."""

from typing import Annotated, Any

from cadwyn import (
    Cadwyn,
    HeadVersion,
    RequestInfo,
    Version,
    VersionBundle,
    VersionChange,
    VersionedAPIRouter,
    convert_request_to_next_version_for,
    schema,
)
from fastapi import Depends, Request
from pydantic import Field

from tests.benchmarks.app_fastapi import (
    Order as Plain,
)
from tests.benchmarks.app_fastapi import (
    Receipt,
    check_answer,
    check_client,
    check_items,
)

OLDER, NEWER = "2026-03-01", "2026-10-01"
HEADER = "x-api-version"


class Order(Plain):
    """Today it may say how urgent it is."""

    urgency: Annotated[int, Field(ge=0, le=9)] = 0


class Urgency(VersionChange):
    """An order may be urgent."""

    description = "An order says how urgent it is."
    instructions_to_migrate_to_previous_version = (schema(Order).field("urgency").didnt_exist,)

    @convert_request_to_next_version_for(Order)
    def usual(request: RequestInfo) -> None:  # noqa: N805 - as the library calls it
        request.body["urgency"] = 0


router = VersionedAPIRouter()


@router.post(
    "/orders/{order_id}",
    dependencies=[Depends(check_client), Depends(check_items), Depends(check_answer)],
)
async def place(order_id: int, order: Order, request: Request) -> Receipt:
    total = sum(item.quantity for item in order.items)
    request.state.customer = order.customer
    request.state.items = len(order.items)
    request.state.total = total
    return Receipt(order=order_id, total=total, customer=order.customer)


def made(editions: tuple[str, ...]) -> Any:
    """Make an app of these versions, the newest first; the last one is before the change."""
    *later, first = (Version(edition) for edition in editions[1:])
    newest = Version(editions[0], Urgency)
    app = Cadwyn(versions=VersionBundle(HeadVersion(), newest, *later, first), openapi_url=None)
    app.generate_and_include_versioned_routers(router)
    return app


app = made((NEWER, OLDER))
