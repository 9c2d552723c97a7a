"""The options that several commands have. Each can also be set as a DEEDBOOK_… variable."""

from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec

import click

from deedbook.web.settings import DEFAULT_URL

Parameters = ParamSpec("Parameters")


def url_option() -> Callable[[Callable[Parameters, None]], Callable[Parameters, None]]:
    """Return the option that names the store."""
    return click.option("--url", envvar="DEEDBOOK_URL", default=DEFAULT_URL, show_default=True, help="The store.")


def views_option() -> Callable[[Callable[Parameters, None]], Callable[Parameters, None]]:
    """Return the option that names the folder of views."""
    return click.option(
        "--views",
        envvar="DEEDBOOK_VIEWS",
        type=click.Path(file_okay=False, path_type=Path),
        help="The folder of this machine's views; left out, beside log.db, or data.",
    )


def serving_options(command: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """Give a command the options of a server."""
    for option in reversed((
        url_option(),
        views_option(),
        click.option("--host", envvar="DEEDBOOK_HOST", default="127.0.0.1", show_default=True),
        click.option("--port", envvar=["DEEDBOOK_PORT", "PORT"], default=8000, show_default=True,
                     type=click.IntRange(0, 65535), help="0 takes any that is free."),
        click.option("--list-order", envvar="DEEDBOOK_LIST_ORDER", default="oldest", show_default=True,
                     type=click.Choice(["oldest", "newest"]), help="What lists begin with, unless they say."),
        click.option("--trusted-proxies", envvar="DEEDBOOK_TRUSTED_PROXIES", default="", metavar="NETWORKS",
                     help="Whose X-Forwarded-For counts: addresses or networks, with commas between."),
        click.option("--streams-per-key", envvar="DEEDBOOK_STREAMS_PER_KEY", default=2000, show_default=True,
                     type=click.IntRange(1), help="Open streams that one API key may have."),
        click.option("--slow-follower", envvar="DEEDBOOK_SLOW_FOLLOWER", default=10.0, show_default=True,
                     type=click.FloatRange(0.1), help="Seconds that a stream may stay unread before it is closed."),
        click.option("--queue", envvar="DEEDBOOK_QUEUE", default=10_000, show_default=True,
                     type=click.IntRange(1), help="Commands that may wait to be recorded."),
        click.option("--read-url", envvar="DEEDBOOK_READ_URL",
                     help="A hot standby of the PostgreSQL database, which events and output are read from."),
        click.option("--snapshots", envvar="DEEDBOOK_SNAPSHOTS", type=click.Path(path_type=Path, file_okay=False),
                     help="A folder that nodes share: a new one takes its views there, and leaves them for the next."),
        click.option("--snapshot-events", envvar="DEEDBOOK_SNAPSHOT_EVENTS", default=100_000, show_default=True,
                     type=click.IntRange(1), help="Events after which another snapshot is left."),
        click.option("--snapshot-minutes", envvar="DEEDBOOK_SNAPSHOT_MINUTES", default=60.0, show_default=True,
                     type=click.FloatRange(0.0), help="Minutes after which it is, if anything happened."),
        click.option("--session-secret", envvar="DEEDBOOK_SESSION_SECRET",
                     help="What the console's cookies are signed with; several servers on one log need the same."),
    )):  # fmt: skip
        command = option(command)
    return command
