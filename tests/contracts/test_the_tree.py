"""What may stand in the project's files."""

import re

from tests.contracts.source import ROOT, project, shown, tracked

HERE = re.compile(r"(?<![\w./:-])/(?:work|root|home|farm|Users)/\w")
INDEX = re.compile(r"(?i)pythonhosted\.org|pypi\.org/simple|--(?:extra-)?index-url|--find-links")


def lines_matching(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in tracked():
        name = str(path.relative_to(ROOT))
        if name.startswith("tests/contracts/") or path.suffix in {".db", ".png"}:
            continue
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if pattern.search(line):
                found.append(shown(path, number))
    return found


def test_no_path_of_somebodys_machine_is_written_down() -> None:
    assert lines_matching(HERE) == []


def test_no_package_index_is_written_down() -> None:
    assert lines_matching(INDEX) == []


def test_the_constraints_are_versions_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]

    assert [line for line in pins if not re.fullmatch(r"[\w.-]+==[\w.!+]+", line)] == []
    assert pins == sorted(pins, key=str.lower)


def test_every_dependency_has_a_known_version() -> None:
    table = project()["project"]
    wanted = [*table["dependencies"]]
    for extra in table["optional-dependencies"].values():
        wanted += extra
    pinned = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    }

    names = [re.split(r"[\[><=~! ]", need)[0].lower() for need in wanted]

    assert [name for name in names if name not in pinned] == []


def test_the_changelog_speaks_of_the_version_that_is_built() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    headings = re.findall(r"^## \[(.+?)\]", text, re.MULTILINE)
    sections = set(re.findall(r"^### (\w+)", text, re.MULTILINE))

    assert headings[0] in {"Unreleased", project()["project"]["version"]}
    assert sections <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_every_python_file_of_the_packages_is_short_enough_to_be_one_idea() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {count}"
        for path in tracked("eventstore", "runtime", "debugger")
        if path.suffix == ".py" and (count := len(path.read_text("utf-8").splitlines())) > 450
    ]

    assert long == []
