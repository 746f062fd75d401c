"""The control stream of an app: what it says of versions, kept fresh, and how it is changed."""

from runtime.control.board import Board
from runtime.control.changing import Changed, Decide, change
from runtime.control.manifests import export_manifests, import_manifests, read_manifests
from runtime.control.reading import control_stream, read_table, table_at
from runtime.control.versions import Versions

__all__ = [
    "Board",
    "Changed",
    "Decide",
    "Versions",
    "change",
    "control_stream",
    "export_manifests",
    "import_manifests",
    "read_manifests",
    "read_table",
    "table_at",
]
