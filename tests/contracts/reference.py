"""The parts of the reference pages that are written from the source.

`python -m tests.contracts.reference` writes them anew; a test holds them equal.
"""

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

from debugger.cli import Exit, build_parser
from debugger.tui.actions import ACTIONS
from debugger.tui.keys import key_text
from tests.contracts.source import ROOT, files_of, tree_of

DOCS = ROOT / "docs"


def classes(path: Path) -> Iterator[ast.ClassDef]:
    return (node for node in tree_of(path).body if isinstance(node, ast.ClassDef))


def assigned(cls: ast.ClassDef, name: str) -> str | None:
    """Give the text that the class attribute *name* is set to in the class itself."""
    for node in cls.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(node, ast.AnnAssign):
            target = node.target
        if isinstance(target, ast.Name) and target.id == name:
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            text = value.value if isinstance(value, ast.Constant) else None
            return text if isinstance(text, str) else None
    return None


def sentence(node: ast.ClassDef) -> str:
    """Give what the docstring says, in one line, without its requirement."""
    text = " ".join((ast.get_docstring(node) or "").split())
    return re.sub(r" \((?:[A-Z]{2}-\d+(?:, )?)+\)", "", text)


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("``", "nothing")


def fields(cls: ast.ClassDef) -> list[str]:
    """Describe the fields of a Struct, a row each."""
    rows = []
    for at, node in enumerate(cls.body):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        kind = ast.unparse(node.annotation)
        if kind.startswith("ClassVar"):
            continue
        after = cls.body[at + 1] if at + 1 < len(cls.body) else None
        said = after.value if isinstance(after, ast.Expr) else None
        about = said.value if isinstance(said, ast.Constant) else ""
        default = f"`{cell(ast.unparse(node.value))}`" if node.value is not None else "always there"
        rows.append(f"| `{node.target.id}` | `{cell(kind)}` | {default} | {cell(str(about))} |")
    return rows


def facts() -> str:
    names = (
        "facts", "policy_facts", "version_facts", "service_facts", "module_facts",
        "transform_facts", "queue_facts", "health_facts", "care_facts", "schema_facts",
        "control_facts", "ingress_facts", "node_facts", "relay_facts", "problem_facts",
    )  # fmt: skip
    paths = [ROOT / "runtime" / f"{name}.py" for name in names]
    parts = []
    for cls in (each for path in paths for each in classes(path)):
        name = assigned(cls, "type")
        described = fields(cls)
        if name is None and (not described or cls.name == "Fact"):
            continue
        parts.append(f"### {f'`{name}`' if name else cls.name}\n\n{sentence(cls)}\n")
        if described:
            head = "| field | type | when left out | |\n|---|---|---|---|\n"
            parts.append(head + "\n".join(described) + "\n")
    return "\n".join(parts)


def coded(module: str) -> list[tuple[str, ast.ClassDef]]:
    found = [
        (code, cls)
        for path in files_of(module)
        for cls in classes(path)
        if (code := assigned(cls, "code"))
    ]
    return sorted(found, key=lambda pair: pair[0])


def runtime_errors() -> str:
    rows = [
        f"| {code} | `{cls.name}` | {cell(sentence(cls))} |"
        for code, cls in [*coded("runtime.errors"), *coded("runtime.messages")]
    ]
    return "| code | class | |\n|---|---|---|\n" + "\n".join(sorted(rows)) + "\n"


def debugger_errors() -> str:
    rows = [
        f"| {code} | `{cls.name}` | {assigned(cls, 'exit') or 'as its base'} | {about} |"
        for code, cls in coded("debugger.errors")
        if (about := cell(sentence(cls)))
    ]
    return "| code | class | exit | |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"


def commands() -> str:
    """Describe every command: what it does, what it takes, how it ends."""
    parts = []
    for name, parser in subcommands(build_parser()).items():
        parts.append(
            f"### `timescape {name}`\n\n```text\n{(parser.description or '').strip()}\n```\n"
        )
        parts.append("| | | |\n|---|---|---|")
        parts += [argument(action) for action in parser._actions if action.dest != "help"]
        parts.append(f"\n{(parser.epilog or '').strip().capitalize()}.\n")
    return "\n".join(parts)


MEANT = {
    Exit.OK: "it is as asked",
    Exit.DIFFERENT: "the things compared differ",
    Exit.BAD_INPUT: "an argument, an id, a filter or an app cannot be read",
    Exit.NOT_FOUND: "no such request, moment or key",
    Exit.NOT_REPLAYABLE: "the record does not have what the code reads",
    Exit.CORRUPT: "the log is not as it was written",
    Exit.UNAVAILABLE: "the store or the terminal cannot be had now",
    Exit.WRITE_REFUSED: "the store may not be written",
    Exit.PARTIAL: "some of it was cut short",
    Exit.CHANGED: "it changed, and what worked goes on working",
    Exit.BREAKING: "something that worked may not",
    Exit.APP_ERROR: "the app cannot be imported",
    Exit.STALE: "generated files are behind",
    Exit.NOTHING_SELECTED: "there is nothing of what was asked for",
    Exit.INTERRUPTED: "ctrl+c",
}


def exits() -> str:
    rows = [f"| {each.value} | {each.label} | {MEANT[each]} |" for each in Exit]
    return "| status | name | |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def argument(action: argparse.Action) -> str:
    """Describe an argument in a row."""
    metavar = action.metavar if isinstance(action.metavar, str) else None
    if action.choices:
        metavar = "{" + ",".join(map(str, action.choices)) + "}"
    if not action.option_strings:
        return f"| `{metavar or action.dest}` | | {cell(action.help or '')} |"
    names = ", ".join(f"`{name}`" for name in action.option_strings)
    value = "" if action.nargs == 0 else f"`{metavar or action.dest.upper()}`"
    return f"| {names} | {value} | {cell(action.help or '')} |"


def subcommands(of: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def keys() -> str:
    rows = []
    for each in ACTIONS:
        pressed = " ".join(f"`{key_text(key)}`" for key in each.keys) or f"`:{each.id}`"
        where = "all" if each.scope == "any" else each.scope
        rows.append(f"| {pressed} | {cell(each.text)} | {where} |")
    return "| keys | | screens |\n|---|---|---|\n" + "\n".join(rows) + "\n"


SECTIONS = {
    "keys": ("debugger.md", keys),
    "exits": ("cli.md", exits),
    "commands": ("cli.md", commands),
    "facts": ("facts.md", facts),
    "runtime errors": ("errors.md", runtime_errors),
    "debugger errors": ("errors.md", debugger_errors),
}


def section(text: str, name: str) -> re.Match[str] | None:
    marks = rf"(<!-- from the source: {re.escape(name)} -->\n\n)(.*?)(\n<!-- end -->)"
    return re.search(marks, text, re.DOTALL)


def written(name: str) -> str | None:
    """Give what the page holds now; None: it has no such section."""
    page, _ = SECTIONS[name]
    found = section((DOCS / page).read_text("utf-8"), name)
    return found[2] if found else None


def write() -> None:
    for name, (page, make) in SECTIONS.items():
        path = DOCS / page
        text = path.read_text("utf-8")
        found = section(text, name)
        if found is not None:
            path.write_text(text[: found.start(2)] + make() + text[found.end(2) :], "utf-8")


if __name__ == "__main__":
    write()
