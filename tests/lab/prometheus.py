"""A Prometheus with the shipped rules, scraping every second: the rules' minutes become seconds."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.lab.server import Server, run_on
from tests.lab.site import HOME

SHIPPED = Path(__file__).parents[2] / "dashboards" / "prometheus"


class Prometheus(Server):
    """Scrapes `page` and notifies each of `alertmanagers` (HOST:PORT)."""

    program = "prometheus"

    def __init__(self, page: str, alertmanagers: Iterable[str]) -> None:
        super().__init__()
        self._page, self._alertmanagers = page, "', '".join(alertmanagers)

    def furnish(self) -> None:
        configuration = (SHIPPED / "prometheus.yml").read_text()
        for shipped, here in (
            ("127.0.0.1:10469", self._page),
            ("127.0.0.1:9093", self._alertmanagers),
            ("interval: 15s", "interval: 1s"),
        ):
            assert shipped in configuration
            configuration = configuration.replace(shipped, here)
        (self.place / "prometheus.yml").write_text(configuration)
        for name in ("callmon.rules.yml", "boards.rules.yml"):
            rules = (SHIPPED / name).read_text()
            (self.place / name).write_text(re.sub(r"\bfor: \d+m$", "for: 4s", rules, flags=re.MULTILINE))

    def options(self) -> list[str]:
        return [
            f"--config.file={self.inside('prometheus.yml')}",
            f"--storage.tsdb.path={self.inside('data')}",
            f"--web.listen-address={HOME}:{self.port}",
            "--rules.alert.resend-delay=1s",
        ]

    def alerts(self) -> dict[str, list[dict[str, Any]]]:
        """Firing alerts, by name."""
        found: dict[str, list[dict[str, Any]]] = {}
        for alert in self.get("/api/v1/alerts")["data"]["alerts"]:
            if alert["state"] == "firing":
                found.setdefault(alert["labels"]["alertname"], []).append(alert)
        return found


def promtool(*arguments: str, read: str = "") -> subprocess.CompletedProcess[str]:
    return run_on(SHIPPED, "promtool", *arguments, read=read)
