"""User state at the shown moment, as a tree (RN-5)."""

from collections.abc import Callable, Mapping, Sequence

from debugger.timeline import LastWrite, printable, width
from debugger.tui.cells import Cell, Cells, spread
from debugger.tui.lines import Lines
from debugger.tui.location import Location
from debugger.tui.look import Look
from debugger.tui.tree import MOST_CHILDREN, Node, Shape, place_of
from debugger.tui.wording import last_name, short_value

_MOST = 400


class StatePane(Lines):
    """Rows of the tree: name, value, what it was, who wrote it last."""

    def __init__(self, look: Callable[[], Look]) -> None:
        super().__init__(look, "state", id="state")
        self.nodes: Sequence[Node] = ()
        self.shape = Shape()
        self._last_writes: Mapping[str, LastWrite] = {}

    def show(self, location: Location, path: str) -> None:
        """Show the state of *location*, the cursor on *path* or what holds it."""
        self.nodes = location.nodes
        self._last_writes = location.last_writes
        self.title = f"state @ #{location.revision}"
        self.note = "last write"
        self.empty = ("the state is empty here",)
        self.cursor = place_of(list(self.nodes), path) if path else self.cursor
        self.dimmed = False
        self.renew()

    @property
    def path(self) -> str:
        """Pointer of the row under the cursor; ``: there is none."""
        return self.nodes[self.cursor].path if self.nodes else ""

    def turn_fold(self) -> bool:
        """Fold or unfold the row under the cursor; say whether there was anything to turn."""
        if not self.nodes:
            return False
        node = self.nodes[self.cursor]
        if node.left:
            more = {**self.shape.longer}
            more[node.path] = more.get(node.path, 0) + MOST_CHILDREN
            self.shape = Shape(self.shape.turned, more)
            return True
        if node.open is None:
            return False
        self.shape = Shape(self.shape.turned ^ {node.path}, self.shape.longer)
        return True

    @property
    def count(self) -> int:
        return len(self.nodes)

    def row(self, index: int, room: int) -> Cells:
        node, glyphs = self.nodes[index], self.look.glyphs
        indent = "  " * min(node.depth, 12)
        if node.left:
            return [(f"{indent}  {node.left} more, {MOST_CHILDREN} at a time", "dim")]
        fold = {None: " ", True: glyphs.open, False: glyphs.folded}[node.open]
        sign = node.change.sign if node.change else " "
        name = printable(node.name[:200])
        changed = node.change is not None
        cells: list[Cell] = [
            (f"{indent}{fold}", "dim"),
            (sign + " ", "blue"),
            (name + "  ", "dim" if node.open is None else ""),
            (short_value(node.value, _MOST), "blue" if changed else ""),
        ]
        if node.change is not None and node.change.sign == "~":
            cells.append((f"  was {short_value(node.change.before, _MOST)}", "dim"))
        return spread(cells, self._writer(node, room), room, glyphs.cut)

    def _writer(self, node: Node, room: int) -> list[Cell]:
        last = self._last_writes.get(node.name) if node.depth == 0 else None
        if last is None:
            return []
        said = f"  #{last.revision} {last_name(last.by)}".rstrip()
        return [(said, "dim")] if width(said) <= room // 2 else []
