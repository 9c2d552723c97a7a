"""The command line: each command opens the store itself, and works beside a running server.

Each imports what it needs when it is asked for. Measured on a slow machine: 1.4 s for all of the program, 0.7 for what
`status` needs, 0.2 for `--version`.
"""

import getpass
import re
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec
from uuid import UUID, uuid4

import click

from deedbook.domain.errors import DeedbookError
from deedbook.domain.events import Caller
from deedbook.domain.keys import NAMESPACE_PATTERN, RESERVED_NAMESPACES, Role
from deedbook.web.listening import PortTaken, address_of, listen
from deedbook.web.options import serving_options, url_option, views_option
from deedbook.web.problems import Problem
from deedbook.web.settings import Settings

if TYPE_CHECKING:
    from deedbook.web.opening import Copying, Opened

Parameters = ParamSpec("Parameters")


def decoded_namespace(name: str) -> str:
    """Return the name of a namespace; raises ValueError where it can't be one."""
    if not re.fullmatch(NAMESPACE_PATTERN, name) or name in RESERVED_NAMESPACES:
        raise ValueError(f"{name!r} can't be a namespace: take letters, digits, dots, dashes; not a word of the API.")
    return name


def _settings_of(url: str, views: Path | None = None, *, must_exist: bool) -> Settings:
    from deedbook.web.opening import check_place

    settings = Settings(url=url, views=views)
    check_place(settings, must_exist=must_exist)
    return settings


@contextmanager
def _opened(url: str, views: Path | None = None, *, must_exist: bool = False) -> Iterator["Opened"]:
    from deedbook.web.opening import open_store

    store = open_store(_settings_of(url, views, must_exist=must_exist))
    try:
        yield store
    finally:
        store.close()


def _copying(url: str, *, must_exist: bool = False) -> "Copying":
    from deedbook.web.opening import Copying

    return Copying(_settings_of(url, must_exist=must_exist))


def _here() -> Caller:
    """Return who is at the command line: the login name, where there is one."""
    try:
        user: str | None = getpass.getuser()
    except (KeyError, OSError):
        user = None
    return Caller(user=user, agent="deedbook command line")


def main() -> None:
    """Run the command line: whatever is wrong is one line on standard error, and exit status 2."""
    try:
        commands.main(prog_name="deedbook", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(2)
    except click.ClickException as error:
        click.echo(f"deedbook: {' '.join(error.format_message().split())}", err=True)
        sys.exit(2)
    except click.Abort:
        sys.exit(130)


def told(command: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """Turn what a command can fail with into one line."""

    @wraps(command)
    def wrapped(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except (DeedbookError, Problem, PortTaken, OSError, ValueError) as error:
            raise click.ClickException(str(error)) from error
        except sqlite3.Error as error:
            # The store tells its own failures as `StoreFailed`; the views don't.
            sentence = (
                f"The views can't be read or written ({error}); see whether there is room on the disk, and repeat."
            )
            raise click.ClickException(sentence) from error

    return wrapped


# Any: what click has made of each option, by its declared type.
def _settings(url: str, list_order: str, trusted_proxies: str, options: dict[str, Any]) -> Settings:
    from deedbook.web.opening import check_place

    proxies = tuple(part.strip() for part in trusted_proxies.split(",") if part.strip())
    settings = Settings(
        url=url,
        newest_first=list_order == "newest",
        trusted_proxies=proxies,
        **options,
    )
    _ = settings.proxies
    check_place(settings)
    return settings


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "DEEDBOOK", "show_default": True}
)
@click.version_option(package_name="deedbook")
def commands() -> None:
    """Deedbook: an audit log store. Every option can also be set as a DEEDBOOK_… variable."""


@commands.command("serve")
@serving_options
@told
def serve_command(
    url: str,
    host: str,
    port: int,
    list_order: str,
    trusted_proxies: str,
    **options: Any,  # noqa: ANN401  # as in `_settings`
) -> None:
    """Serve the API, until SIGTERM or Ctrl-C."""
    from deedbook.web.server import serve

    settings = _settings(url, list_order, trusted_proxies, options)
    listening = listen(host, port)
    serve(settings, listening, lambda: click.echo(f"Deedbook serves on {address_of(listening)}", err=True))


@commands.command()
@serving_options
@click.option("--sample", type=click.Path(path_type=Path), help="A log to load when the store is new.")
@click.option("--key-file", type=click.Path(path_type=Path), default=Path("data/key"), show_default=True)
@told
def quickstart(
    url: str,
    host: str,
    port: int,
    list_order: str,
    trusted_proxies: str,
    sample: Path | None,
    key_file: Path,
    **options: Any,  # noqa: ANN401  # as in `_settings`
) -> None:
    """Make a store with a sample log and an API key, say what to try, and serve."""
    from deedbook.web.quickstart import prepare
    from deedbook.web.server import serve

    settings = _settings(url, list_order, trusted_proxies, options)
    listening = listen(host, port)
    words = prepare(settings, key_file, sample, address_of(listening))
    serve(settings, listening, lambda: click.echo(words))


@commands.command()
@url_option()
@click.option("--namespace", envvar="DEEDBOOK_NAMESPACE", default="default", show_default=True)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@told
def load(url: str, namespace: str, files: tuple[Path, ...]) -> None:
    """Load actions of this API, AWS CloudTrail records or Kubernetes audit events; gzip too. Twice adds nothing."""
    from rich.console import Console

    from deedbook.web.loading import load_files

    decoded_namespace(namespace)
    with _opened(url) as store:
        unreadable = load_files(store.audit_log, files, namespace, Console(stderr=True))
    if unreadable:
        sys.exit(1)


@commands.command()
@url_option()
@views_option()
@told
def status(url: str, views: Path | None) -> None:
    """Tell how far the log and its views are."""
    from rich.console import Console

    from deedbook.web.upkeep import report_status

    with _opened(url, views, must_exist=True) as store:
        report_status(store, Console())


@commands.command()
@url_option()
@views_option()
@told
def rebuild(url: str, views: Path | None) -> None:
    """Build the views anew from position 1, beside those in use, and put them in their place.

    Exit status 1 says that the new ones are not sound, so that those in use were kept.
    """
    from rich.console import Console

    from deedbook.projections.rebuild import Unsound
    from deedbook.web.upkeep import rebuild_views

    with _opened(url, views, must_exist=True) as store:
        try:
            rebuild_views(store, Console(stderr=True), f"{_here().user or 'somebody'} asked for it")
        except Unsound as unsound:
            click.echo(f"deedbook: {unsound}", err=True)
            sys.exit(1)


@commands.command()
@url_option()
@views_option()
@click.option("--head", metavar="SIZE:ROOT", help="The head that the log had once, as `deedbook status` printed it.")
@click.option("--json", "as_json", envvar="DEEDBOOK_VERIFY_JSON", is_flag=True, help="Report as JSON.")
@told
def verify(url: str, views: Path | None, head: str | None, *, as_json: bool) -> None:
    """Derive everything in the store anew, and compare. Exit status 1 says that something was found."""
    from deedbook.domain.merkle import TreeHead
    from deedbook.web.verification import check_store

    settings = _settings_of(url, views, must_exist=True)
    if check_store(settings, None if head is None else TreeHead.parse(head), as_json=as_json):
        sys.exit(1)


@commands.command()
@url_option()
@click.argument("file", type=click.Path(path_type=Path))
@told
def backup(url: str, file: Path) -> None:
    """Copy the whole store to FILE, a new one, from one moment; it may be in use. The copy is a store too."""
    from rich.console import Console

    from deedbook.web.copies import back_up_store

    back_up_store(_copying(url, must_exist=True), file, Console(stderr=True))


@commands.command()
@url_option()
@click.option("--after", default=0, show_default=True, type=click.IntRange(0), help="The position to go on from.")
@click.argument("file", default="-", type=click.Path(path_type=Path, allow_dash=True))
@told
def export(url: str, after: int, file: Path) -> None:
    """Write events, output, key hashes and idempotency records as NDJSON to FILE, a new one, or standard output (-)."""
    from rich.console import Console

    from deedbook.web.copies import export_store

    place = None if str(file) == "-" else file
    export_store(_copying(url, must_exist=True), after, place, Console(stderr=True))


@commands.command("import")
@url_option()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True))
@told
def import_command(url: str, files: tuple[Path, ...]) -> None:
    """Build an equal store of exports (- is standard input), or go on with one that they continue: all or nothing."""
    from rich.console import Console

    from deedbook.web.copies import import_files

    import_files(_copying(url), files, Console(stderr=True))


@commands.command()
@click.argument("server", metavar="URL")
@click.option(
    "--key",
    envvar="DEEDBOOK_KEY",
    required=True,
    help="An admin's API key; other users of the machine see options, so DEEDBOOK_KEY is better.",
)
@click.option("--user", help="Whom the key was issued to.")
@click.option("--examples", default=100, show_default=True, type=click.IntRange(1), help="Stories to tell.")
@click.option("--steps", default=30, show_default=True, type=click.IntRange(1), help="Steps of a story, at the most.")
@click.option("--seed", type=click.IntRange(0), help="Tell the stories of an earlier check again.")
@click.option("--verbose", is_flag=True, help="Show all that Hypothesis tries.")
@told
def check(
    server: str, key: str, user: str | None, examples: int, steps: int, seed: int | None, *, verbose: bool
) -> None:
    """Check that a deployment keeps the lifecycle: record, cancel, retry, finish, and compare each answer and list.

    It does so in namespaces of its own, and what it records there stays for ever: a log forgets nothing. Exit status 1
    says that a story fails, which is printed; 2 that nothing can be said.
    """
    try:
        # What it needs comes with an extra.
        from deedbook.web.check_command import Asked, check_deployment
    except ModuleNotFoundError as missing:
        raise click.ClickException(
            f"This needs {str(missing.name).partition('.')[0]}: install it with `pip install 'deedbook[testing]'`."
        ) from missing
    if not check_deployment(Asked(server, key, user, examples, steps, seed, verbose), click.echo):
        sys.exit(1)


@commands.group()
def keys() -> None:
    """Issue, list and revoke API keys."""


@keys.command()
@url_option()
@click.argument("user")
@click.option("--namespace", envvar="DEEDBOOK_NAMESPACE", required=True)
@click.option("--role", envvar="DEEDBOOK_ROLE", required=True, type=click.Choice([str(role) for role in Role]))
@told
def create(url: str, user: str, namespace: str, role: str) -> None:
    """Issue a key for USER, and print it: it is shown once."""
    from deedbook.web.key_commands import key_request
    from deedbook.web.keys import issue_at_once

    request = key_request(user, decoded_namespace(namespace), role)
    with _opened(url) as store:
        click.echo(issue_at_once(store.audit_log, request, uuid4, _here()))


@keys.command("list")
@url_option()
@told
def list_keys(url: str) -> None:
    """List every key that was ever issued; a secret is kept nowhere."""
    from deedbook.web.key_commands import print_keys

    with _opened(url, must_exist=True) as store:
        print_keys(store.log.api_keys())


@keys.command()
@url_option()
@click.argument("key", metavar="ID", type=click.UUID)
@told
def revoke(url: str, key: UUID) -> None:
    """Revoke a key: within a second every server refuses it, and closes its streams."""
    from deedbook.domain.commands import RevokeKey

    with _opened(url, must_exist=True) as store:
        store.audit_log.perform(RevokeKey(id=key, action=uuid4(), by=_here()))
