"""The control stream of an app: what it says of versions, kept fresh, and how it is changed."""

from typing import TYPE_CHECKING

from eventstore.doors import opener

if TYPE_CHECKING:
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

_ROOMS = {
    "Board": "runtime.control.board",
    "Changed": "runtime.control.changing",
    "Decide": "runtime.control.changing",
    "Versions": "runtime.control.versions",
    "change": "runtime.control.changing",
    "control_stream": "runtime.control.reading",
    "export_manifests": "runtime.control.manifests",
    "import_manifests": "runtime.control.manifests",
    "read_manifests": "runtime.control.manifests",
    "read_table": "runtime.control.reading",
    "table_at": "runtime.control.reading",
}
if not TYPE_CHECKING:  # else the type checker would take any name for one of this door
    __getattr__ = opener(__name__, _ROOMS)
