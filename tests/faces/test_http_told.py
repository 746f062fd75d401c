"""What a server says on its own lines of requests that failed."""

from typing import Any

import pytest

from runtime import HttpError
from tests.faces.asgi import ask
from tests.faces.guarded import Site, on


def failing(error: Exception) -> Any:
    def answer() -> Any:
        raise error

    return answer


@pytest.mark.proves("HW-4")
def test_a_fault_of_the_app_is_told_with_its_place_and_without_its_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    site = Site()
    site.handler("GET /faulty", failing(ValueError("card 4111")))
    site.handler("GET /away", failing(HttpError(503, "away", "Come back later.")))
    site.handler("GET /gone", failing(HttpError(404, "gone", "It is gone.")))

    async def work(site: Site) -> list[Any]:
        return [await ask(site.app, "GET", path) for path in ("/faulty", "/away", "/gone")]

    replies = on(site, work)

    assert [reply.status for reply in replies] == [500, 503, 404]
    told = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    assert len(told) == 1
    start = f"request failed: request={replies[0].request_id} handler=get-faulty error=ValueError"
    assert told[0].startswith(f"{start} at=tests/faces/test_http_told.py:")
    assert "4111" not in told[0]
