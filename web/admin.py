"""What admins do to a running store: rebuild its views, and see how that comes on."""

import asyncio
from typing import NamedTuple

import msgspec

from deedbook.projections.dates import rfc1123
from deedbook.projections.generations import Generations
from deedbook.projections.progress import Ended, Progress
from deedbook.web.answers import RebuildEnded, RebuildProgress, RebuildReport
from deedbook.web.builder import Builder
from deedbook.web.call import ACTION_BODY, Call, Reply
from deedbook.web.problems import bad


class Admin(NamedTuple):
    """Answers everything that is done to the whole store."""

    builder: Builder
    generations: Generations

    async def progress(self, _call: Call) -> Reply:
        """Tell how the build comes on that runs, whoever builds, and how the last one ended."""
        return self._report(200)

    async def rebuild(self, call: Call) -> Reply:
        """Begin to build the views anew, beside those in use; a second one while one runs is a 409."""
        if b"idempotency-key" in call.headers:
            raise bad("A rebuild takes no Idempotency-Key: while one runs, no second one begins.")
        await call.body(ACTION_BODY)
        await asyncio.to_thread(self.builder.start, f"{call.key.user} asked for it")
        return self._report(202)

    def _report(self, status: int) -> Reply:
        builds = self.generations.builds()
        report = RebuildReport(told_progress(builds.running), told_end(builds.last))
        return Reply(status, msgspec.json.encode(report))


def told_progress(build: Progress | None) -> RebuildProgress | None:
    """Return what is told of a build that runs."""
    if build is None:
        return None
    fields = {name: getattr(build, name) for name in build.__struct_fields__}
    return RebuildProgress(**{**fields, "started": rfc1123(build.started)})


def told_end(build: Ended | None) -> RebuildEnded | None:
    """Return what is told of a build that is over."""
    if build is None:
        return None
    fields = {name: getattr(build, name) for name in build.__struct_fields__}
    return RebuildEnded(**{**fields, "started": rfc1123(build.started), "ended": rfc1123(build.ended)})
