"""What `deedbook check` does and tells: a deployment is driven, and the smallest story that fails is printed.

Imported by the command alone, since what it needs comes with the extra `testing`.
"""

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import NamedTuple

import httpx
from hypothesis.configuration import set_hypothesis_home_dir

from deedbook.domain.testing import Broken, NoAnswer, check
from deedbook.web.checking import OverHttp


class Asked(NamedTuple):
    """What is to be checked, and how long: `examples` stories of at most `steps` steps, chosen by `seed`."""

    url: str
    key: str
    user: str | None
    examples: int
    steps: int
    seed: int | None
    verbose: bool


def check_deployment(asked: Asked, echo: Callable[[str], None]) -> bool:
    """Check a deployment, and tell what was found; return whether it holds.

    Raises ValueError, with a sentence, where it can't be checked: no server, no admin's key, a server that went away.
    """
    _refuse_nonsense(asked)
    seed = secrets.randbelow(2**32) if asked.seed is None else asked.seed
    try:
        with _nothing_left_behind(), OverHttp(asked.url, asked.key, asked.user) as driver:
            driver.begin()
            try:
                done = check(driver, examples=asked.examples, steps=asked.steps, seed=seed, verbose=asked.verbose)
            except Broken as broken:
                echo(f"The lifecycle does not hold. The smallest story that shows it:\n\n{broken}\n")
                echo(f"Told in the namespaces {driver.run}.…; --seed {seed} tells the same stories.")
                return False
    except NoAnswer as error:
        raise ValueError(str(error)) from error
    echo(f"All as the lifecycle says: {done.stories} stories, {done.steps} steps, in the namespaces {driver.run}.…")
    return True


def _refuse_nonsense(asked: Asked) -> None:
    """Refuse what would be sent as a broken header, and printed by whoever complains of it."""
    if not re.fullmatch(r"[\x21-\x7e]+", asked.key):
        raise ValueError("The API key is none: it has letters, digits, - and _ only.")
    try:
        url = httpx.URL(asked.url)
    except httpx.InvalidURL as error:
        raise ValueError(f"The URL is none: {error}.") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("The URL must be one of a server, such as https://audit.example.")
    if url.userinfo:
        raise ValueError("The key does not belong into the URL: set DEEDBOOK_KEY.")


@contextmanager
def _nothing_left_behind() -> Iterator[None]:
    """Let Hypothesis keep its notes in a folder that goes: it would make one where the command is typed."""
    with TemporaryDirectory(prefix="deedbook-check-") as folder:
        set_hypothesis_home_dir(folder)
        yield
