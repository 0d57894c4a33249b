"""A VictoriaMetrics, and its vmalert: Prometheus hands it each sample with the moment at which it was scraped."""

from __future__ import annotations

from typing import Any

import yaml

from tests.lab.prometheus import Prometheus
from tests.lab.server import Server
from tests.lab.site import HOME

RULES = ("callmon.rules.yml", "boards.rules.yml")


class VictoriaMetrics(Server):
    program = "victoria-metrics"

    def options(self) -> list[str]:
        return [
            f"-storageDataPath={self.inside('data')}",
            f"-httpListenAddr={HOME}:{self.port}",
            "-search.latencyOffset=0s",  # 30 s: it would not look at the moment that it is asked for
            "-search.maxStalenessInterval=5m",  # how long a value holds, as in Prometheus
        ]


class VictoriaHanding(Prometheus):
    """The lab's Prometheus, which hands each sample on to `other`; with `recorded`, what its rules record too."""

    def __init__(self, page: str, other: str, recorded: bool) -> None:
        super().__init__(page, ())
        self._other, self._recorded = other, recorded

    def furnish(self) -> None:
        super().furnish()
        file = self.place / "prometheus.yml"
        changed = ["{action: labeldrop, regex: callmon_url|grafana_url}"]
        changed += [] if self._recorded else ["{action: drop, source_labels: [__name__], regex: '.*:.*|ALERTS.*'}"]
        handed = f"{{url: '{self._other}/api/v1/write', write_relabel_configs: [{', '.join(changed)}]}}"
        file.write_text(f"{file.read_text('utf-8')}\nremote_write: [{handed}]\n", "utf-8")


class Vmalert(Server):
    """Evaluates the shipped rules, which `of` has furnished, once a second on `victoria`."""

    program = "vmalert"

    def __init__(self, victoria: VictoriaMetrics, of: Prometheus) -> None:
        super().__init__()
        self._victoria, self._of = victoria, of

    def furnish(self) -> None:
        for name in RULES:
            (self.place / name).write_bytes((self._of.place / name).read_bytes())
        configured = yaml.safe_load((self._of.place / "prometheus.yml").read_text("utf-8"))
        self._labels = configured["global"]["external_labels"]

    def options(self) -> list[str]:
        return [
            *(f"-rule={self.inside(name)}" for name in RULES),
            *(f"-external.label={name}={value}" for name, value in self._labels.items()),
            *(f"-{kind}.url={self._victoria.url}" for kind in ("datasource", "remoteWrite", "remoteRead")),
            f"-httpListenAddr={HOME}:{self.port}",
            "-evaluationInterval=1s",
            "-rule.evalDelay=1s",
            "-notifier.blackhole",
        ]

    def _is_ready(self) -> bool:
        try:
            return bool(self.get("/api/v1/rules")["data"]["groups"])
        except OSError:
            return False

    def alerts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("/api/v1/alerts")["data"]["alerts"]
        return [alert for alert in found if alert["state"] == "firing"]
