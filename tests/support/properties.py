"""How many examples the property tests try: few in every run, since seeds differ, and many with `make properties`."""

import os

THOROUGHNESS = int(os.environ.get("TEST_THOROUGHNESS", "1"))
"""By how much to multiply the number of examples."""


def examples(in_every_run: int) -> int:
    """The number of examples of a property test that takes seconds."""
    return in_every_run * THOROUGHNESS
