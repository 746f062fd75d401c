"""Add to the corpus what the program of today writes: `python -m tests.golden`.

It only ever adds. A shape that changed otherwise is refused: raise the schema, and write the
step that leads to it (docs/development.md).
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from eventstore import Store
from eventstore.sql import open_store
from runtime.context import registry
from runtime.effects import SystemIds, system_clock
from tests.contracts.source import project
from tests.golden import corpus
from tests.golden.samples import samples
from tests.golden.shapes import fault_between

REQUESTS = 9


def add_types() -> list[str]:
    """Record new types, new schemas and new last fields; give what is refused."""
    recorded, faults = corpus.recorded_types(), []
    for name, schemas in corpus.current_types(registry()).items():
        for schema, shape in schemas.items():
            fault = fault_between(recorded.get(name, {}).get(schema, {}), shape)
            if fault is not None:
                faults.append(f"{name}: {fault}")
                continue
            recorded.setdefault(name, {})[schema] = shape
    if not faults:
        _write(corpus.TYPES, recorded)
    return faults


def add_events() -> None:
    known = registry()
    for event in samples().values():
        path = corpus.event_path(event.type, known.schema(event.type))
        if not path.exists():
            _write(path, msgspec.structs.asdict(corpus.golden_event(known, event)))


def add_store() -> None:
    """Record a small demo as this version does, unless that was done."""
    path = corpus.STORES / f"{project()['project']['version']}.db"
    if path.exists():
        return
    url = f"sqlite:///{path}"
    words = ["demo", "--headless", "--requests", str(REQUESTS), "--store", url]
    subprocess.run([sys.executable, "-m", "debugger", *words], check=True)
    with _opened(url) as store:
        golden = corpus.GoldenStore(
            store.verify().verified_to, len(corpus.request_streams(store)), corpus.digest_of(store)
        )
    _write(path.with_suffix(".json"), msgspec.structs.asdict(golden))
    for suffix in ("-holder", "-write", "-wal", "-shm", ".seal-key"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def _opened(url: str) -> Store:
    return open_store(url, mode="read", registry=registry(), clock=system_clock, ids=SystemIds())


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    faults = add_types()
    if faults:
        sys.exit("Not without a new schema:\n" + "\n".join(faults))
    add_events()
    add_store()
