"""A real Prometheus scrapes callmon with TLS and a password, configured as the shipped prometheus.yml shows."""

from __future__ import annotations

from pathlib import Path

import bcrypt
import pytest
import trustme

from tests.lab.prometheus import Prometheus
from tests.lab.server import run_on
from tests.process.test_web_config import PASSWORD, TLS, USERS, Protected
from tests.support.store_fixtures import until

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("lab")]
SHOWN = ("scheme: https", "tls_config: {ca_file: callmon-ca.crt}", "basic_auth: {username: prometheus, ")


class Scraping(Prometheus):
    """The lab's Prometheus, with the commented lines of the shipped file in force."""

    def __init__(self, page: str, authority: trustme.CA, password: str) -> None:
        super().__init__(page, ())
        self._authority, self._password = authority, password

    def furnish(self) -> None:
        super().furnish()
        self._authority.cert_pem.write_to_path(self.place / "callmon-ca.crt")
        (self.place / "callmon.password").write_text(self._password, "utf-8")
        configured = (self.place / "prometheus.yml").read_text("utf-8")
        for line in SHOWN:
            assert f"    # {line}" in configured
            configured = configured.replace(f"    # {line}", f"    {line}")
        (self.place / "prometheus.yml").write_text(configured, "utf-8")

    def target(self) -> tuple[str, str]:
        """Its health, and the last error."""
        targets = self.get("/api/v1/targets")["data"]["activeTargets"]
        return (targets[0]["health"], targets[0]["lastError"]) if targets else ("none", "")


def test_promtool_accepts_a_file_that_callmon_accepts(tmp_path: Path) -> None:
    callmon = Protected(tmp_path, TLS + USERS)
    done = run_on(callmon.place, "promtool", "check", "web-config", "{}/web.config.yml")
    assert (done.returncode, done.stderr.split()[-1]) == (0, "SUCCESS")


def test_prometheus_reads_callmon_with_tls_and_the_right_password_alone(tmp_path: Path) -> None:
    stronger = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(10, prefix=b"2a")).decode()
    users = f"basic_auth_users: {{prometheus: '{stronger.replace('$2a$', '$2y$')}'}}\n"  # as htpasswd writes it
    assert users != USERS
    with Protected(tmp_path, TLS + users) as callmon:
        page = f"127.0.0.1:{callmon.web_port}"
        with (
            Scraping(page, callmon.authority, PASSWORD) as right,
            Scraping(page, callmon.authority, "no") as wrong,
        ):
            assert until(lambda: right.target() == ("up", ""))
            assert until(lambda: wrong.target() == ("down", "server returned HTTP status 401 Unauthorized"))
            callmon.renew()  # the same authority: Prometheus goes on
            assert until(lambda: callmon.says("web: the certificate was read again"))
            assert until(lambda: right.get("/api/v1/query?query=callmon_line_info")["data"]["result"] != [])
            assert right.target() == ("up", "")
        with Scraping(page, trustme.CA(), PASSWORD) as stranger:
            assert until(lambda: "certificate signed by unknown authority" in stranger.target()[1])
