"""Code with every way that a line begins and a frame is left; it is traced in the tests."""

import asyncio
from collections.abc import Generator


def walk() -> list[object]:
    """Go through it; the answer is always the same."""
    told: list[object] = [factorial(4), *squares(3), caught(), thrown(), one_line(3)]
    told.append([each for each in squares(2) if each])
    told.append(asyncio.run(together()))
    return told


def factorial(n: int) -> int:
    if n < 2:
        return 1
    return n * factorial(n - 1)


def squares(count: int) -> Generator[int, None, None]:
    for number in range(count):
        square = number * number
        yield square


def caught() -> str:
    try:
        fails("a")
    except ValueError as error:
        said = str(error)
    finally:
        done = True
    del done
    return said


def fails(text: str) -> None:
    words = [text, text]
    raise ValueError(" ".join(words))


def patient() -> Generator[str, None, None]:
    while True:
        try:
            yield "waiting"
        except KeyError:
            yield "heard"
            return


def thrown() -> str:
    waiting = patient()
    next(waiting)
    heard = waiting.throw(KeyError("x"))
    waiting.close()
    return heard


def one_line(n: int) -> int:
    while n > 0: n -= 1  # fmt: skip  # noqa: E701 - each turn is a line
    return n


async def together() -> list[int]:
    return list(await asyncio.gather(later(1), later(2)))


async def later(number: int) -> int:
    await asyncio.sleep(0)
    doubled = number * 2
    await asyncio.sleep(0)
    return doubled
