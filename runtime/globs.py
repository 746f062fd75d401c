"""Texts in which `*` stands for anything and `?` for one character.

Gates match them against what a request says of itself, filters against all that was recorded: a
hostile text must not make a match slow. So each star takes the first place where what follows it
fits, and is never asked again; a match takes time by the length of the text.
"""

import re
from functools import lru_cache


@lru_cache(512)
def glob(text: str) -> re.Pattern[str]:
    """Return what matches a whole text as *text* wants it, in any letter case."""
    first, *rest = (_exactly(piece) for piece in re.split(r"\*+", text))
    if rest:
        *middle, last = rest
        # An earlier place is as good as a later one for what follows: nothing is lost by staying.
        first += "".join(f"(?>.*?{piece})" for piece in middle) + f".*{last}"
    return re.compile(first, re.IGNORECASE | re.DOTALL)


def _exactly(piece: str) -> str:
    return ".".join(map(re.escape, piece.split("?")))
