"""Other releases of Deedbook than this one, for processes of their own: what differs is put in as they start.

Python runs `sitecustomize.py` before anything else, so that such a process, and each that it starts, is the real
program but for that.
"""

from pathlib import Path
from textwrap import dedent


def release(folder: Path, *differences: str) -> str:
    """Return the PYTHONPATH of a release that differs so."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text("\n".join(map(dedent, differences)))
    return str(folder)


def newer(*, reads: bool) -> str:
    """Return a difference: the next version of the view of actions, whose queries can read ours or not."""
    return f"""
        from deedbook.projections import versions
        versions.VIEWS = tuple(
            view._replace(version=view.version + 1, reads=(view.version,) if {reads} else ())
            if view.name == "actions" else view
            for view in versions.VIEWS
        )
    """


def held(go: Path) -> str:
    """Return a difference: builds wait in their middle until a file is there."""
    return f"""
        import time
        from pathlib import Path
        from deedbook.projections import rebuild
        def held(log, views, abandoned, *rest, inner=rebuild._catch_up):
            while not Path({str(go)!r}).exists():
                if abandoned():
                    raise rebuild.BuildAbandoned
                time.sleep(0.02)
            inner(log, views, abandoned, *rest)
        rebuild._catch_up = held
    """


#: A difference: even the shortest log is built from in a process of its own.
ALWAYS_APART = """
    from deedbook.projections import runner
    runner.FEW = -1
"""

#: A difference: a fold that loses a document when it ends.
LOSES_A_DOCUMENT = """
    from deedbook.projections.actions import Actions
    def finish(self, inner=Actions.finish):
        inner(self)
        self._db.execute("DELETE FROM documents WHERE id = (SELECT max(id) FROM documents)")
    Actions.finish = finish
"""
