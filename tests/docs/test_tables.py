"""The tables of the READMEs hold what the code holds: no row is missing, and none is made up."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest
from starlette.routing import Route, WebSocketRoute

from deedbook.domain.finding import CODES
from deedbook.domain.keys import MAY, Role
from deedbook.domain.lifecycle import TRANSITIONS, State
from deedbook.domain.store.archive import Line
from deedbook.web.api_description import LIST
from deedbook.web.cli import commands as command_line
from deedbook.web.main import running
from deedbook.web.paths import ROOT as API
from deedbook.web.paths import Canonical
from deedbook.web.problems import STATUS
from deedbook.web.settings import Settings
from deedbook.web.wire import RecordRequest
from tests.docs.markdown import ROOT, blocks, commands, table
from tests.support.routes import is_page

WEB = ROOT / "web" / "README.md"

#: What an example asks for.
_ASKED = re.compile(r"(?P<base>\$API|\$STREAM|http://127\.0\.0\.1:8000)(?P<path>/[^\"?\s]*)")


def cells(page: Path, first: str) -> list[list[str]]:
    """Return the rows of a table, without the marks of code."""
    return [[cell.replace("`", "") for cell in row] for row in table(page, first)]


def words(cell: str) -> list[str]:
    """Return what a cell lists with commas."""
    return [word.strip() for word in cell.split(",") if word.strip()]


Typed = tuple[str, click.Command]


def every_command(command: click.Command = command_line, typed: str = "deedbook") -> Iterator[Typed]:
    """Return each command below one, behind what is typed for it."""
    if not isinstance(command, click.Group):
        yield typed, command
        return
    for name, below in command.commands.items():
        yield from every_command(below, f"{typed} {name}")


def variable_of(option: click.Option, typed: str) -> str:
    """Return the variable that an option is also set by: its own, else what click makes of its command and its name."""
    if option.envvar is None:
        return f"{typed} {option.name}".upper().replace(" ", "_")
    return option.envvar if isinstance(option.envvar, str) else str(option.envvar[0])


def test_the_states_are_those_of_the_lifecycle() -> None:
    """Each transition of the table in code has its row, and each row is one."""
    told = {
        (None if before == "–" else State(before), State(after))
        for before, afters, *_ in cells(ROOT / "domain" / "README.md", "from")
        for after in words(afters)
    }
    assert told == {(before, after) for before, afters in TRANSITIONS.items() for after in afters}


def test_the_codes_of_findings_are_those_of_the_code() -> None:
    """Each kind of finding has its row in the table, and no other."""
    assert [code for code, _ in cells(ROOT / "domain" / "README.md", "code")] == list(CODES)


def test_the_roles_are_those_of_the_code() -> None:
    """Each role may what its row says."""
    told = {role: set(words(rights.partition(";")[0])) for role, rights in cells(WEB, "role")}
    assert told == {str(role): {str(right) for right in MAY[role]} for role in Role}


def test_the_lines_of_an_export_are_those_of_its_format() -> None:
    """Each kind of line has its row, in order, with the keys that it can have."""
    told = [(kind, words(keys)) for kind, keys in cells(ROOT / "domain" / "README.md", "kind")]
    assert told == [
        (str(kind.__struct_config__.tag), [field.encode_name for field in msgspec.structs.fields(kind)])
        for kind in Line.__subclasses__()
    ]


def test_the_keys_of_a_recording_are_those_of_its_type() -> None:
    """Each field has its place in the table, and no other."""
    told = [word for keys, _ in cells(WEB, "key") for word in words(keys)]
    assert sorted(told) == sorted(field.encode_name for field in msgspec.structs.fields(RecordRequest))


def test_the_filters_are_those_of_the_list() -> None:
    """Each filter has its place in the table, and no other."""
    told = [word for filters, _ in cells(WEB, "filter") for word in words(filters)]
    assert sorted(told) == sorted(parameter.name for parameter in LIST)


def test_every_status_of_an_error_is_told() -> None:
    """What a command can be refused with is in the table of statuses."""
    told = {int(status) for statuses, _ in cells(WEB, "status") for status in words(statuses)}
    assert set(STATUS.values()) <= told


def test_the_settings_are_those_of_the_command_line() -> None:
    """Each variable is told with its option, and with its default where it has one that is the same everywhere."""
    told = {variable: (option, default) for variable, option, default, _ in cells(WEB, "variable")}
    found: dict[str, str] = {}
    defaults: dict[str, set[str]] = {}
    for typed, command in every_command():
        for option in command.params:
            if isinstance(option, click.Option) and option.expose_value:
                variable = variable_of(option, typed)
                found[variable] = option.opts[0]
                has_default = isinstance(option.default, str | int | float | Path)
                defaults.setdefault(variable, set()).add(str(option.default) if has_default else "")
    assert {variable: option for variable, (option, _) in told.items()} == found
    for variable, values in defaults.items():
        if len(values) == 1:
            assert told[variable][1].replace("none", "") == values.pop(), variable


def test_every_command_is_shown() -> None:
    """Each command of the command line is in the page, as it is typed."""
    assert not [typed for typed, _ in every_command() if typed not in WEB.read_text()]


def examples() -> Iterator[tuple[str, str]]:
    """Return method and path of each example, `WS` for a stream."""
    for block in blocks(WEB):
        for command in commands(block) if block.language == "console" else ():
            for found in _ASKED.finditer(command.text):
                root = "" if found["base"].startswith("http") else API
                yield method_of(command.text, found["base"]), root + found["path"]


def method_of(command: str, base: str) -> str:
    """Return the method that curl takes: the one that is named, else POST where something is sent."""
    if base == "$STREAM":
        return "WS"
    named = re.search(r" -X ([A-Z]+) ", command)
    return named[1] if named else "POST" if re.search(r" (?:-d|--data-binary) ", command) else "GET"


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> list[Route | WebSocketRoute]:
    """The route table, as the composition root builds it."""

    async def built() -> list[Route | WebSocketRoute]:
        url = f"sqlite:///{tmp_path_factory.mktemp('routes')}/log.db"
        async with running(Settings(url=url)) as app:
            assert isinstance(app, Canonical)
            return [route for route in app.routes if isinstance(route, Route | WebSocketRoute)]

    return asyncio.run(built())


def methods(route: Route | WebSocketRoute) -> set[str]:
    """Return what a route of the API takes: methods, or `WS`; nothing for the one that refuses every other WebSocket.

    The console's pages are for browsers: each shows the call of the API that gives the same.
    """
    if is_page(route):
        return set()
    if isinstance(route, WebSocketRoute):
        return set() if "{path:path}" in route.path else {"WS"}
    # A resource knows its methods; health and the description have no other than GET.
    return set(vars(route.endpoint).get("_methods", {"GET"})) - {"HEAD"}


def test_every_method_of_every_route_has_an_example(routes: list[Route | WebSocketRoute]) -> None:
    """In the page there is a command that asks for it, and so there is its answer."""
    asked = set(examples())
    missing = []
    for route in routes:
        shape = re.compile(re.sub(r"\{\w+\}", "[^/]+", route.path) + "/?")
        seen = {method for method, path in asked if shape.fullmatch(path)}
        missing += [(method, route.path) for method in methods(route) - seen]
    assert not missing
