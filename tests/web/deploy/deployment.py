"""The files under `web/deploy`, as those programs read them that they are for."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "web" / "deploy"

# Any: a YAML or JSON document, whose parts are of every type that they have.
Document = dict[str, Any]


class Instruction(NamedTuple):
    """A line of a Dockerfile: `RUN`, and what stands behind it."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """What stands behind it, or behind its CMD: as JSON where it is that, else as a shell reads it."""
        text = self.text.partition(" CMD ")[2].strip() if self.name == "HEALTHCHECK" else self.text
        return list(json.loads(text)) if text.startswith("[") else shlex.split(text)


def dockerfile() -> list[list[Instruction]]:
    """Return the stages of the Dockerfile, each beginning with its FROM."""
    lines = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    stages: list[list[Instruction]] = []
    for line in filter(None, lines.splitlines()):
        name, _, text = line.strip().partition(" ")
        if name == "FROM":
            stages.append([])
        stages[-1].append(Instruction(name, text.strip()))
    return stages


def environment_of(stage: list[Instruction]) -> dict[str, str]:
    """Return what a stage sets."""
    words = [word for one in stage if one.name == "ENV" for word in one.words]
    return dict(word.split("=", 1) for word in words)


def one(stage: list[Instruction], name: str) -> Instruction:
    """Return the last instruction of that name, which is the one that counts."""
    return [instruction for instruction in stage if instruction.name == name][-1]


def compose() -> Document:
    """Return what Compose is told."""
    found: Document = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


def manifests() -> list[Document]:
    """Return what Kubernetes is told: every document that the kustomization names."""
    folder = DEPLOY / "kubernetes"
    named = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    return [document for name in named for document in yaml.safe_load_all((folder / name).read_text())]


def manifest(kind: str, name: str = "deedbook") -> Document:
    """Return one manifest."""
    (found,) = [one for one in manifests() if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


def alerts() -> list[Document]:
    """Return every alert."""
    groups = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[Document]:
    """Return every panel of the dashboard that shows something."""
    found = json.loads((DEPLOY / "grafana" / "deedbook.json").read_text())["panels"]
    return [panel for panel in found if panel["type"] != "row"]


def expressions() -> Iterator[str]:
    """Return all that Prometheus is asked."""
    yield from (alert["expr"] for alert in alerts())
    yield from (target["expr"] for panel in panels() for target in panel["targets"])
