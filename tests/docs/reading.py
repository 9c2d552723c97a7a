"""A reader who types all that a page says, and compares what comes with what the page shows."""

import re
from pathlib import Path

from tests.docs.markdown import Command, blocks, commands
from tests.docs.shell import Shell
from tests.docs.transcript import Transcript
from tests.support.server import free_port

#: What goes on until Ctrl-C, so that readers give it a terminal of its own.
FOREVER = re.compile(r"make run|deedbook serve\b.*")

#: The ports that the pages name. A test takes others, that are free.
_PORT = re.compile(r"\b800[0-9]\b")


class Reader:
    """Types the commands of a page into a shell."""

    def __init__(self, folder: Path, ports: dict[str, str]) -> None:
        self._folder = folder
        self._ports = ports
        self._transcript = Transcript()

    def read(self, page: Path, shell: Shell) -> int:
        """Do all that a page says, in order; fail where something else comes. Return how many commands there were."""
        done = 0
        for block in blocks(page):
            if block.name:
                (self._folder / block.name).write_text(block.text)
            elif block.language == "console":
                for command in commands(block):
                    self._type(command, shell, page)
                    done += 1
        return done

    def _type(self, command: Command, shell: Shell, page: Path) -> None:
        text = _PORT.sub(lambda found: self._ports.setdefault(found[0], str(free_port())), command.text)
        if FOREVER.fullmatch(text):
            shell.begin(text, lambda printed: self._transcript.fits(command.shown, printed))
            return
        printed = shell.run(text)
        assert self._transcript.fits(command.shown, printed), (
            f"{page}:{command.line} shows\n{command.shown}\nbut this came:\n{printed}"
        )
