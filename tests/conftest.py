"""What every test shares: how hard Hypothesis looks, that Ctrl-C is heard, and how many run at once."""

import os
import signal
import sys

from hypothesis import settings

# Of a job in the background, a shell lets it be ignored; and what ignores it starts only what ignores it too.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# As in pyproject.toml, for the processes that tests start: what those print is compared.
if (3, 12) <= sys.version_info < (3, 12, 4):
    os.environ["PYTHONWARNINGS"] = "ignore:Binding:DeprecationWarning"

# No deadline: on a busy machine it fails tests that are right. In CI the same examples each time, so that a
# failure there is the change's own; on a developer's machine new ones.
settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "default")


def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are cores: at any time one of them waits, for a server that begins or ends."""
    return (os.cpu_count() or 1) + 1
