"""`deedbook verify`: checks a whole store, and reports what was found, as text or as JSON."""

import json

import click
from rich.console import Console
from rich.progress import TaskID

from deedbook.domain.finding import Finding, Progress
from deedbook.domain.merkle import TreeHead
from deedbook.web.settings import Settings
from deedbook.web.upkeep import progress_bar
from deedbook.web.verifying import Verified, verify_store


def check_store(settings: Settings, noted: TreeHead | None, *, as_json: bool) -> int:
    """Check a store, print the report on standard output, and return how many findings there are."""
    verified = _verified(settings, noted)
    if as_json:
        click.echo(json.dumps(_report(verified)))
    else:
        for line in _lines(verified):
            click.echo(_printable(line))
    return len(verified.findings)


def _verified(settings: Settings, noted: TreeHead | None) -> Verified:
    tasks: dict[str, TaskID] = {}
    with progress_bar(Console(stderr=True)) as bar:

        def show(progress: Progress) -> None:
            if progress.what not in tasks:
                tasks[progress.what] = bar.add_task(progress.what)
            bar.update(tasks[progress.what], completed=progress.done, total=progress.of or 1)

        return verify_store(settings, noted, show)


def _lines(verified: Verified) -> list[str]:
    log, views, findings = verified
    where = "" if views.position is None else f"position {views.position:,}, "
    return [
        *(f"{_place(finding)}: {finding.code}: {finding.what}" for finding in findings),
        f"output    {log.lines:,} lines",
        f"views     {where}{views.what}",
        f"head      {log.head}",
        f"Events checked: {log.events:,}; findings: {len(findings):,}.",
    ]


def _place(finding: Finding) -> str:
    return "no position" if finding.position is None else f"position {finding.position}"


def _report(verified: Verified) -> dict[str, object]:
    log, views, findings = verified
    return {
        "events": log.events,
        "lines": log.lines,
        "head": str(log.head),
        "views": views._asdict(),
        "findings": [finding._asdict() for finding in findings],
    }


def _printable(text: str) -> str:
    """Return text that any terminal takes, whatever somebody has put into the store."""
    return text.encode(errors="backslashreplace").decode()
