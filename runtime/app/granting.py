"""`secrets=` and `publishes=`: what a handler may read, and publish on (SE-6, CP-2)."""

from collections.abc import Collection, Iterable

from runtime.app.declarations import Declared
from runtime.app.manifesting import seen_by
from runtime.app.sources import Sources
from runtime.errors import CapabilityError, RegistrationError, UnknownTopicError
from runtime.queue import check_topic_name
from runtime.secrets import check_name


def check_secrets(names: object) -> tuple[str, ...] | None:
    """Read `secrets=`.

    Raises:
        RegistrationError: one is no name of a secret.
    """
    found = _names("secrets", names, 'secrets={"stock-token"}')
    for name in found or ():
        check_name(name)
    return found


def check_publishes(names: object) -> tuple[str, ...] | None:
    """Read `publishes=`.

    Raises:
        RegistrationError: it is no list of topics.
        TopicNameError: one is no name of a topic.
    """
    found = _names("publishes", names, 'publishes={"orders.placed"}')
    for name in found or ():
        check_topic_name(name)
    return found


def _names(what: str, names: object, example: str) -> tuple[str, ...] | None:
    if names is None:
        return None
    if not isinstance(names, list | tuple | set | frozenset):
        raise RegistrationError(
            problem=f"{what}={names!r:.80} is no list of names.", remedy=f"Write {example}."
        )
    return tuple(sorted(names))


def refuse_ungranted(declared: Declared, sources: Sources) -> list[str]:
    """Compare both with what the source shows; say what is granted and unseen.

    Raises:
        CapabilityError: the source shows what is not granted.
    """
    if declared.secrets is None and declared.publishes is None:
        return []
    seen, dynamic = seen_by(declared, sources)
    unused = []
    for what, does, granted, used in (
        ("secrets", "reads", declared.secrets, seen.secrets),
        ("publishes", "publishes on", declared.publishes, seen.topics),
    ):
        if granted is None:
            continue
        more = [name for name in used if name not in granted]
        if more:
            raise CapabilityError(
                problem=f"{declared.template.text} ({declared.place}) {does} {', '.join(more)}, "
                f"which its {what}= does not name.",
                remedy=f"Name them, or leave {what}= out.",
            )
        unused += [
            f"{what}= names {name}, which nothing uses." for name in granted if name not in used
        ]
    return [] if dynamic else unused


def refuse_unknown_topics(declared: Iterable[Declared], topics: Collection[str]) -> None:
    """Refuse handlers that name topics which are not declared.

    Raises:
        UnknownTopicError: lists all of it.
    """
    unknown = [
        f"{name} ({version.place})"
        for version in declared
        for name in version.publishes or ()
        if name not in topics
    ]
    if unknown:
        raise UnknownTopicError(
            problem=f"Handlers name topics that are not there: {', '.join(unknown)}.",
            remedy=f"Declare them with app.topic(). There are: {', '.join(topics) or 'none'}.",
        )
