"""The wheel holds what the tree holds: a package left out would still import from an editable install."""

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("domain", "projections", "web")
# The READMEs explain the rooms to who reads the source; what it is deployed with is for who has that too.
NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "*.md", "deploy")


@pytest.fixture
def clean_copy(tmp_path: Path) -> Path:
    """What the wheel is built from, without anything that an earlier build left behind."""
    copy = tmp_path / "deedbook"
    for room in ROOMS:
        shutil.copytree(ROOT / room, copy / room, ignore=NOT_SHIPPED)
    for file in filter(Path.is_file, ROOT.iterdir()):
        shutil.copy(file, copy)
    return copy


def files_of_the_tree(root: Path) -> set[str]:
    """The files of the three rooms, by the path they have once installed."""
    return {
        f"deedbook/{file.relative_to(root).as_posix()}"
        for room in ROOMS
        for file in (root / room).rglob("*")
        if file.is_file()
    }


def files_of_the_wheel(root: Path, wheels: Path) -> set[str]:
    """The files that a wheel built from root installs, but for its metadata."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "wheel"]
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "--wheel-dir", wheels, root], check=True)
    (wheel,) = wheels.glob("*.whl")
    with ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_the_wheel_holds_every_file_of_the_three_rooms_and_nothing_else(clean_copy: Path, tmp_path: Path) -> None:
    """Each file of the rooms is in the wheel, under deedbook/, and the wheel holds no other."""
    tree = files_of_the_tree(clean_copy)
    assert files_of_the_wheel(clean_copy, tmp_path / "wheels") == tree
