"""Checks an audit log against the lifecycle's model, and tells the smallest story that shows a difference."""

from typing import NamedTuple

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from deedbook.domain.testing.driver import Driver
from deedbook.domain.testing.machine import AuditLogMachine, Ledger
from deedbook.domain.testing.shrinking import smallest
from deedbook.domain.testing.story import Broken


class Checked(NamedTuple):
    """How much was checked, and found to be as the lifecycle says."""

    stories: int
    steps: int


def check(
    driver: Driver,
    *,
    examples: int = 100,
    steps: int = 30,
    seed: int | None = None,
    tries: int = 300,
    verbose: bool = False,
) -> Checked:
    """Drive an audit log through `examples` stories of at most `steps` steps each, and compare it with the model.

    The same `seed` tells the same stories; without one Hypothesis's profile decides. Raises `Broken`, whose text is the
    story, where the log differs, after `tries` more at the most in search of a smaller one. What the driver raises as
    `NoAnswer` passes through.
    """
    ledger = Ledger()
    while True:
        cut_off, left = ledger.cut_off, max(1, examples - ledger.stories)
        chosen = seed if seed is None else seed + ledger.stories
        try:
            _tell(driver, ledger, chosen, _settings(left, steps, verbose=verbose))
            return Checked(ledger.stories, ledger.steps)
        except Exception as error:
            if ledger.failed is not None:
                raise _retold(*smallest(driver, ledger.acts, ledger.failed, tries)) from None
            if ledger.no_answer is not None:
                raise ledger.no_answer from None
            # The same story was cut off once and not another time: Hypothesis gives up there, and others are told.
            if not isinstance(error, Flaky) or ledger.cut_off == cut_off:
                raise


def _tell(driver: Driver, ledger: Ledger, seed: int | None, chosen: settings) -> None:
    machine = AuditLogMachine.driven_by(driver)
    machine.ledger = ledger
    if seed is not None:
        machine = hypothesis.seed(seed)(machine)
    run_state_machine_as_test(machine, settings=chosen)


def _settings(examples: int, steps: int, *, verbose: bool) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        # A story that failed elsewhere is no reason to begin with it here.
        database=None,
        deadline=None,
        print_blob=False,
        report_multiple_bugs=False,
        phases=(Phase.generate,),
        # A slow server is no failure; nor one that cuts off a story, which is then told anew.
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.verbose if verbose else Verbosity.quiet,
    )


def _retold(broken: Broken, is_certain: bool) -> Broken:  # noqa: FBT001  # as `smallest` returns it
    """Return the same story, without what Hypothesis noted on it."""
    unsure = [] if is_certain else ["Told again, this story did not fail: more than what is asked decides."]
    return Broken([*broken.steps[:-1], " ".join([broken.steps[-1], *unsure])], broken.expected, broken.seen)
