"""Every example of `--help` is run, in the folders of `test_blocks`, at the time for which it was written.

The sandbox has the demonstration's past at the exchange `toronto`, a callback, a call's CEL and planned work. No
daemon runs: what a command asks of it stays a request.
"""

from __future__ import annotations

import re
import shlex
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import NoneType

import pytest
from click.testing import CliRunner

from callmon.cli import common
from callmon.config.settings import Settings, example_text, load
from callmon.core.outcome import Outcome
from callmon.features import actions
from callmon.main import main
from callmon.store.database import Database
from callmon.store.opening import open_for_writing
from callmon.store.writer.transaction import BatchId, write_batch
from callmon.tools.demo import history
from tests.commands.test_blocks import FOLDERS, PASSWORD, inside
from tests.commands.test_help import NAMES, examples
from tests.recordings.test_imported_records import IMPORTED
from tests.store.test_backfill import cel
from tests.support.environment import QUESTIONS_ON
from tests.support.moments import stopped
from tests.unit.test_alerts import ROUTES
from tests.unit.test_command_line import RECORDING

NOW = datetime(2026, 11, 25, 20, tzinfo=UTC)  # a Wednesday, 15:00 in Toronto
LATER = {  # the planned work has begun
    "callmon disruptions end work-1796108400 --at 10:12": datetime(2026, 12, 1, 16, tzinfo=UTC),
}
ENTRY, NUMBER = "1795527733.0", "4165550123"
NUMBERS = "416 555-0123\n416 555-0124\n"
SERVERS = {  # these are run by other tests, with what they need
    "run": "runs until it is stopped: tests/process/test_stages.py",
    "pages": "runs until it is stopped: tests/store/test_over_pages.py",
    "demo": "runs until it is stopped: tests/process/test_demo.py",
    "init": "asks on a terminal: tests/commands/test_init.py",
    "record": "needs an exchange: tests/unit/test_connection.py",
    "alerting test": "needs Alertmanager: tests/real/test_alerts_real.py",
    "doctor --listen": "listens to an exchange for an hour: tests/process/test_doctor.py",
    "webhooks test": "needs a receiver: tests/commands/test_webhooks_command.py",
    "report send": "needs a mail server: tests/store/test_report_mail.py",
    "report sign": "needs a month that is final: tests/commands/test_sign_off_commands.py",
    "report verify": "needs a signed file: tests/commands/test_sign_off_commands.py",
}
# No daemon answers; the exchange cannot be reached; CEL has one call alone.
STATUS = {"status": 3, "doctor": 1, "reconcile": 1}
ENVIRONMENT = {
    "HOME": "{root}/home",
    "SUDO_USER": "m.tremblay",
    "CALLMON_STORE__URL": "sqlite:///{root}/here/callmon.db",
    "CALLMON_EXCHANGES__TORONTO__HOST": "127.0.0.1",
    "CALLMON_EXCHANGES__TORONTO__PORT": "1",
    "CALLMON_EXCHANGES__TORONTO__SECRET_FILE": "{root}/here/secret",
}
TYPED = {"users": PASSWORD, "privacy": NUMBERS, "callbacks": NUMBERS}
ACCOUNT = ("users", "add", "marie.tremblay", "--role", "viewer")
RUN = [
    pytest.param(name, example, id=example.removeprefix("callmon "))
    for name in NAMES
    for example in examples(f"callmon {name}")
    if name not in SERVERS and "--listen" not in example
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders of a machine, with a configuration and a database."""
    root = tmp_path_factory.mktemp("site")
    for folder in (
        *FOLDERS,
        "var/log/asterisk/cel-custom",
        "here",
        "home/.config/fish/completions",
    ):
        (root / folder).mkdir(parents=True)
    rows = root / "var/log/asterisk/cel-custom/Master.csv"
    shutil.copy(cel("vm_message"), rows)
    for record, place in (("queue_log", "var/log/asterisk/queue_log"), ("cdr-csv.csv", "here/Master.csv")):
        shutil.copy(IMPORTED / "22" / record, root / place)
    text = QUESTIONS_ON + example_text().replace("[web]\n", "[web]\naccess = { accounts = true }\n")
    text = text.replace("[exchanges.toronto]\n", '[exchanges.toronto]\ntimezone = "UTC"\n')  # of the recordings
    (root / "here/callmon.toml").write_text(
        f'{text}\n[exchanges.toronto.cel]\nfile = "{rows}"\n', encoding="utf-8"
    )
    (root / "here/alertmanager.yml").write_text(ROUTES)
    (root / "etc/prometheus/alertmanager.yml").write_text(ROUTES)
    (root / "here/password.txt").write_text(PASSWORD)
    (root / "here/secret").write_text("secret")
    shutil.copy(RECORDING, root / "here/monday.ami")
    settings = load(root / "here/callmon.toml")
    store = open_for_writing(settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "EXCHANGE", "toronto")
        history.seed(store, settings, NOW, date(2026, 10, 1))
        write(store, settings)
    store.close()
    return root


def write(store: Database, settings: Settings) -> None:
    """The callback and the planned work that the examples name."""
    past = history.History(settings, store, NOW)
    past.recorded["vm_message"] = re.sub(rb'(1\d{9})\.\d+"', rb'\1.0"', past.recorded["vm_message"])
    night = datetime(2026, 12, 1, 7, tzinfo=UTC)
    notice = history.Notice(until=night + timedelta(hours=10))
    at = NOW - timedelta(hours=1)
    planned = history.BY_MANAGER(action="plan", at=at, lines=("general",), start=night, notice=notice)
    items: list[Outcome] = [
        *past.call(datetime.fromtimestamp(int(ENTRY.partition(".")[0]), UTC), "vm_message", NUMBER),
        *past.monitor.apply_disruption_command(planned),
    ]
    with store.writing() as connection:
        write_batch(connection, BatchId(2, "examples"), items, store.ring)


def by_hand(root: Path, action: str) -> None:
    """What the daemon would have written when a person did this to the callback."""
    settings = load(root / "here/callmon.toml")
    store = open_for_writing(settings)
    past = history.History(settings, store, NOW)
    past.recorded["vm_message"] = re.sub(rb'(1\d{9})\.\d+"', rb'\1.0"', past.recorded["vm_message"])
    list(past.call(datetime.fromtimestamp(int(ENTRY.partition(".")[0]), UTC), "vm_message", NUMBER))
    reason = {"reason": "no_request"} if action == "close" else {}
    with store.writing() as connection:
        write_batch(connection, BatchId(3, "by hand"), past.by_hand(NOW, action, ENTRY, **reason), store.ring)
    store.close()


def prepare(root: Path, name: str) -> None:
    before = {"callbacks release": "take", "callbacks reopen": "close"}
    if name in before:
        by_hand(root, before[name])
    if name.startswith("users ") and name not in ("users add", "users list"):
        assert CliRunner().invoke(main, ACCOUNT, input=PASSWORD).exit_code == 0
    for token in ("help-desk", "dashboard") if name == "tokens revoke" else ():
        assert CliRunner().invoke(main, ["tokens", "add", token]).exit_code == 0


@pytest.mark.sampled(50)
@pytest.mark.parametrize(("name", "example"), RUN)
def test_an_example_of_the_help_runs(
    name: str, example: str, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "site"
    shutil.copytree(site, root)
    for path in ("here/callmon.toml", "etc/callmon/callmon.toml"):
        (root / path).write_text((site / "here/callmon.toml").read_text().replace(str(site), str(root)))
    monkeypatch.chdir(root / "here")
    monkeypatch.setattr(history, "EXCHANGE", "toronto")
    monkeypatch.setattr(common, "datetime", stopped(LATER.get(example, NOW)))
    monkeypatch.setattr(actions, "PATIENCE_SECONDS", 0.0)  # no daemon applies a request
    for variable, value in ENVIRONMENT.items():
        monkeypatch.setenv(variable, value.format(root=root))
    prepare(root, name)
    moved = inside(example, root).replace("2024-10", "2026-10").replace("~", f"{root}/home")
    words, _, target = moved.partition(" > ")
    words, _, source = words.partition(" < ")
    typed = Path(source).read_text() if source else TYPED.get(name.split()[0])
    done = CliRunner().invoke(main, shlex.split(words)[1:], input=typed)
    assert (done.exit_code, type(done.exception)) in ((0, NoneType), (STATUS.get(name), SystemExit)), done.output
    assert not target or done.stdout


def test_every_example_that_is_not_run_says_why() -> None:
    reported = {example for name in NAMES for example in examples(f"callmon {name}")}
    left = reported - {str(one.values[1]) for one in RUN}
    assert {" ".join(x.replace(" --log-format json", "").split()[1:3]) for x in left} == {
        "run", "run --config", "pages", "pages --config", "demo", "demo --listen", "doctor --listen",
        "init", "init /etc/callmon/callmon.toml", "record monday.ami", "record fault.ami",
        "alerting test", "webhooks test", "report send", "report sign", "report verify",
    }  # fmt: skip
    named = [place for why in SERVERS.values() for place in re.findall(r"tests/\S+", why)]
    assert [place for place in named if not Path(__file__).parents[2].joinpath(place).is_file()] == []
