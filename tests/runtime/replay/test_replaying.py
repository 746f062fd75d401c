"""Requests that tests served are run again at their end."""

import pytest

from runtime.errors import DivergenceError
from runtime.testing import check_app
from tests.runtime.replay.shop import Pricing, record, shop

BODY = {"sku": "mug", "quantity": 2, "card": "4111 1111"}


@pytest.mark.proves("RX-3")
def test_the_requests_of_an_app_say_the_same_again() -> None:
    store, stream = record(shop(Pricing()), BODY)

    assert check_app(shop(Pricing()), store, [stream]) == 1


@pytest.mark.proves("RX-3")
def test_an_app_that_says_something_else_is_told_where() -> None:
    store, stream = record(shop(Pricing()), BODY)

    with pytest.raises(DivergenceError, match=r"does not say the same again\. At #\d+") as told:
        check_app(shop(Pricing(), factor=2), store, [stream])
    assert "1600" in str(told.value)


def test_a_request_whose_body_does_not_conform_is_run_again_too() -> None:
    store, stream = record(shop(Pricing()), {"sku": "mug"})

    assert check_app(shop(Pricing()), store, [stream]) == 1
