"""Gives answers as msgpack to who asks for it (RS-3)."""

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from runtime.messages import Answer

MSGPACK: Final = "application/msgpack"
_JSON: Final = "application/json"
_WEIGHT: Final = re.compile(r"\s*q\s*=\s*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*", re.IGNORECASE)
_decode: Final = msgspec.json.Decoder().decode
_pack: Final = msgspec.msgpack.Encoder().encode


def asks_msgpack(accept: Iterable[str]) -> bool:
    """Say whether the values of `Accept` name msgpack, and JSON not as well or not as much."""
    weights: dict[str, float] = {}
    for each in ",".join(accept).split(","):
        media, *parameters = each.split(";")
        found = [_WEIGHT.fullmatch(parameter) for parameter in parameters]
        weights[media.strip(" \t").lower()] = next((float(w[1]) for w in found if w), 1.0)
    return weights.get(MSGPACK, 0.0) > weights.get(_JSON, 0.0)


def packed(answer: Answer) -> Answer:
    """Return *answer* in msgpack if it is JSON that msgpack can say; else as it is."""
    if ("content-type", _JSON) not in answer.headers:
        return answer
    try:
        body = _pack(_decode(answer.body))
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        # A whole number above 64 bits is one that msgpack cannot say.
        return answer
    headers = tuple((n, MSGPACK if n == "content-type" else v) for n, v in answer.headers)
    return msgspec.structs.replace(answer, headers=headers, body=body)
