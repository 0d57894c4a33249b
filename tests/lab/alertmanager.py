"""An Alertmanager with the shipped configuration: only addresses, waits and the calendar are changed."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from callmon.config.business_calendar import Calendar
from callmon.tools.alertmanager import as_yaml, time_intervals
from tests.lab.server import Server, run_on
from tests.lab.site import HOME

SHIPPED = Path(__file__).parents[2] / "dashboards" / "alertmanager"


WORDS = """payload: '{{ template "callmon.json" . }}'"""  # as the shipped example of a webhook has it


def _a_second(wait: re.Match[str]) -> str:
    return wait[0].rpartition(" ")[0] + " 1s"


class Alertmanager(Server):
    """E-mail goes to `smtp` (HOST:PORT). `hook` (a URL) receives the administrator's notifications; paths below it
    receive the heartbeat and the team's.
    """

    program = "prometheus-alertmanager"

    def __init__(self, smtp: str, hook: str, calendar: Calendar) -> None:
        super().__init__()
        self._smtp, self._hook, self._calendar = smtp, hook, calendar

    def furnish(self) -> None:
        (self.place / "alertmanager.yml").write_text(self._configuration())
        for name in ("site.tmpl", "callmon.tmpl"):
            (self.place / name).write_bytes((SHIPPED / name).read_bytes())

    def _configuration(self) -> str:
        written = (SHIPPED / "alertmanager.yml").read_text().partition("\ntime_intervals:\n")[0]
        for shipped, here in (
            ("smtp_smarthost: smtp.example:587", f"smtp_smarthost: {self._smtp}\n  smtp_require_tls: false"),
            ("# webhook_configs: [{url: 'https://hooks.ministry.example/callmon'",
             f"webhook_configs: [{{url: '{self._hook}'"),
            ("http://watcher.example/callmon", f"{self._hook}/heartbeat"),
            ("  - name: team\n",
             "  - name: team\n"
             f"    webhook_configs: [{{url: '{self._hook}/team', send_resolved: true, {WORDS}}}]\n"),
        ):  # fmt: skip
            assert shipped in written
            assert WORDS in written
            written = written.replace(shipped, here)
        # All except the digest's interval, which makes it one message.
        written = re.sub(r"group_wait: \w+|^  group_interval: 5m", _a_second, written, flags=re.MULTILINE)
        today = self._calendar.local_day(datetime.now(UTC))
        return written + "\n" + as_yaml(time_intervals(self._calendar, today, 2))

    def options(self) -> list[str]:
        return [
            f"--config.file={self.inside('alertmanager.yml')}",
            f"--storage.path={self.inside('data')}",
            f"--web.listen-address={HOME}:{self.port}",
            "--cluster.listen-address=",
        ]


def amtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return run_on(SHIPPED, "amtool", *arguments)
