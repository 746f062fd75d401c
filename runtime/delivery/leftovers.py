"""What others left: messages claimed by nodes that are gone, letters that nobody buried yet.

Both are written at the revision of the stream that was read: of several nodes that find the
same, one writes it down, and the others see that it is done.
"""

from collections.abc import Callable, Collection, Iterable, Mapping

from eventstore import EventStoreError, Nodes, Store, StreamId
from runtime.delivery.journal import Journal, Keyed
from runtime.queue import CRASH, Inbox, Letter, Message, QueueFold, dead_stream
from runtime.queue_facts import MessageFailed

MOST = 256
"""Letters that are buried at one time."""
Attempts = Callable[[Message], int]
"""How often a message is tried."""
IsGone = Callable[[str], bool]


def gone_by(nodes: Nodes | None) -> IsGone:
    """Return what says of the node of a claim that it works on it no more.

    Ask before the log is read to its end: what a gone one settled is known then.

    Raises:
        EventStoreError: the nodes cannot be asked.
    """
    if nodes is None:
        return lambda node: True
    living, holds = nodes.census().living, nodes.holds
    return lambda node: node not in living if node else holds


def failures_of(name: str, inbox: Inbox, is_gone: IsGone, attempts: Attempts) -> list[Keyed]:
    """Say that attempts failed whose process has gone (QF-9)."""
    facts: list[Keyed] = []
    for id_, each in inbox.queued.items():
        if each.phase == "running" and is_gone(each.node):
            again = each.attempts < attempts(each.message)
            facts.append((MessageFailed(name, each.attempts, again, CRASH), id_))
    return facts


async def take_back(
    fold: QueueFold, journal: Journal, names: Iterable[str], is_gone: IsGone, attempts: Attempts
) -> bool:
    """Let what gone nodes claimed be tried again; False: somebody else wrote, read again.

    Raises:
        EventStoreError: the log cannot be written.
    """
    for name in names:
        facts = failures_of(name, fold.inboxes[name], is_gone, attempts)
        if facts and not await _first(journal, name, facts, fold.revision(name)):
            return False
    return True


async def _first(journal: Journal, name: str, facts: list[Keyed], revision: int) -> bool:
    try:
        await journal.tell(name, facts, revision).durable()
    except EventStoreError as error:
        if error.code != "wrong-revision":
            raise
        return False
    return True


def heads_of(store: Store, letters: Iterable[Letter]) -> dict[StreamId, int]:
    """Return how far the streams are that *letters* belong into; blocks.

    Raises:
        EventStoreError: the log cannot be read.
    """
    streams = {dead_stream(each.topic, each.subscriber) for each in letters}
    return {stream: store.head(stream).revision for stream in streams}


async def bury(
    journal: Journal, letters: Collection[Letter], heads: Mapping[StreamId, int]
) -> bool:
    """Write letters down; False: somebody else wrote, read again.

    Args:
        journal: of the log.
        letters: not in their streams, as those are at *heads*.
        heads: how far their streams are.

    Raises:
        EventStoreError: the log cannot be written.
    """
    done = True
    for stream, revision in heads.items():
        own = [each for each in letters if dead_stream(each.topic, each.subscriber) == stream]
        if not own:
            continue
        try:
            await journal.bury_all(stream, own, revision).durable()
        except EventStoreError as error:
            if error.code != "wrong-revision":
                raise
            done = False
    return done
