"""GT-4: a default is a value of its own type, and the same each time, whatever makes it."""

import datetime as dt
import functools
import secrets
import time
import uuid
from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime import App, Request, Sensitive
from runtime.errors import InvalidDefaultError, RegistrationWarning
from runtime.gtype import gtype


def holding(hint: Any, factory: Callable[[], Any]) -> Any:
    return msgspec.defstruct("Order", [("field", hint, msgspec.field(default_factory=factory))])


VALUES: dict[Any, Any] = {
    int: 3,
    str: "text",
    bool: True,
    float: 0.5,
    list[int]: [1, 2],
    dict[str, int]: {"a": 1},
    dt.date: dt.date(2026, 1, 2),
    uuid.UUID: uuid.UUID(int=5),
    Literal["north"]: "north",
}
"""Types to values that are of no other of them, but for whole numbers, which are floats too."""


@pytest.mark.proves("GT-4")
@given(hint=st.sampled_from(list(VALUES)), other=st.sampled_from(list(VALUES)))
def test_what_a_factory_makes_is_held_against_its_type(hint: Any, other: Any) -> None:
    """Seen to fail with factories that nobody calls, and with dates given as text."""
    value = VALUES[other]
    fits = hint == other or (hint, other) in {(float, int), (str, Literal["north"])}
    event(f"fits: {fits}")

    if fits:
        gtype(holding(hint, lambda: value))
    else:
        with pytest.raises(InvalidDefaultError, match=r"Order\.field"):
            gtype(holding(hint, lambda: value))


@pytest.mark.proves("GT-4")
@pytest.mark.parametrize(
    ("hint", "factory", "says"),
    [
        (int, lambda: "seven", "makes 'seven', which its type refuses: .*integer"),
        (list[int], lambda: [1, None], r"makes \[1, None\], .*\[1\]"),
        (dt.date, lambda: "2026-01-02", "'2026-01-02', .*it is a str"),
        (Annotated[int, msgspec.Meta(ge=1)], int, "makes 0, "),
        (Any, object, "which is not plain data"),
        (int, lambda: int("seven"), "raises ValueError"),
        (Annotated[int, Sensitive], lambda: "4111", "makes a value, which"),
    ],
)
def test_a_refused_factory_is_told_with_field_and_value(
    hint: Any, factory: Callable[[], Any], says: str
) -> None:
    with pytest.raises(InvalidDefaultError, match=says) as told:
        gtype(holding(hint, factory))
    assert "Order.field" in str(told.value)
    assert "4111" not in str(told.value)


def this_instant() -> float:
    return time.time()


def by_way_of_another() -> float:
    return this_instant()


@pytest.mark.proves("GT-4", "EF-6", "RX-3")
@pytest.mark.parametrize(
    ("hint", "factory", "says"),
    [
        (float, time.time, "time.time reads a clock"),
        (uuid.UUID, uuid.uuid1, "uuid.uuid1 makes an id"),
        (str, secrets.token_hex, "takes chance"),
        (dt.datetime, functools.partial(dt.datetime.now, dt.UTC), "now reads a clock"),  # noqa: TID251
        (float, by_way_of_another, r"time.time reads a clock \(tests/runtime/test_defaults.py:\d+"),
    ],
)
def test_a_factory_that_makes_another_value_each_time_is_found(
    hint: Any, factory: Callable[[], Any], says: str
) -> None:
    app = App("shop")
    body = holding(hint, factory)

    with pytest.warns(RegistrationWarning, match=rf"The default of Order\.field: .*{says}"):

        @app.handler("POST /orders")
        async def order(req: Request[body]) -> None:  # type: ignore[valid-type]
            pass

    assert [len(each) for each in app.findings().values()] == [1]


@pytest.mark.proves("GT-4")
def test_a_factory_that_makes_the_same_each_time_is_nothing_to_speak_of() -> None:
    app = App("shop")

    body = holding(list[int], lambda: [1])

    @app.handler("POST /orders")
    async def order(req: Request[body]) -> None:  # type: ignore[valid-type]
        pass

    assert [len(each) for each in app.findings().values()] == [0]
