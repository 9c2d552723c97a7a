"""Stacks of services of containers: what the actions of large stores apply to, and what is below what."""

from deedbook.domain.commands import StateParent
from deedbook.domain.events import Caller
from deedbook.domain.results import Command

#: Ten services are in each stack, four containers in each service.
STACKS, SERVICES, CONTAINERS = 50, 10, 4


def stack(number: int) -> str:
    """Return the URI of a stack."""
    return f"/api/app/v1/stack/{number:08x}-7c2b-4dd0-9d3c-0a7f3c9b1e55/"


def service(number: int) -> str:
    """Return the URI of a service."""
    return f"/api/app/v1/service/{number:08x}-1d2e-4a6b-8c4d-5e6f7a8b9c0d/"


def container(number: int) -> str:
    """Return the URI of a container."""
    return f"/api/app/v1/container/{number:08x}-9f8e-4d7c-a6b5-c4d3e2f1a0b9/"


def objects() -> list[str]:
    """Return everything that actions apply to."""
    services = STACKS * SERVICES
    return [
        *map(stack, range(STACKS)),
        *map(service, range(services)),
        *map(container, range(services * CONTAINERS)),
    ]


def relationships(namespace: str, by: Caller) -> list[Command]:
    """Return the commands that say what is below what."""
    services = STACKS * SERVICES
    pairs = [(stack(n // SERVICES), service(n)) for n in range(services)]
    pairs += [(service(n // CONTAINERS), container(n)) for n in range(services * CONTAINERS)]
    return [StateParent(namespace=namespace, parent=parent, child=child, by=by) for parent, child in pairs]
