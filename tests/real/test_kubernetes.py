"""The manifest for Kubernetes, on paper: each object fits the API's own schema, and says what callmon says.

The schemas are those of Kubernetes' OpenAPI description, as the wheel kubernetes-validate carries them. No cluster
runs here: nothing is claimed of what one would do.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from callmon.config.settings import load
from tests.lab.needed import needed
from tests.lab.wheel import unpacked
from tests.support.daemon_process import ROOT, free_port
from tests.support.forked_daemon import WarmCallmon
from tests.support.store_fixtures import until

WHEEL = "kubernetes-validate==1.37.0"
SHA256 = "85136d018a27b50ec7fc049d902bfa5193f5976807e6c0f408e3ab6fe078cad9"
SCHEMAS = "kubernetes_validate/kubernetes-json-schema/v1.37.0-local-strict"
MANIFEST = ROOT / ".docker" / "kubernetes.yaml"
OBJECTS: dict[str, Any] = {one["kind"]: one for one in yaml.safe_load_all(MANIFEST.read_text("utf-8"))}


@pytest.fixture(scope="module")
def schemas() -> Path:
    with needed("kubernetes"):
        return unpacked(WHEEL, SHA256) / SCHEMAS


def errors(schemas: Path, one: dict[str, Any]) -> list[str]:
    """How the object differs from its schema; the strict schemas refuse a field that the API does not have."""
    group, _, version = one["apiVersion"].rpartition("/")
    name = "-".join(filter(None, (one["kind"].lower(), group.partition(".")[0], version)))
    schema, definitions = (json.loads((schemas / f"{x}.json").read_text("utf-8")) for x in (name, "_definitions"))
    shared = Resource.from_contents(definitions, default_specification=DRAFT202012)
    registry: Any = Registry().with_resource("_definitions.json", shared)
    return [error.message for error in Draft202012Validator(schema, registry=registry).iter_errors(one)]


@pytest.mark.lab
@pytest.mark.parametrize("kind", ["ConfigMap", "NetworkPolicy", "PodDisruptionBudget", "Service", "StatefulSet"])
def test_an_object_fits_its_schema(schemas: Path, kind: str) -> None:
    assert (sorted(OBJECTS), errors(schemas, OBJECTS[kind])) == (
        ["ConfigMap", "NetworkPolicy", "PodDisruptionBudget", "Service", "StatefulSet"],
        [],
    )


@pytest.mark.lab
@pytest.mark.parametrize(
    ("was", "now", "complaint"),
    [
        ("replicas: 2", "replicas: two", "'two' is not of type"),
        ("livenessProbe:", "livelinessProbe:", "'livelinessProbe' was unexpected"),
        ("serviceName: callmon-each", "serviceNames: callmon-each", "'serviceNames' was unexpected"),
    ],
)
def test_a_mistake_in_the_manifest_is_found(schemas: Path, was: str, now: str, complaint: str) -> None:
    text = MANIFEST.read_text("utf-8")
    assert text.count(was) == 1
    changed = {one["kind"]: one for one in yaml.safe_load_all(text.replace(was, now))}
    (found,) = errors(schemas, changed["StatefulSet"])
    assert complaint in found


def pod() -> dict[str, Any]:
    return dict(OBJECTS["StatefulSet"]["spec"]["template"]["spec"])


def test_the_configuration_is_valid_and_its_secrets_are_mounted_files(tmp_path: Path) -> None:
    (tmp_path / "callmon.toml").write_text(text := OBJECTS["ConfigMap"]["data"]["callmon.toml"], "utf-8")
    data = tomllib.loads(text)
    assert load(tmp_path / "callmon.toml").configuration.store.url == "postgresql://callmon@postgres/callmon"
    files = {
        data["store"]["password_file"],
        data["privacy"]["key_file"],
        data["exchanges"]["toronto"]["secret_file"],
    }
    (place,) = (x["mountPath"] for x in pod()["containers"][0]["volumeMounts"] if x["name"] == "secrets")
    assert files == {f"{place}/{name}" for name in ("postgres", "number.key", "ami")}
    (secret,) = (volume["secret"] for volume in pod()["volumes"] if volume["name"] == "secrets")
    assert secret == {"secretName": "callmon", "defaultMode": 0o440}  # a file that others can read is refused


def test_the_probes_are_the_pages_of_a_running_callmon_and_never_healthz(tmp_path: Path) -> None:
    (container,) = pod()["containers"]
    paths = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("liveness", "readiness", "startup")}
    assert paths == {"liveness": "/-/healthy", "readiness": "/-/ready", "startup": "/-/healthy"}
    callmon = WarmCallmon(tmp_path, free_port(), "secret")
    callmon.start(until_heard=False)
    try:
        assert until(lambda: [callmon.get(path)[0] for path in paths.values()] == [200, 200, 200])
    finally:
        callmon.stop()
        callmon.end_everything()


def test_it_runs_as_the_user_of_the_image_with_its_folder_and_its_port() -> None:
    image = (ROOT / "Dockerfile").read_text("utf-8")
    security, (container,) = pod()["securityContext"], pod()["containers"]
    assert f"USER {security['runAsUser']}:{security['runAsGroup']}\n" in image
    assert f"EXPOSE {container['ports'][0]['containerPort']}\n" in image
    state = {x["name"]: x["mountPath"] for x in container["volumeMounts"]}["state"]
    assert f"VOLUME {state}\n" in image
