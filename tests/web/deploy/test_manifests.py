"""What is deployed with: each file says what the others say, and names only what there is."""

import re
from pathlib import Path

import pytest
import yaml

from tests.docs.markdown import table
from tests.web.deploy.deployment import (
    DEPLOY,
    ROOT,
    Document,
    compose,
    dockerfile,
    environment_of,
    manifest,
    manifests,
    one,
)

FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix == ".yaml"], ids=lambda path: path.name)
def test_yaml_is_yaml(path: Path) -> None:
    """Each file is one that a parser reads, and is not empty."""
    assert all(yaml.safe_load_all(path.read_text()))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_variable_that_is_named_is_a_setting(path: Path) -> None:
    """What is set here is read there: a wrong name would be as good as none."""
    settings = {row[0].strip("`") for row in table(ROOT / "web" / "README.md", "variable")}
    assert set(re.findall(r"DEEDBOOK_[A-Z_]+", path.read_text())) <= settings


def test_every_manifest_is_named() -> None:
    """Each file of the folder is a resource of the kustomization, so that nothing is left out."""
    folder = DEPLOY / "kubernetes"
    named = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    assert sorted(named) == sorted({path.name for path in folder.iterdir()} - {"kustomization.yaml"})


def test_ports_agree() -> None:
    """The image listens on the port that all others expect."""
    image = dockerfile()[-1]
    port = int(environment_of(image)["DEEDBOOK_PORT"])
    pod = manifest("StatefulSet")["spec"]["template"]
    container = pod["spec"]["containers"][0]
    scraped = yaml.safe_load((DEPLOY / "prometheus" / "scrape.yaml").read_text())[0]
    assert int(one(image, "EXPOSE").text) == port
    assert [one["containerPort"] for one in container["ports"]] == [port]
    assert int(pod["metadata"]["annotations"]["prometheus.io/port"]) == port
    assert {int(target.split(":")[1]) for target in scraped["static_configs"][0]["targets"]} == {port}
    nodes = [one for name, one in compose()["services"].items() if name.startswith("node")]
    assert {int(one["ports"][0].split(":")[1]) for one in nodes} == {port}
    assert len({one["ports"][0] for one in nodes}) == len(nodes) == 2


def test_services_lead_to_the_pods() -> None:
    """Each selects the labels that the pods have, and a port that they have by name."""
    template = manifest("StatefulSet")["spec"]["template"]
    labels = template["metadata"]["labels"].items()
    ports = {one["name"] for one in template["spec"]["containers"][0]["ports"]}
    services = [one for one in manifests() if one["kind"] == "Service"]
    assert {one["metadata"]["name"] for one in services} >= {manifest("StatefulSet")["spec"]["serviceName"]}
    for service in services:
        assert service["spec"]["selector"].items() <= labels
        assert {one["targetPort"] for one in service["spec"]["ports"]} <= ports
    for kind in ("StatefulSet", "PodDisruptionBudget"):
        assert manifest(kind)["spec"]["selector"]["matchLabels"].items() <= labels


def test_every_volume_is_there_and_is_used() -> None:
    """What a container mounts is a volume or a claim, each is mounted, and views and snapshots are on one."""
    spec = manifest("StatefulSet")["spec"]
    pod = spec["template"]["spec"]
    container = pod["containers"][0]
    volumes = {one["name"] for one in (*pod["volumes"], *(one["metadata"] for one in spec["volumeClaimTemplates"]))}
    mounts = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
    assert mounts.keys() == volumes
    assert {one["value"] for one in container["env"] if "value" in one} <= set(mounts.values())
    (claimed,) = [one["persistentVolumeClaim"]["claimName"] for one in pod["volumes"] if "emptyDir" not in one]
    assert manifest("PersistentVolumeClaim", claimed)["spec"]["accessModes"] == ["ReadWriteMany"]


def test_volumes_of_compose_are_declared_and_views_are_not_shared() -> None:
    """Each volume is declared; the views of a node are its own, what nodes leave for each other is not."""
    found = compose()
    used = {name: dict(mount.split(":") for mount in one["volumes"]) for name, one in found["services"].items()}
    assert set().union(*used.values()) == found["volumes"].keys()
    first, second = used["node-1"], used["node-2"]
    assert first.keys() & second.keys() == {"snapshots"}
    variables = found["services"]["node-1"]["environment"]
    assert {variables["DEEDBOOK_VIEWS"], variables["DEEDBOOK_SNAPSHOTS"]} == set(first.values())


def test_nobody_runs_as_root() -> None:
    """The image has a user of its own, by number, which owns what it writes, and Kubernetes insists on it."""
    image = dockerfile()[-1]
    user, group = one(image, "USER").text.split(":")
    owned = one(image, "RUN").text
    assert f"--uid {user}" in owned
    assert f"--owner={user} --group={group}" in owned
    security = manifest("StatefulSet")["spec"]["template"]["spec"]["securityContext"]
    assert (security["runAsNonRoot"], str(security["runAsUser"]), str(security["runAsGroup"])) == (True, user, group)
    written = [one["mountPath"] for one in _container()["volumeMounts"] if one["name"] != "tmp"]
    assert all(path in owned.split() for path in written)


def test_the_url_is_a_secret() -> None:
    """Neither file holds a password: one refers to a secret, the other to the environment."""
    (url,) = [one for one in _container()["env"] if one["name"] == "DEEDBOOK_URL"]
    assert url.keys() == {"name", "valueFrom"}
    assert url["valueFrom"]["secretKeyRef"] == {"name": "deedbook", "key": "url"}
    for service in compose()["services"].values():
        for name, value in service["environment"].items():
            assert "PASSWORD" not in f"{name}{value}" or "${POSTGRES_PASSWORD:?" in value


def test_images_come_from_no_certain_registry() -> None:
    """A base image is a name and a version, never the address of a place to get it from."""
    images = [one(stage, "FROM").words[0] for stage in dockerfile()]
    images += [one["image"] for one in compose()["services"].values()] + [_container()["image"]]
    assert all(re.fullmatch(r"[a-z]+(:[\w.-]+)?", image) for image in images)
    assert len({one(stage, "FROM").words[0] for stage in dockerfile()}) == 1


def test_what_the_image_copies_is_there_and_is_let_in() -> None:
    """Each path that is copied from the checkout is in it, and is not kept out by the ignore file."""
    let_in = {line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"}
    copied = {word for step in dockerfile()[0] if step.name == "COPY" for word in step.words[:-1]}
    assert copied == let_in
    assert all((ROOT / path).exists() for path in copied)


def _container() -> Document:
    found: Document = manifest("StatefulSet")["spec"]["template"]["spec"]["containers"][0]
    return found
