"""A running callmon with web.config_file: TLS, users, renewed certificates, and files that cannot be used."""

from __future__ import annotations

import base64
import json
import os
import signal
import ssl
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import bcrypt
import pytest
import trustme
from click.testing import CliRunner

from callmon.main import main
from tests.support.daemon_process import ROOT, free_port
from tests.support.forked_daemon import WarmCallmon
from tests.support.store_fixtures import until

PASSWORD = "correct horse battery"
USERS = f"basic_auth_users: {{prometheus: '{bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()}'}}\n"
TLS = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
MUTUAL = (
    "tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt, "
    "client_auth_type: RequireAndVerifyClientCert, min_version: TLS13}\n"
)
HEALTHCHECK = (ROOT / "Dockerfile").read_text("utf-8").partition("HEALTHCHECK ")[2]
PROBE = json.loads(HEALTHCHECK.split("CMD ")[1].partition("\n")[0])[1:]
MACHINES = ("/metrics", "/healthz", "/-/healthy", "/-/ready")


class Protected(WarmCallmon):
    """callmon with that web.config.yml; `authority` signs its certificate."""

    def __init__(self, place: Path, text: str) -> None:
        super().__init__(place, free_port(), "secret")
        self.authority = trustme.CA()
        self.file = place / "web.config.yml"
        self.file.write_text(text, "utf-8")
        configured = self.config.read_text("utf-8").replace("[web]\n", '[web]\nconfig_file = "web.config.yml"\n')
        self.config.write_text(configured, "utf-8")
        self.authority.cert_pem.write_to_path(place / "ca.crt")
        self.renew()

    def start(self, until_heard: bool = False) -> None:
        super().start(until_heard)  # no exchange answers: the figures do not depend on it

    def renew(self) -> None:
        server = self.authority.issue_cert("127.0.0.1")
        server.private_key_pem.write_to_path(self.place / "server.key")
        server.cert_chain_pems[0].write_to_path(self.place / "server.crt")

    def context(self, client: trustme.LeafCert | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        if client is not None:
            client.configure_cert(context)
        return context

    def ask(
        self,
        path: str,
        password: str | None = None,
        context: ssl.SSLContext | None = None,
        method: str | None = None,
    ) -> tuple[int, str]:
        """Status and text; 0 and the reason if there is no answer."""
        scheme = "http" if context is None else "https"
        request = urllib.request.Request(f"{scheme}://127.0.0.1:{self.web_port}{path}", method=method)
        if password is not None:
            reported = base64.b64encode(f"prometheus:{password}".encode()).decode()
            request.add_header("Authorization", f"Basic {reported}")
        try:
            with urllib.request.urlopen(request, timeout=60, context=context) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.headers["WWW-Authenticate"] or ""
        except OSError as error:
            return 0, str(error)

    def status(self) -> tuple[int, str, str | None]:
        """What `callmon status` says: exit status, state and role."""
        done = CliRunner().invoke(main, ["status", "--json", "--config", str(self.config)])
        reported = json.loads(done.stdout)
        return done.exit_code, reported["state"], reported["role"]

    def probe(self) -> int:
        """The exit status of the image's probe, with this configuration."""
        words = [str(self.config) if word.startswith("/") else word for word in PROBE]
        return CliRunner().invoke(main, words).exit_code

    def serial(self) -> bytes:
        """The certificate that it shows now."""
        return ssl.get_server_certificate(("127.0.0.1", self.web_port)).encode()

    def says(self, sentence: str) -> bool:
        return sentence in self.log.read_text("utf-8")


def test_without_a_password_machines_are_refused_and_pages_are_not(tmp_path: Path) -> None:
    with Protected(tmp_path, USERS) as callmon:
        assert until(lambda: callmon.ask("/metrics", PASSWORD)[0] == 200)
        for path in MACHINES:
            assert (path, callmon.ask(path)) == (path, (401, 'Basic realm="callmon"'))
            assert (path, callmon.ask(path, "wrong")) == (path, (401, 'Basic realm="callmon"'))
            never_connected = path == "/healthz"
            assert (path, callmon.ask(path, PASSWORD)[0]) == (path, 503 if never_connected else 200)
        assert callmon.ask("/-/reload", method="POST")[0] == 401
        assert callmon.ask("/en/")[0] == 200
        assert (callmon.status(), callmon.probe()) == ((1, "unknown", None), 0)


def test_with_tls_an_unencrypted_client_gets_nothing(tmp_path: Path) -> None:
    with Protected(tmp_path, TLS) as callmon:
        assert until(lambda: callmon.ask("/metrics", context=callmon.context())[0] == 200)
        assert callmon.ask("/metrics")[0] == 0
        assert callmon.ask("/metrics", context=ssl.create_default_context())[0] == 0  # its authority is not known
        with urllib.request.urlopen(
            f"https://127.0.0.1:{callmon.web_port}/en/", timeout=60, context=callmon.context()
        ) as page:
            assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
        assert (callmon.status()[2], callmon.probe()) == ("leader", 0)
        assert callmon.says(f"https://127.0.0.1:{callmon.web_port}")


def test_a_client_without_the_right_certificate_gets_nothing(tmp_path: Path) -> None:
    with Protected(tmp_path, MUTUAL) as callmon:
        right = callmon.context(callmon.authority.issue_cert("prometheus"))
        assert until(lambda: callmon.ask("/metrics", context=right)[0] == 200)
        assert callmon.ask("/metrics", context=callmon.context())[0] == 0
        assert callmon.ask("/metrics", context=callmon.context(trustme.CA().issue_cert("prometheus")))[0] == 0
        old = callmon.context(callmon.authority.issue_cert("prometheus"))
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        assert callmon.ask("/metrics", context=old)[0] == 0
        assert (callmon.status(), callmon.probe()) == ((1, "unknown", None), 0)
    assert callmon.probe() == 3


def test_a_renewed_certificate_needs_no_reload_and_half_of_one_is_unused(tmp_path: Path) -> None:
    with Protected(tmp_path, TLS) as callmon:
        assert until(lambda: callmon.ask("/metrics", context=callmon.context())[0] == 200)
        first = callmon.serial()
        key = (tmp_path / "server.key").read_bytes()
        (tmp_path / "server.key").write_text("half", "utf-8")
        assert until(lambda: callmon.says("web: the certificate stays as it was"))
        assert callmon.serial() == first
        (tmp_path / "server.key").write_bytes(key)
        callmon.renew()
        assert until(lambda: callmon.serial() != first)
        assert callmon.ask("/metrics", context=callmon.context())[0] == 200


def test_a_reload_reads_the_file_and_an_unusable_one_changes_nothing(tmp_path: Path) -> None:
    with Protected(tmp_path, TLS + USERS) as callmon:
        context = callmon.context()
        assert until(lambda: callmon.ask("/metrics", PASSWORD, context)[0] == 200)
        callmon.file.write_text(TLS + USERS.replace("$2b$", "$9b$"), "utf-8")
        callmon.signal(signal.SIGHUP)
        assert until(
            lambda: callmon.says(
                f"configuration: refused: {callmon.file}: basic_auth_users.prometheus: is no bcrypt hash; "
            )
        )
        assert (callmon.ask("/metrics", PASSWORD, context)[0], callmon.ask("/metrics", None, context)[0]) == (
            200,
            401,
        )
        _, metrics = callmon.ask("/metrics", PASSWORD, context)
        assert "\ncallmon_config_last_reload_successful 0.0\n" in metrics
        callmon.file.write_text(USERS, "utf-8")
        callmon.signal(signal.SIGHUP)
        assert until(lambda: callmon.ask("/metrics", PASSWORD)[0] == 200)
        assert callmon.ask("/metrics")[0] == 401
        callmon.file.write_text(TLS, "utf-8")
        callmon.signal(signal.SIGHUP)
        assert until(lambda: callmon.ask("/metrics", context=context)[0] == 200)
        assert callmon.ask("/metrics")[0] == 0


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_file_that_cannot_be_used_ends_the_start_with_its_sentence(tmp_path: Path, command: str) -> None:
    callmon = Protected(tmp_path, TLS)
    (tmp_path / "server.key").unlink()
    done = subprocess.run(
        [*callmon.command, command, "--config", str(callmon.config)],
        env={**os.environ, "LAB_SECRET": "secret"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    why = f"{tmp_path}/server.key ne peut pas être lu (fichier ou dossier introuvable)"
    sentence = f"tls_server_config.key_file : {why}"
    assert (done.returncode, done.stderr) == (2, f"{callmon.file} : {sentence}\n")
