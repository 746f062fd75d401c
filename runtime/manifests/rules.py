"""The rules for what stands in a manifest beside its types; see `runtime.breaking.rules`."""

from collections.abc import Mapping

from runtime.breaking.rules import Rule


def _rule(number: int, request: str, response: str, sentence: str) -> Rule:
    words = {"B": "breaking", "R": "risky", "S": "safe", "-": "none"}
    # A manifest is of requests and answers; what is stored has types of its own.
    return Rule(f"BR-{number}", words[request], words[response], "none", sentence, by_value=False)  # type: ignore[arg-type]


MANIFEST_RULES: Mapping[str, Rule] = {
    "route-removed": _rule(1, "B", "B", "the route is gone"),
    "route-added": _rule(1, "S", "S", "the route is new"),
    "path-changed": _rule(2, "B", "-", "the path is another one"),
    "parameter-renamed": _rule(3, "R", "-", "a path parameter has another name"),
    "parameter-narrowed": _rule(27, "B", "-", "a path parameter must have another form"),
    "parameter-widened": _rule(27, "S", "-", "a path parameter takes any text"),
    "body-refused": _rule(4, "B", "-", "the body must be of another media type"),
    "body-taken": _rule(4, "S", "-", "a body of more media types is taken"),
    "body-required": _rule(11, "B", "-", "a body is needed"),
    "body-dropped": _rule(12, "R", "-", "a body is no longer read"),
    "media-changed": _rule(4, "S", "B", "answers have another media type"),
    "status-removed": _rule(5, "-", "B", "it no longer answers so"),
    "status-added": _rule(5, "-", "R", "it may answer so, too"),
    "code-removed": _rule(6, "-", "B", "a problem code is no longer answered"),
    "code-changed": _rule(6, "-", "B", "a problem code has another status"),
    "code-added": _rule(6, "-", "S", "a problem code is new"),
    "header-needed": _rule(7, "B", "-", "a header is needed"),
    "header-not-needed": _rule(7, "S", "-", "a header is no longer needed"),
    "header-not-read": _rule(7, "R", "-", "a header makes no difference any more"),
    "header-given": _rule(7, "-", "S", "every answer has a header"),
    "header-not-given": _rule(7, "-", "B", "not every answer has a header any more"),
    "header-dropped": _rule(7, "-", "R", "no answer has a header any more"),
    "accepted-only": _rule(8, "B", "B", "what was done is now only accepted, or the reverse"),
    "pages": _rule(8, "B", "B", "answers come in pages"),
    "page-lowered": _rule(8, "B", "B", "pages have fewer items"),
    "order-changed": _rule(9, "-", "R", "items come in another order"),
    "size-lowered": _rule(44, "B", "-", "bodies may have fewer bytes"),
    "size-raised": _rule(44, "S", "-", "bodies may have more bytes"),
    "answer-lowered": _rule(44, "B", "-", "answers may have fewer bytes"),
    "answer-raised": _rule(44, "S", "-", "answers may have more bytes"),
    "places-lowered": _rule(45, "R", "-", "fewer of its requests run at once"),
    "places-raised": _rule(45, "S", "-", "more of its requests run at once"),
    "time-lowered": _rule(45, "R", "-", "it has less time"),
    "time-raised": _rule(45, "S", "-", "it has more time"),
    "limits-tightened": _rule(45, "R", "-", "callers may not call as often"),
    "limits-loosened": _rule(45, "S", "-", "callers may call more often"),
    "access-narrowed": _rule(46, "B", "-", "not all who could may call it"),
    "access-loosened": _rule(47, "R", "-", "more may call it"),
    "keys-required": _rule(48, "B", "-", "an idempotency key is needed, or does nothing any more"),
    "keys-offered": _rule(48, "S", "-", "an idempotency key may be given"),
    "topic-removed": _rule(53, "-", "B", "nothing is published on a topic any more"),
}
"""Name to rule. Source of the verdicts: the compatibility rules of Timescape, docs/versions.md."""

MODULE_RULES: Mapping[str, Rule] = {
    "method-removed": _rule(51, "B", "B", "the method is gone"),
    "method-added": _rule(51, "S", "S", "the method is new"),
    "argument-added": _rule(10, "S", "-", "an argument was added that may be left out"),
    "argument-added-required": _rule(11, "B", "-", "an argument was added that must be given"),
    "argument-removed": _rule(13, "B", "-", "an argument is no longer taken"),
    "argument-required": _rule(15, "B", "-", "an argument that could be left out must be given"),
    "argument-optional": _rule(16, "S", "-", "an argument may be left out"),
    "argument-moved": _rule(41, "B", "-", "an argument stands at another place"),
    "time-lowered": _rule(45, "R", "-", "a call has less time"),
    "time-raised": _rule(45, "S", "-", "a call has more time"),
    "once-only": _rule(48, "B", "-", "calling it twice may do twice what once does"),
    "idempotent": _rule(48, "S", "-", "calling it twice does what once does"),
    "capability-needed": _rule(52, "R", "-", "it needs a grant that it did not need"),
    "capability-dropped": _rule(52, "S", "-", "it no longer needs a grant"),
}
"""What a change of a module means to its callers, and to who grants it what it needs."""
