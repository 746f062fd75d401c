"""A store that archives, beside one that does not: they never part."""

from datetime import timedelta

from hypothesis.stateful import rule

from eventstore.retention import ARCHIVED
from eventstore.testing.machine import StoresAgree


class StoresAgreeThoughArchived(StoresAgree):
    """The subject's closed streams leave it now and then."""

    @rule()
    def archive(self) -> None:
        """Let all closed streams leave the subject's table; the model only hears of it."""
        done = (self.guest or self.subject).archive(older_than=timedelta(0))
        after = self.model.end()
        facts = self.subject.read_log(after=after, kinds=["log"], limit=100)
        events = [event for row in facts for event in row.events if event.type == ARCHIVED]
        assert len(events) == len(done.files)
        for event in events:
            self.model._book.type_ids[ARCHIVED]
            self.model._register_names()
            self.model._write(self.model._drafting.maintenance(ARCHIVED, event.data.data))
