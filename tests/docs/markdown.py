"""Reads the Markdown of this repository: its fenced blocks, the commands in them, its links and its tables."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]

#: Every README, from the stranger's to the rooms'.
READMES = (ROOT / "README.md", *sorted(ROOT.glob("[a-z]*/README.md")))

#: All Markdown that is kept in git.
PAGES = (*READMES, ROOT / "CHANGELOG.md", *sorted(ROOT.glob(".github/*.md")))

_FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (?P<words>.+)$", re.MULTILINE)


class Block(NamedTuple):
    """What stands between two fences: `language`, the `name` of a file where it is one, its text, its first line."""

    language: str
    name: str
    text: str
    line: int


class Command(NamedTuple):
    """A command of a console, what is shown below it, and in which line of the page it stands."""

    text: str
    shown: str
    line: int


def blocks(page: Path) -> Iterator[Block]:
    """Return the fenced blocks of a page, in order."""
    text = page.read_text()
    for found in _FENCE.finditer(text):
        language, _, name = found["info"].partition(" ")
        yield Block(language, name, found["text"], text.count("\n", 0, found.start()) + 2)


def commands(block: Block) -> Iterator[Command]:
    """Return the commands of a console: each begins with `$ ` and goes on behind `> `, as bash shows it."""
    command: list[str] = []
    shown: list[str] = []
    begun = block.line
    for number, line in enumerate(block.text.splitlines(), block.line):
        if line.startswith("$ "):
            if command:
                yield Command("\n".join(command), "\n".join(shown), begun)
            command, shown, begun = [line.removeprefix("$ ")], [], number
        elif command and not shown and line.startswith("> "):
            command.append(line.removeprefix("> "))
        else:
            shown.append(line)
    if command:
        yield Command("\n".join(command), "\n".join(shown), begun)


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", page.read_text())


def links(page: Path) -> set[str]:
    """Return the targets of all links of a page."""
    return {found["target"] for found in _LINK.finditer(prose(page))}


def anchors(page: Path) -> set[str]:
    """Return what a link can point at within a page, named as GitHub names it."""
    headings = (found["words"].lower() for found in _HEADING.finditer(prose(page)))
    return {re.sub(r"[^\w -]", "", words).replace(" ", "-") for words in headings}


def table(page: Path, first: str) -> list[list[str]]:
    """Return the rows of the table whose first column is headed `first`, cell by cell."""
    lines = prose(page).splitlines()
    (begin,) = (number for number, line in enumerate(lines) if _cells(line)[:1] == [first])
    rows = []
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            break
        rows.append(_cells(line))
    return rows


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
