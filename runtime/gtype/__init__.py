"""Types of requests and answers: read once at registration, checked on every request.

`check(hint)` compiles a type hint to a `Check`. Its decoder is msgspec's, compiled and
strict; only when that refuses is the same text read again as plain data and walked, to
list every fault with its place (GT-10, GT-15). The walk and the decoder hold the same law.
"""

from runtime.gtype.build import gtype
from runtime.gtype.check import UNEXPLAINED, Checker, PlainChecker, check
from runtime.gtype.fields import any_classes, check_subjects, hidden_fields, marks_of
from runtime.gtype.findings import Findings, format_issues, issues_for
from runtime.gtype.forms import FormReader, form_reader
from runtime.gtype.marks import Brand, Check, Email, Negative, Pattern, Positive, UniqueItems, Url
from runtime.gtype.query import QueryReader
from runtime.gtype.redaction import Redactor, redactor
from runtime.gtype.schema import GType
from runtime.gtype.sensitive import Mark, Sensitive, sensitive
from runtime.gtype.text import PATH_TYPES, PathType

__all__ = [
    "PATH_TYPES",
    "UNEXPLAINED",
    "Brand",
    "Check",
    "Checker",
    "Email",
    "Findings",
    "FormReader",
    "GType",
    "Mark",
    "Negative",
    "PathType",
    "Pattern",
    "PlainChecker",
    "Positive",
    "QueryReader",
    "Redactor",
    "Sensitive",
    "UniqueItems",
    "Url",
    "any_classes",
    "check",
    "check_subjects",
    "form_reader",
    "format_issues",
    "gtype",
    "hidden_fields",
    "issues_for",
    "marks_of",
    "redactor",
    "sensitive",
]
