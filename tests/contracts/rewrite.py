"""Put what happens into the pages, where it is not what they show.

`python -m tests.contracts.rewrite docs/tutorial.md`; read the difference before you commit it.
"""

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.contracts.pages import Block, blocks
from tests.contracts.reader import Happened, Reader
from tests.warm import Programs


def anew(block: Block, happened: list[Happened]) -> str:
    """Return the body of *block* with what happened in place of what differs."""
    if block.language == "text":
        return "".join(f"{line.rstrip()}\n" for line in happened[0].said.splitlines())
    parts = iter(happened)
    kept: list[str] = []
    current: Happened | None = None
    for line in block.body.splitlines():
        if line.startswith("$ "):
            kept.append(line)
            current = next(parts)
            if current.wrong is not None:
                kept += ["> " + more for more in current.what.split("\n")[1:]]
                kept += [said.rstrip() for said in current.said.splitlines()]
        elif current is None or current.wrong is None:
            kept.append(line)
    return "\n".join(kept) + "\n"


def rewrite(page: Path) -> None:
    text = page.read_text("utf-8")
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory()))
        programs = Programs()
        cleanup.callback(programs.close)
        reader = Reader(folder, cleanup, programs.folder, patience_s=5)
        for block in blocks(page):
            happened = reader.follow(block)
            if block.language != "python" and any(one.wrong for one in happened):
                old = f"```{block.language}\n{block.body}```"
                new = f"```{block.language}\n{reader.ids.take_out(anew(block, happened))}```"
                text = text.replace(old, new, 1)
    page.write_text(text, "utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        rewrite(Path(name))
