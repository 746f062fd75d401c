"""Recordings to hand on: as lines, a page, a test or a bundle, each one file, or as a corpus.

What a recording hides stays hidden in each of them, and each says what that is.
"""

from typing import TYPE_CHECKING

from eventstore.doors import opener

if TYPE_CHECKING:
    from debugger.exports.bundle import opened_bundle, write_bundle
    from debugger.exports.corpora import as_corpus
    from debugger.exports.files import refuse_existing, write_file
    from debugger.exports.finding import bundle_of
    from debugger.exports.hiding import HiddenPlace, Masks
    from debugger.exports.lines import as_lines
    from debugger.exports.page import MOST_FACTS, as_page
    from debugger.exports.recording import Recorded, Recording, gather
    from debugger.exports.test_files import as_test

__all__ = [
    "MOST_FACTS",
    "HiddenPlace",
    "Masks",
    "Recorded",
    "Recording",
    "as_corpus",
    "as_lines",
    "as_page",
    "as_test",
    "bundle_of",
    "gather",
    "opened_bundle",
    "refuse_existing",
    "write_bundle",
    "write_file",
]

_ROOMS = {
    "HiddenPlace": "debugger.exports.hiding",
    "MOST_FACTS": "debugger.exports.page",
    "Masks": "debugger.exports.hiding",
    "Recorded": "debugger.exports.recording",
    "Recording": "debugger.exports.recording",
    "as_corpus": "debugger.exports.corpora",
    "as_lines": "debugger.exports.lines",
    "as_page": "debugger.exports.page",
    "as_test": "debugger.exports.test_files",
    "bundle_of": "debugger.exports.finding",
    "gather": "debugger.exports.recording",
    "opened_bundle": "debugger.exports.bundle",
    "refuse_existing": "debugger.exports.files",
    "write_bundle": "debugger.exports.bundle",
    "write_file": "debugger.exports.files",
}
if not TYPE_CHECKING:  # else the type checker would take any name for one of this door
    __getattr__ = opener(__name__, _ROOMS)
