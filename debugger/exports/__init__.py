"""Recordings to hand on: as lines, a page, a test or a bundle, each one file, or as a corpus.

What a recording hides stays hidden in each of them, and each says what that is.
"""

from debugger.exports.bundle import bundle_of, opened_bundle, write_bundle
from debugger.exports.corpora import as_corpus
from debugger.exports.files import refuse_existing, write_file
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
