"""URIs of Kubernetes objects, made of the references in its audit events, and what is above each."""

from msgspec import Struct


class Reference(Struct, rename="camel"):
    """An event's `objectRef`."""

    resource: str | None = None
    subresource: str | None = None
    namespace: str | None = None
    name: str | None = None
    api_group: str | None = None
    api_version: str | None = None


def uri(reference: Reference, created: str | None = None) -> str:
    """The URI of an object as its API server has it; `created` is its name where the request had none yet."""
    owner = _owner(reference, reference.name or created)
    return f"{owner}/{reference.subresource}" if reference.subresource else owner


def parents(reference: Reference, cluster: str) -> tuple[str, ...]:
    """What is above an object, nearest first: what a subresource belongs to, the namespace, `cluster`."""
    owner = _owner(reference, reference.name) if reference.subresource else None
    namespace = f"/api/v1/namespaces/{reference.namespace}" if _is_within(reference) else None
    return tuple(above for above in (owner, namespace, cluster) if above)


def _owner(reference: Reference, name: str | None) -> str:
    """The URI without the subresource; without a name it is that of all objects of the kind."""
    within = ("namespaces", reference.namespace) if _is_within(reference) else ()
    return "/".join(part for part in (_root(reference), *within, reference.resource, name) if part)


def _root(reference: Reference) -> str:
    """Where the API of a kind begins. Events of 2017 may have the group in the version: `apps/v1beta1`."""
    version = reference.api_version or "v1"
    group = reference.api_group or version.rpartition("/")[0]
    return f"/apis/{group}/{version.rpartition('/')[2]}" if group else f"/api/{version}"


def _is_within(reference: Reference) -> bool:
    """Whether an object is in a namespace. A reference to a namespace names it as its own."""
    return bool(reference.namespace) and reference.resource != "namespaces"
