"""The image, as far as it can be made without Docker: its commands, typed as they stand, in other folders."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.faults.ledger import wait_for
from tests.support.server import free_port
from tests.support.unprivileged import given_to, unprivileged
from tests.web.deploy.deployment import ROOT, dockerfile, environment_of, one

#: An ordinary user of every Unix.
USER = "nobody"


class Image:
    """What the Dockerfile makes, below a folder that stands for the root of the image."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.build, self.final = dockerfile()
        path = (f"{root}/opt/deedbook/bin", str(Path(sys.executable).parent), os.environ["PATH"])
        self.environment = {
            **{name: self.here(value) for name, value in environment_of(self.final).items()},
            "PATH": os.pathsep.join(path),
            "DEEDBOOK_PORT": str(free_port()),
        }
        self.home = root / one(self.final, "WORKDIR").text.lstrip("/")

    def here(self, text: str) -> str:
        """Return a command or a path with the image's folders where they are here."""
        for top in ("/opt/", "/var/lib/"):
            text = text.replace(top, f"{self.root}{top}")
        return text

    def make(self) -> None:
        """Do what the first stage does: copy the checkout, and run its commands; and keep what the last takes over."""
        source = self.root / one(self.build, "WORKDIR").text.lstrip("/")
        source.mkdir()
        for words in (step.words for step in self.build if step.name == "COPY"):
            for name in words[:-1]:
                _copy(ROOT / name, source / name)
        for step in self.build:
            if step.name == "RUN":
                command = ["sh", "-c", self.here(step.text)]
                subprocess.run(command, cwd=source, env={**os.environ, **self.environment}, check=True)
        shutil.rmtree(source)
        self.home.mkdir(parents=True)
        given_to(self.home, USER)

    def run(self, words: list[str]) -> "subprocess.Popen[str]":
        """Start a command in the image as its user would."""
        return subprocess.Popen(
            unprivileged([self.here(word) for word in words], USER), cwd=self.home, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """The image, made. Not below pytest's own folder, which is closed to other users."""
    root = Path(mkdtemp(prefix="deedbook-image-"))
    root.chmod(0o755)
    try:
        image = Image(root)
        image.make()
        yield image
    finally:
        shutil.rmtree(root)


def test_it_serves_as_an_ordinary_user_is_found_well_and_ends_when_told(image: Image) -> None:
    """What is started is well by its own check, takes an API key, keeps all in its volume, and ends in peace."""
    check = one(image.final, "HEALTHCHECK").words
    assert not _succeeds(image.run(check)), "it was well before it was there"
    serving = image.run([*one(image.final, "ENTRYPOINT").words, *one(image.final, "CMD").words])
    try:
        wait_for(lambda: _succeeds(image.run(check)), "the image to be well")
        made = image.run(["deedbook", "keys", "create", "me", "--namespace", "acme", "--role", "admin"])
        assert len(made.communicate()[0].strip()) > 40
        assert Path(f"/proc/{serving.pid}").stat().st_uid != 0
        assert {path.owner() for path in image.home.iterdir()} == {image.home.owner()}
        assert (image.home / "log.db").exists()
    finally:
        serving.send_signal(signal.Signals[one(image.final, "STOPSIGNAL").text])
        told, _ = serving.communicate(timeout=30)
    assert serving.returncode == 0, told


def test_it_holds_no_more_than_it_needs(image: Image) -> None:
    """Only what the last stage takes over: the environment, and neither sources nor manifests nor tests."""
    taken = [step.words for step in image.final if step.name == "COPY"]
    assert taken == [["--from=build", "/opt/deedbook", "/opt/deedbook"]]
    packages = next((image.root / "opt" / "deedbook" / "lib").glob("*/site-packages"))
    assert (packages / "deedbook" / "web" / "main.py").exists()
    assert not (packages / "deedbook" / "web" / "deploy").exists()
    assert not list(packages.glob("pytest*"))


def _copy(path: Path, to: Path) -> None:
    if path.is_dir():
        shutil.copytree(path, to, ignore=shutil.ignore_patterns("__pycache__", "deploy"))
    else:
        shutil.copy(path, to)


def _succeeds(process: "subprocess.Popen[str]") -> bool:
    process.communicate()
    return process.returncode == 0
