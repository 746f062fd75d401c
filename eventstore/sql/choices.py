"""What `open_store` may be asked for, and the refusal of anything else."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Literal, get_args

from eventstore.errors import EventStoreError

Mode = Literal["hold", "join", "guest", "read"]
Durability = Literal["fsync", "bounded", "process", "volatile"]


def check(*, mode: str, durability: str, check_keyframes: int) -> None:
    """Refuse a mode or durability that there is none of, before any file is touched.

    A misspelt one would else be one that nobody asked for.

    Raises:
        EventStoreError: `bad-option`.
    """
    _check_name("mode", mode, get_args(Mode))
    _check_name("durability", durability, get_args(Durability))
    if type(check_keyframes) is not int or check_keyframes < 1:
        problem = f"check_keyframes is {check_keyframes!r:.80}, and one fold in so many is checked."
        raise _bad_option("check_keyframes", check_keyframes, problem, "Give 1 or more.")


def _check_name(option: str, given: object, known: Iterable[str]) -> None:
    names = tuple(known)
    if isinstance(given, str) and given in names:
        return
    near = get_close_matches(str(given).strip().lower(), names, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    problem = f"There is no {option} {str(given)[:80]!a}."
    raise _bad_option(option, given, problem, f"Give one of: {', '.join(names)}.{meant}")


def _bad_option(option: str, given: object, problem: str, remedy: str) -> EventStoreError:
    return EventStoreError("bad-option", problem, remedy, {"option": option, "given": given})
