"""What every test shares: how hard Hypothesis looks."""

import os

from hypothesis import settings

# No deadline: on a busy machine it fails tests that are right. In CI the same examples each time, so that a
# failure there is the change's own; on a developer's machine new ones.
settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "default")
