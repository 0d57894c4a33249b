"""Settings: every file of tests/bad_settings is refused with the sentences that it opens with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from callmon.config import exchange as exchange_settings
from callmon.config import schema
from callmon.config.lines import Target
from callmon.config.settings import Settings, example, load, parse
from callmon.config.times import duration, formatted_duration
from callmon.errors import ConfigError
from callmon.tools.check import report

BAD = sorted(Path(__file__).parent.with_name("bad_settings").glob("*.toml"))
EXCHANGE = '[exchanges.toronto]\nhost = "10.0.0.1"\n'
LINE = """
[services.s]
title_fr = "S"
title_en = "S"
[lines.a]
mode = "voice"
service = "s"
numbers = ["416 327-2422"]
title_fr = "A"
title_en = "A"
"""


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CALLMON_STORE__URL", "CALLMON_WEB__LISTEN", "CALLMON_TIMEZONE"):
        monkeypatch.delenv(name, raising=False)


def refused(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        parse(text, "callmon.toml")
    return caught.value.sentences


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_configuration_is_refused_with_the_sentences_it_opens_with(path: Path) -> None:
    """One line each, which names the file and shows no secret."""
    expected = [
        line.replace("# refused", str(path)) for line in path.read_text().splitlines() if "# refused: " in line
    ]
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert list(caught.value.sentences) == expected
    assert (str(caught.value).splitlines(), "hunter2" in str(caught.value)) == (expected, False)


def test_a_variable_that_is_no_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLMON_FOO", "x")
    monkeypatch.setenv("CALLMON_TIMEZON", "America/Halifax")
    with pytest.raises(ConfigError) as caught:
        parse("")
    assert caught.value.sentences == (
        "environment: CALLMON_FOO: unknown setting; unset it, or name it in a setting such as secret_env",
        "environment: CALLMON_TIMEZON: unknown setting; did you mean CALLMON_TIMEZONE?",
    )


def test_a_variable_that_holds_a_secret_or_names_the_file_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CALLMON_CONFIG", "CALLMON_AMI_SECRET", "CALLMON_OTHER_SECRET"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("CALLMON_EXCHANGES__MONTREAL__HOST", "pbx.example")
    monkeypatch.setenv("CALLMON_EXCHANGES__MONTREAL__SECRET_ENV", "CALLMON_OTHER_SECRET")
    read = parse('[exchanges.toronto]\nhost = "h"\nsecret_env = "CALLMON_AMI_SECRET"\n')
    assert sorted(read.exchanges) == ["montreal", "toronto"]


SITE = """
[store]
url = "sqlite:///data/callmon.db"
journal = "callmon.waiting"
[privacy]
key_file = "/etc/callmon/number.key"
folders = ["a", "/b"]
[mqtt]
host = "h"
username = "u"
password_file = "../mqtt.secret"
[exchanges.one]
host = "h"
username = "u"
secret_file = "ami.secret"
[exchanges.one.cel]
file = "cel/Master.csv*"
[exchanges.two]
host = "h"
username = "u"
secret_env = "S"
[exchanges.two.cel]
url = "sqlite:///cel.db?mode=ro"
"""


def paths(settings: Settings) -> list[str]:
    one, two = settings.exchanges.values()
    found = [
        settings.store.url, settings.store.journal, settings.privacy.key_file, *settings.privacy.folders,
        settings.mqtt.password_file, one.secret_file, one.cel.file, two.cel.url,
    ]  # fmt: skip
    return [str(path) for path in found]


def test_relative_paths_of_the_file_are_relative_to_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, other = tmp_path / "etc", tmp_path / "elsewhere"
    folder.mkdir()
    other.mkdir()
    (folder / "callmon.toml").write_text(SITE)
    (other / "link.toml").symlink_to(folder / "callmon.toml")
    monkeypatch.chdir(other)
    expected = [
        f"sqlite:///{folder}/data/callmon.db", f"{folder}/callmon.waiting", "/etc/callmon/number.key",
        f"{folder}/a", "/b", f"{folder}/../mqtt.secret", f"{folder}/ami.secret", f"{folder}/cel/Master.csv*",
        f"sqlite:///{folder}/cel.db?mode=ro",
    ]  # fmt: skip
    assert [paths(load(folder / "callmon.toml")), paths(load("link.toml"))] == [expected, expected]
    near = [path.replace(str(folder), "../etc") for path in expected]
    assert paths(load("../etc/callmon.toml")) == near
    monkeypatch.chdir(folder)
    assert paths(load("callmon.toml"))[:2] == ["sqlite:///data/callmon.db", "callmon.waiting"]


def test_the_database_of_a_file_that_names_none_is_beside_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "callmon.toml").write_text("")
    assert load(tmp_path / "callmon.toml").store.url == f"sqlite:///{tmp_path}/callmon.db"
    monkeypatch.setenv("CALLMON_STORE__URL", "sqlite:///other.db")
    assert load(tmp_path / "callmon.toml").store.url == "sqlite:///other.db"


@pytest.mark.parametrize("url", ["sqlite:////var/lib/callmon.db", "postgresql://callmon@db/callmon"])
def test_a_database_with_a_whole_address_stays_where_it_is(tmp_path: Path, url: str) -> None:
    (tmp_path / "callmon.toml").write_text(f'[store]\nurl = "{url}"')
    assert load(tmp_path / "callmon.toml").store.url == url


def test_a_latin_1_file_is_refused_and_one_with_a_byte_order_mark_read(tmp_path: Path) -> None:
    latin, marked = tmp_path / "latin.toml", tmp_path / "marked.toml"
    latin.write_bytes('region = "é"'.encode("latin-1"))
    marked.write_bytes(b"\xef\xbb\xbf" + b'region = "US"')
    with pytest.raises(ConfigError) as caught:
        load(latin)
    assert caught.value.sentences == (f"{latin}: byte 11 is not UTF-8; save the file as UTF-8",)
    assert load(marked).region == "US"


def test_an_empty_file_gives_the_defaults() -> None:
    settings = parse("")
    assert (settings.timezone.key, settings.region, settings.default_language) == ("America/Toronto", "CA", "fr")
    assert (settings.retention_days, settings.store.url) == (400, "sqlite:///callmon.db")
    assert (settings.store.write_every, settings.store.max_waiting) == (timedelta(milliseconds=100), 200_000)
    assert (settings.web.host, settings.web.port) == ("127.0.0.1", 10469)
    assert settings.health.unheard_after == timedelta(seconds=60)
    assert settings.health.behind_after == timedelta(seconds=30)
    assert len(settings.lines()) == 0


def test_an_exchange_has_the_defaults_that_its_help_states() -> None:
    exchange = parse(EXCHANGE + 'secret_env = "X"').exchanges["toronto"]
    assert (exchange.port, exchange.username, exchange.login, exchange.tls) == (5038, "callmon", "md5", False)
    assert exchange.ping_every == exchange.ping_timeout == timedelta(seconds=5)
    assert exchange.parking_extensions == ("700",)
    assert exchange.dial_prefixes == ("9", "91", "9011")


@pytest.mark.parametrize(("more", "port"), [("", 5039), ("port = 5038\n", 5038)])
def test_with_tls_the_port_is_5039_unless_one_is_given(more: str, port: int) -> None:
    assert parse(EXCHANGE + 'secret_env = "X"\ntls = true\n' + more).exchanges["toronto"].port == port


def test_the_example_has_the_six_lines_of_the_policy() -> None:
    assert [(line.name, line.mode, line.service, line.numbers, line.mailboxes) for line in example().lines()] == [
        ("general", "voice", "general_inquiries", ("+14163272422",), ("500",)),
        ("general-toll-free", "voice", "general_inquiries", ("+18002677329",), ("500",)),
        ("tty", "tty", "general_inquiries", ("+14163250866",), ("504",)),
        ("tty-toll-free", "tty", "general_inquiries", ("+18668532137",), ("504",)),
        ("poci", "voice", "poci", ("+14163270374",), ("500",)),
        ("poci-toll-free", "voice", "poci", ("+18662146820",), ("500",)),
    ]


def test_the_environment_goes_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLMON_STORE__URL", "postgresql://callmon:hunter2@db/callmon")
    settings = example()
    assert settings.store.url == "postgresql://callmon:hunter2@db/callmon"
    assert [text for text in (repr(settings), str(settings.store)) if "hunter2" in text] == []


def test_a_databases_password_comes_from_its_file_and_is_shown_nowhere(tmp_path: Path) -> None:
    (tmp_path / "db.password").write_text("a/b@c:hunter2\n")
    text = f'[store]\nurl = "postgresql://callmon@db/callmon"\npassword_file = "{tmp_path}/db.password"'
    settings = parse(text)
    assert settings.store.url == "postgresql://callmon:a%2Fb%40c%3Ahunter2@db/callmon"
    shown = (repr(settings), str(settings.store), report(settings, date(2026, 11, 25), shows_all=True))
    assert [text for text in shown if "hunter2" in text] == []


def test_a_databases_password_file_that_is_not_there_is_named() -> None:
    settings = parse('[store]\nurl = "postgresql://callmon@db/callmon"\npassword_file = "/nowhere/db.password"')
    with pytest.raises(ConfigError, match=r"^store\.password_file: cannot read /nowhere/db\.password"):
        settings.store.complete()


def test_a_mistake_of_the_environment_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLMON_WEB__LISTEN", "nine")
    assert refused('timezon = "x"') == (
        'environment: CALLMON_WEB__LISTEN: "nine" is no address with a port; write it as "127.0.0.1:10469"',
        'callmon.toml: timezon: unknown setting; did you mean "timezone"?',
    )


def test_other_variables_of_the_environment_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TIMEZONE", "LINES", "REGION"):
        monkeypatch.setenv(name, "42")
    assert parse("").timezone.key == "America/Toronto"


def test_a_shorter_retention_is_taken_with_an_authority() -> None:
    assert parse('retention_days = 30\nretention_authority = "Schedule 12-3"').retention_days == 30


# ── secrets ──


def test_a_secret_is_read_from_its_file_when_it_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    exchange = parse(f'{EXCHANGE}secret_file = "{path}"').exchanges["toronto"]
    assert exchange.secret_warning() == f"file {path} cannot be read here"
    with pytest.raises(ConfigError, match=r"^exchanges\.toronto\.secret_file: cannot read .*; create it"):
        exchange.secret()
    path.write_text("hunter2é\r\n", encoding="utf-8")
    path.chmod(0o600)
    assert (exchange.secret(), exchange.secret_warning()) == ("hunter2é", None)
    path.chmod(0o644)
    assert exchange.secret_warning() == f"every user can read file {path}; chmod 0600 it"


def test_the_service_reads_the_copy_of_its_secret_that_systemd_hands_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, handed = tmp_path / "ami.secret", tmp_path / "credentials"
    exchange = parse(f'{EXCHANGE}secret_file = "{path}"').exchanges["toronto"]
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(handed))
    handed.mkdir()
    path.write_text("of the file\n")
    path.chmod(0o600)
    assert exchange.secret() == "of the file"
    (handed / "ami.secret").write_text("of systemd\n")
    (handed / "ami.secret").chmod(0o400)
    path.unlink()
    assert (exchange.secret(), exchange.secret_warning()) == ("of systemd", None)


@pytest.mark.parametrize("text", ["", "\n", "two\nlines", "a\0b", "x" * 4097])
def test_a_secret_that_could_not_be_sent_is_refused_without_being_shown(tmp_path: Path, text: str) -> None:
    path = tmp_path / "secret"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        parse(f'{EXCHANGE}secret_file = "{path}"').exchanges["toronto"].secret()
    ending = (
        "is empty; put the AMI secret there"
        if not text.strip()
        else "holds no single line of text; write the secret alone there"
    )
    assert caught.value.sentences == (f"exchanges.toronto: file {path} {ending}",)


def test_a_secret_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange = parse(EXCHANGE + 'secret_env = "AMI_SECRET"').exchanges["toronto"]
    monkeypatch.delenv("AMI_SECRET", raising=False)
    with pytest.raises(ConfigError, match=r"^exchanges\.toronto\.secret_env: the environment has no AMI_SECRET"):
        exchange.secret()
    monkeypatch.setenv("AMI_SECRET", "hunter2")
    assert (exchange.secret(), exchange.secret_warning()) == ("hunter2", None)


# ── calendars ──


def test_a_line_keeps_the_ministrys_hours_unless_it_has_its_own() -> None:
    settings = parse(LINE + '[calendar.special_hours]\n2026-12-24 = "08:30-12:00"\n')
    at = datetime(2026, 12, 24, 18, 0, tzinfo=UTC)  # 13:00 in Toronto
    assert settings.calendar("a").is_open(at) is False
    own = parse(
        LINE + 'special_hours = { 2026-12-24 = "08:30-14:00" }\n' + '[calendar.special_hours]\n2026-12-24 = ""'
    )
    assert (own.calendar("a").is_open(at), own.calendar().is_open(at)) == (True, False)
    assert own.calendar(own.lines()["a"]) is own.calendars["a"]


def test_hours_are_an_assumption_until_somebody_writes_them() -> None:
    assert parse(LINE + '[lines.a.hours]\nmonday = "08:30-17:00"').hours_are_assumed() is True
    assert parse(LINE + '[calendar.hours]\nmonday = "08:30-17:00"').hours_are_assumed() is False


def test_days_are_added_with_names_or_without_and_removed() -> None:
    calendar = parse(
        '[calendar]\nclosed_days_remove = ["2026-12-28"]\nclosed_days_add = '
        '["2026-12-24", 2026-12-29, { day = 2026-12-31, title_fr = "fermeture", title_en = "closing" }]'
    ).calendar()
    assert calendar.closed_days(date(2026, 12, 23), date(2026, 12, 31)) == [
        (date(2026, 12, 24), "jour de fermeture", "closed day"),
        (date(2026, 12, 25), "jour de Noël", "Christmas Day"),
        (date(2026, 12, 26), "lendemain de Noël", "Boxing Day"),
        (date(2026, 12, 29), "jour de fermeture", "closed day"),
        (date(2026, 12, 31), "fermeture", "closing"),
    ]


def test_a_target_is_none_unless_the_ministry_set_one() -> None:
    text = LINE + 'target = { answer_by_third_ring = { percent = 90, since = 2026-04-01, signed_by = "M. Roy" } }'
    line = parse(text).lines()["a"]
    assert line.target("answer_by_third_ring", date(2026, 3, 31)) is None
    assert line.target("reach_a_person", date(2026, 4, 1)) is None
    assert line.target("answer_by_third_ring", date(2026, 4, 1)) == Target(
        "answer_by_third_ring", 90, date(2026, 4, 1), "M. Roy"
    )


def test_a_standards_parameters_are_handed_on_as_they_are() -> None:
    assert parse("[standards.answer_by_third_ring]\nrings = 3").standards == {"answer_by_third_ring": {"rings": 3}}


# ── help ──


def models() -> Iterator[type[BaseModel]]:
    for module in (schema, exchange_settings):
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, BaseModel) and value is not BaseModel:
                yield value


def test_every_setting_has_help_and_every_plain_number_a_unit() -> None:
    fields = [(m.__name__, n, f) for m in models() for n, f in m.model_fields.items()]
    assert [(m, n) for m, n, f in fields if not f.description] == []
    unitless = [n for _, n, f in fields if f.annotation in (int, float) and not f.json_schema_extra]
    assert sorted(set(unitless)) == ["port"]


def test_settings_do_not_change_after_loading() -> None:
    settings = example()
    with pytest.raises(Exception, match="frozen"):
        settings.store.url = "sqlite:///other.db"
    with pytest.raises(AttributeError):
        settings.source = "other"  # type: ignore[misc]
    assert isinstance(settings, Settings)


# ── lengths of time ──


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("5s", timedelta(seconds=5)),
        ("100ms", timedelta(milliseconds=100)),
        ("24h", timedelta(hours=24)),
        ("2 days", timedelta(days=2)),
        ("2 jours", timedelta(days=2)),
        ("1h 30m", timedelta(minutes=90)),
        ("1h30min", timedelta(minutes=90)),
        ("0.5s", timedelta(milliseconds=500)),
        ("0,5 s", timedelta(milliseconds=500)),
        ("18.001s", timedelta(seconds=18, milliseconds=1)),
    ],
)
def test_a_length_of_time_is_read_with_its_unit(text: str, length: timedelta) -> None:
    assert duration(text) == length


@pytest.mark.parametrize(
    "text",
    ["", "5", "s", "5 sonneries", "-5s", "0s", "5s!", "1e3s", "nan s", "P2D", "99999999999 days", "\u0665s"],
)
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        duration(text)


@given(st.integers(min_value=1, max_value=10**15))
def test_a_printed_length_is_read_back_as_itself(microseconds: int) -> None:
    length = timedelta(microseconds=microseconds)
    assert duration(formatted_duration(length)) == length


@given(st.text(max_size=40))
def test_no_text_makes_the_reader_raise_anything_but_a_config_error(text: str) -> None:
    for written_as in (text, f"timezone = '{text}'", f"lines = {{ '{text}' = '{text}' }}"):
        with suppress(ConfigError):
            parse(written_as)
