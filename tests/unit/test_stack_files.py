"""The files of the stack agree with each other and with those that ship: no engine is needed for that."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from callmon import __version__ as version
from callmon.config.settings import load
from callmon.sinks.traces.sink import exemplars_of
from tests.support.daemon_process import ROOT
from tests.support.store_fixtures import account, answered_call

DOCKERFILES = ("Dockerfile", "asterisk/Dockerfile", ".docker/calls/Dockerfile", "tests/lab/stand-ins.Dockerfile")
STACK: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = STACK["services"]
# A site that reaches a registry may add the digest.
FULL_VERSION = re.compile(r":v?\w*-?\d+\.?\d+(\.\d+)?(-[a-z]+)*(@sha256:[0-9a-f]{64})?$")


@pytest.mark.parametrize("name", DOCKERFILES[:3])
def test_hadolint_has_nothing_to_say_of(name: str) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, "--no-color", ROOT / name], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.returncode) == ("", 0)


def test_every_image_bears_a_full_version() -> None:
    bases = [
        line.split()[1] for name in DOCKERFILES[:3] for line in (ROOT / name).read_text().splitlines()
        if line.startswith("FROM ") and line != "FROM scratch AS wheels"
    ]  # fmt: skip
    images = {service["image"] for service in SERVICES.values() if "build" not in service}
    assert [name for name in (*bases, *images) if not FULL_VERSION.search(name)] == []
    own = {service["image"] for service in SERVICES.values() if "build" in service}
    assert own == {f"callmon:{version}", f"callmon-calls:{version}", "callmon-asterisk:22"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_is_held_as_tightly_as_the_others(name: str) -> None:
    """Grafana too, which test_stack cannot start."""
    service = SERVICES[name]
    reported = (service["read_only"], service["cap_drop"], service["security_opt"], "privileged" in service)
    assert reported == (True, ["ALL"], ["no-new-privileges:true"], False)
    assert [bound for bound in ("mem_limit", "pids_limit") if bound not in service] == []
    assert [port for port in service.get("ports", []) if not port.startswith("127.0.0.1:")] == []
    assert "build" in service or service["user"].partition(":")[0] not in ("", "0", "root")
    assert "build" in service or "healthcheck" in service or service["restart"] == "no"
    environment = service.get("environment", {}).items()
    assert [
        name for name, value in environment if "PASSWORD" in name and not value.startswith("/run/secrets/")
    ] == []


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_no_command_line_of_a_service_or_its_health_check_holds_a_secret(name: str) -> None:
    """A secret is put into the environment or into a file: `printf` and `[` are the shell's own."""
    health = SERVICES[name].get("healthcheck", {}).get("test", [])
    lines = [" ".join([health] if isinstance(health, str) else map(str, health))]
    for given in ("entrypoint", "command"):
        reported = SERVICES[name].get(given, [])
        lines += "\n".join([reported] if isinstance(reported, str) else map(str, reported)).splitlines()
    naked = re.compile(r"^(?!\s*(?:printf |\w+=\"\$)).*(?:\$\$?\(|`)\s*(?:cat|<)\s*/run/secrets/")
    assert [line for line in lines if naked.search(line)] == []


def test_prometheus_is_configured_as_it_ships_but_for_addresses() -> None:
    def bare(name: str) -> dict[str, Any]:
        text = (ROOT / name / "prometheus.yml").read_text()
        for container in ("callmon:10469", "alertmanager:9093"):
            text = text.replace(f"'{container}'", f"'127.0.0.1:{container.partition(':')[2]}'")
        for shipped, published in (("callmon", "10469"), ("grafana", "3000")):
            text = text.replace(f"https://{shipped}.ministry.example", f"http://127.0.0.1:{published}")
        return dict(yaml.safe_load(text))

    assert bare(".docker/prometheus") == bare("dashboards/prometheus")


def test_callmon_is_configured_with_the_lines_that_ship() -> None:
    settings, shipped = load(ROOT / ".docker/callmon.toml"), load(ROOT / "callmon/config/callmon.example.toml")
    reported = [(line.name, line.mode, line.service, line.numbers) for line in settings.lines()]
    assert reported == [(line.name, line.mode, line.service, line.numbers) for line in shipped.lines()]


def test_grafana_reads_the_password_that_it_is_given() -> None:
    names = [entry["target"] for entry in SERVICES["grafana"]["secrets"] if isinstance(entry, dict)]
    sources = (ROOT / "dashboards/grafana/provisioning/datasources/callmon.yml").read_text()
    assert re.findall(r"\$__file\{/run/secrets/(\w+)\}", sources) == names
    boards = yaml.safe_load((ROOT / "dashboards/grafana/provisioning/dashboards/callmon.yml").read_text())
    mounted = {mount.split(":")[1] for mount in SERVICES["grafana"]["volumes"]}
    assert [place for entry in boards["providers"] if (place := entry["options"]["path"]) not in mounted] == []


def test_grafana_links_an_exemplar_to_its_trace_by_the_label_that_it_has() -> None:
    sources = yaml.safe_load((ROOT / "dashboards/grafana/provisioning/datasources/callmon.yml").read_text())
    (linked,) = [
        x["jsonData"]["exemplarTraceIdDestinations"] for x in sources["datasources"] if x.get("isDefault")
    ]
    made = exemplars_of("toronto", account(answered_call(0)))
    labels = {label for text in made.values() for label in re.findall(r"(\w+)=", text)}
    assert {x["name"] for x in linked} == labels


def test_secrets_are_made_once_for_their_owner_and_suffice(tmp_path: Path) -> None:
    script = cloned(tmp_path)
    made: list[dict[str, str]] = []
    for _ in range(2):
        subprocess.run(["sh", script], check=True, timeout=30)
        made.append({path.name: path.read_text() for path in (script.parent / "secrets").iterdir()})
    assert made[0] == made[1]
    assert sorted(made[0]) == sorted(Path(secret["file"]).name for secret in STACK["secrets"].values())
    assert mode(script.parent / "secrets") == 0o700
    words = [text for name, text in made[0].items() if not name.endswith(".conf")]
    assert [len(word) for word in words] == [32] * len(words)
    assert len(set(words)) == len(words)


def test_containers_may_read_their_files_also_with_umask_077(tmp_path: Path) -> None:
    """A container's user is somebody else to the host: it reads no file that its owner alone may read."""
    script = cloned(tmp_path)
    for _ in range(2):
        subprocess.run(["sh", script], check=True, timeout=30)
    assert {path.relative_to(tmp_path).as_posix(): oct(mode(path)) for path in sorted(tmp_path.rglob("*"))} == {
        ".docker": "0o755",
        ".docker/secrets": "0o700",
        ".docker/secrets.sh": "0o755",
        **{f".docker/secrets/{Path(secret['file']).name}": "0o444" for secret in STACK["secrets"].values()},
        "asterisk": "0o755",
        "asterisk/file": "0o644",
        "dashboards": "0o755",
        "dashboards/file": "0o644",
    }


def cloned(place: Path) -> Path:
    """The script that makes secrets, in a repository of which its owner alone may read anything."""
    script = place / ".docker" / "secrets.sh"
    for folder in (script.parent, place / "asterisk", place / "dashboards"):
        folder.mkdir(mode=0o700)
        (folder / "file").touch(0o600)
    (script.parent / "file").unlink()
    script.write_bytes((ROOT / ".docker/secrets.sh").read_bytes())
    script.chmod(0o700)
    return script


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_service_of_an_image_with_volumes_leaves_none_without_a_name() -> None:
    """`docker compose down` leaves them, one more at each start."""
    of_image = {
        "postgres": {"/var/lib/postgresql/data"},
        "eclipse-mosquitto": {"/mosquitto/data", "/mosquitto/log"},
    }
    nameless = {
        name: of_image.get(service["image"].partition(":")[0], set())
        - {mount.split(":")[1] for mount in service.get("volumes", [])}
        - {mount.split(":")[0] for mount in service.get("tmpfs", [])}
        for name, service in SERVICES.items()
    }
    assert {name: paths for name, paths in nameless.items() if paths} == {}


def test_a_policy_of_kubernetes_lets_few_reach_each_callmon() -> None:
    parts = list(yaml.safe_load_all((ROOT / ".docker" / "kubernetes.yaml").read_text(encoding="utf-8")))
    (policy,) = [x["spec"] for x in parts if x["kind"] == "NetworkPolicy"]
    (callmons,) = [x["spec"] for x in parts if x["kind"] == "StatefulSet"]
    ((rule,), port) = policy["ingress"], callmons["template"]["spec"]["containers"][0]["ports"][0]["containerPort"]
    assert (policy["policyTypes"], policy["podSelector"]) == (["Ingress"], callmons["selector"])
    assert ([x["port"] for x in rule["ports"]], len(rule["from"])) == ([port], 2)


def test_no_unit_leaves_a_core_dump() -> None:
    units = (ROOT / "callmon" / "daemon" / "systemd").glob("*.service")
    limits = {x.name: x.read_text(encoding="utf-8").splitlines().count("LimitCORE=0") for x in units}
    assert limits == {"callmon.service": 1, "callmon-reports.service": 1}
