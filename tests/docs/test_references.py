"""What the Markdown names is there: files, links, targets of `make`; and each module has its place in a README."""

import re
from pathlib import Path

import pytest

from tests.docs.markdown import PAGES, ROOT, anchors, blocks, links, prose, table

ROOMS = ("domain", "projections", "web")

#: What is named in backticks as a file of the tree, or as a folder of it.
_FILE = re.compile(r"`([\w.][\w./-]*(?:\.(?:py|md|toml|ndjson|yml)|/))`")
_TARGET = re.compile(r"`make ([a-z]+)")


def named(page: Path) -> set[str]:
    """Return the files and folders that a page names, but for those that it makes itself."""
    return set(_FILE.findall(prose(page))) - {block.name for block in blocks(page)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """A link within the repository points at a file that is there, and at a heading that is in it."""
    for target in links(page):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            there = page if not path else page.parent / path
            assert there.exists(), target
            assert not anchor or anchor in anchors(there), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_is_named_is_there(page: Path) -> None:
    """A file or folder in backticks is there: seen from the page's folder, from the top, or from a folder it names."""
    names = named(page)
    tops = (page.parent, ROOT)
    bases = {*tops, *(top / name for top in tops for name in names if name.endswith("/"))}
    missing = {name for name in names if not any((base / name).exists() for base in bases)}
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_target_of_make_that_is_named_is_in_the_makefile(page: Path) -> None:
    """`make something` in a page is something to make."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(_TARGET.findall(page.read_text())) <= targets


@pytest.mark.parametrize("room", ROOMS)
def test_every_module_has_its_place_in_the_readme_of_its_room(room: str) -> None:
    """The table of files names each module, or the folder that it is in."""
    page = ROOT / room / "README.md"
    told = {name for row in table(page, "file") for name in re.findall(r"`([^`]+)`", row[0])}
    modules = [path.relative_to(ROOT / room) for path in (ROOT / room).rglob("*.py") if path.name != "__init__.py"]
    left_out = [str(path) for path in modules if str(path) not in told and f"{path.parent}/" not in told]
    assert not left_out


def test_every_folder_of_tests_has_its_place_in_their_readme() -> None:
    """The table of folders names each one that holds Python."""
    page = ROOT / "tests" / "README.md"
    told = {row[0].strip("`/") for row in table(page, "folder")}
    assert {path.relative_to(page.parent).parts[0] for path in page.parent.glob("*/**/*.py")} <= told
