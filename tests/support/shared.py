"""Hypothesis on a pytest fixture that all examples share: a store, to which each example only adds."""

from hypothesis import HealthCheck, settings


def shared(examples: int = 100) -> settings:
    """Allow a test to use one fixture for all its examples: what it says holds whatever was there before."""
    return settings(max_examples=examples, suppress_health_check=[HealthCheck.function_scoped_fixture])
