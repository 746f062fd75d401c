"""Recorded requests as a folder, a file each, to be kept beside the code (CT-3)."""

from collections.abc import Mapping

from debugger.exports.recording import Recording
from debugger.exports.test_files import as_recorded


def as_corpus(recording: Recording) -> Mapping[str, bytes]:
    """Return the files of a corpus by their names, which are those of the requests."""
    return {
        f"{each.timeline.request_id}.jsonl": "".join(f"{n}\n" for n in as_recorded(each)).encode()
        for each in recording.requests
    }
