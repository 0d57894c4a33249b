"""`callmon check`: what it prints is complete, readable at 100 columns, and holds no secret."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import pytest

from callmon.config.settings import example, example_text, parse
from callmon.store.key_file import add_new_key
from callmon.tools.check import report
from callmon.tools.check_remarks import check_remarks

TODAY = date(2026, 11, 24)
TEXT = report(example(), TODAY)


def section(text: str, title: str) -> list[str]:
    lines = [*text.splitlines(), ""]
    start = lines.index(title) + 2
    return lines[start : lines.index("", start)]


def test_no_line_is_wider_than_a_hundred_columns_or_ends_in_blanks() -> None:
    assert [line for line in TEXT.splitlines() if len(line) > 100 or line != line.rstrip()] == []


def test_every_setting_has_a_line_with_its_unit_and_where_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLMON_WEB__LISTEN", "127.0.0.1:9999")
    title = "Settings in force (callmon.example.toml)"
    rows = [line.split() for line in section(report(example(), TODAY, shows_all=True), title)]
    assert ["retention_days", "400", "days"] in rows
    assert ["store.write_every", "100", "ms", "default"] in rows
    assert ["exchanges.toronto.ping_every", "5", "s", "default"] in rows
    assert ["web.listen", "127.0.0.1:9999", "from", "CALLMON_WEB__LISTEN"] in rows
    assert ["exchanges.toronto.dial_prefixes", "9,", "91,", "9011"] in rows
    assert ["exchanges.toronto.language_keys.1", "en", "default"] in rows


def test_what_to_check_is_first_then_the_changed_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLMON_CALLBACKS__DUE_SOON", "3h")
    monkeypatch.setenv("CALLMON_CALLBACKS__TALKED_FOR", "10s")  # the default
    text = report(example(), TODAY)
    assert text.splitlines()[:2] == ["To check", "────────"]
    assert section(text, "Settings that differ from the default (callmon.example.toml)") == [
        "callbacks.due_soon                    3 h                                       "
        "from CALLMON_CALLBACKS__DUE_SOON",
        "exchanges.toronto.host                127.0.0.1",
        "exchanges.toronto.secret_file         /etc/callmon/ami.secret",
        "exchanges.toronto.voicemail_contexts  box",
    ]


def test_without_a_setting_that_differs_nothing_is_shown() -> None:
    text = report(parse(""), TODAY)
    assert section(text, "Settings that differ from the default (configuration)") == ["nothing"]


def test_passwords_and_secrets_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLMON_STORE__URL", "postgresql://callmon:hunter2@db/callmon")
    text = example_text().replace('secret_file = "/etc/callmon/ami.secret"', 'secret_env = "AMI_SECRET"')
    monkeypatch.setenv("AMI_SECRET", "hunter3")
    printed = report(parse(text), TODAY, shows_all=True)
    about = [line for line in printed.splitlines() if line.startswith(("store.url", "exchanges.toronto.secret"))]
    assert [line.split() for line in about[:3]] == [
        ["store.url", "postgresql://callmon:***@db/callmon", "from", "CALLMON_STORE__URL"],
        ["exchanges.toronto.secret_file", "none", "default"],
        ["exchanges.toronto.secret_env", "AMI_SECRET"],
    ]
    assert [word for word in ("hunter2", "hunter3") if word in printed] == []


def test_the_address_of_a_webhook_is_shown_without_its_path() -> None:
    table = '[webhooks.teams]\nurl = "https://teams.example/hunter4?sig=hunter5"\nformat = "teams"\n'
    printed = report(parse(example_text() + table), TODAY)
    (about,) = [line for line in printed.splitlines() if line.startswith("webhooks.teams.url")]
    assert about.split() == ["webhooks.teams.url", "https://teams.example/…"]
    assert [word for word in ("hunter4", "hunter5") if word in printed] == []


def test_a_line_is_shown_with_both_titles_and_its_number_in_both_forms() -> None:
    rows = section(TEXT, "Public lines")
    start = next(n for n, row in enumerate(rows) if row.startswith("general-toll-free "))
    assert [" ".join(row.split()) for row in rows[start : start + 4]] == [
        "general-toll-free voice, ring 6 s, mailbox 500: General inquiries",
        "FR Renseignements généraux, sans frais 1 800 267-7329",
        "EN General inquiries, toll-free 1-800-267-7329",
        "known by: 8002677329, 18002677329, +18002677329, 01118002677329",
    ]


def test_assumed_hours_are_marked_until_the_ministry_writes_its_own() -> None:
    assert section(TEXT, "Normal business hours") == [
        "time zone America/Toronto",
        "Monday to Friday      08:30 to 17:00",
        "Saturday to Sunday    closed",
        "ASSUMED: the policy says « heures normales de bureau » but states no times for the telephone.",
        "These are the hours of the ministry's counters. Confirm them, or write others, as [calendar.hours].",
    ]
    own = parse('[calendar]\nhours = { monday = "09:00-12:00, 13:00-16:30" }\nspecial_hours = { 2026-12-24 = "" }')
    assert section(report(own, TODAY), "Normal business hours") == [
        "time zone America/Toronto",
        "Monday                09:00 to 12:00, 13:00 to 16:30",
        "Tuesday to Sunday     closed",
        "2026-12-24 Thu        closed",
    ]


def test_the_closed_days_of_twelve_months_are_listed_in_both_languages() -> None:
    text = '[calendar]\nclosed_days_add = ["2026-12-24"]\nclosed_days_remove = ["2026-12-28", "2026-11-11"]'
    rows = section(report(parse(text), TODAY), "Closed days of the next twelve months, for approval")
    assert rows[:5] == [
        "from 2026-11-24 to 2027-11-23",
        "2026-12-24  jeu.  jour de fermeture                     Thu  closed day",
        "2026-12-25  ven.  jour de Noël                          Fri  Christmas Day",
        "2026-12-26  sam.  lendemain de Noël                     Sat  Boxing Day",
        "2027-01-01  ven.  jour de l’An                          Fri  New Year's Day",
    ]
    assert rows[-1] == "2026-12-28  removed from Ontario's list: open as on any Monday"


def test_what_somebody_should_decide_is_said() -> None:
    assert [remark.partition(":")[0] for remark in check_remarks(example())] == [
        "calendar.hours",
        "calendar",
        "standards.bilingual_person",
        "standards.feedback_offered",
        "privacy.key_file",
        "exchanges.toronto",
    ]
    assert [remark.partition(":")[0] for remark in check_remarks(parse(""))][-2:] == ["exchanges", "lines"]


def test_a_secret_or_number_that_would_go_out_in_clear_is_reported(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    secret.chmod(0o600)
    exchange = f'[exchanges.a]\nhost = "10.0.0.1"\nsecret_file = "{secret}"\n'
    assert [list(check_remarks(parse(exchange + more)))[-1] for more in ("", 'login = "plain"\n')] == [
        "exchanges.a: callers' numbers cross the network unencrypted; set tls = true.",
        "exchanges.a: callers' numbers and the secret cross the network unencrypted; set tls = true.",
    ]
    assert [text for text in check_remarks(parse(exchange + "tls = true\n")) if "in clear" in text] == []


def test_what_keeps_reports_from_being_mailed_or_read_on_the_way_is_said(tmp_path: Path) -> None:
    def said(more: str) -> list[str]:
        given = 'host = "mail.example"\nsender = "a@b.example"\ninternal_to = ["c@d.example"]\n'
        return [text for text in check_remarks(parse(f"[mail]\n{given}{more}")) if text.startswith("mail")]

    no_link = "mail: mails have no link to the report's page; set web.access.url."
    assert said("") == [no_link]
    signed_in = f'username = "u"\npassword_file = "{tmp_path}/none"\n'
    assert said(f'{signed_in}tls = "none"\n') == [
        f"mail: file {tmp_path}/none cannot be read here.",
        'mail: reports and the password cross the network unencrypted; set tls = "starttls".',
        no_link,
    ]
    assert said(f'ca_file = "{tmp_path}/ca.pem"\n[web.access]\nurl = "https://x.example"\n') == [
        f"mail: ca_file: {tmp_path}/ca.pem cannot be read here, so no mail is sent."
    ]


def test_where_no_pdf_can_be_made_the_remark_names_the_install_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    given = 'host = "mail.example"\nsender = "a@b.example"\ninternal_to = ["c@d.example"]\nattach = ["pdf"]\n'
    reported = [text for text in check_remarks(parse(f"[mail]\n{given}")) if "WeasyPrint" in text]
    assert reported == [
        "mail: attach has pdf, and WeasyPrint is not installed, so no report is mailed; "
        'see "Extras" in docs/en/how-to/install.md.'
    ]


def test_the_key_of_numbers_is_reported_as_beside_the_file_or_missing(tmp_path: Path) -> None:
    def said(more: str) -> list[str]:
        about = [text for text in check_remarks(parse(more)) if text.startswith("privacy")]
        return [text.replace(str(tmp_path), "FOLDER").partition("; ")[0] for text in about]

    path = tmp_path / "number.key"
    named = f'[privacy]\nkey_file = "{path}"'
    beside = "privacy.key_file: not set, so the encryption key is {}, created at the first start"
    assert said("") == [beside.format("callmon.db-key")]
    assert said(f'[store]\nurl = "sqlite:///{tmp_path}/x.db"') == [beside.format("FOLDER/x.db-key")]
    assert said(named) == ["privacy.key_file: FOLDER/number.key cannot be read by this user"]
    add_new_key(path, TODAY)
    assert said(named) == []
    path.chmod(0o644)
    assert said(named) == [
        "privacy.key_file: every user can read the key file FOLDER/number.key: chmod 0600 it, and add a new key."
    ]


def test_own_hours_targets_and_phones_of_a_line_are_shown() -> None:
    text = example_text().replace(
        'mailboxes = ["504"]',
        'mailboxes = ["504"]\nlanguage = "fr"\nextensions = ["104"]\nhours = { monday = "10:00-11:00" }\n'
        'target = { answer_by_third_ring = { percent = 90, since = 2026-04-01, signed_by = "M. Roy" } }',
        1,
    )
    rows = [" ".join(row.split()) for row in section(report(parse(text), TODAY), "Public lines")]
    start = rows.index("tty tty, in French, ring 6 s, mailbox 504: General inquiries")
    assert rows[start + 4 : start + 8] == [
        "phones: 104",
        "own hours: Monday 10:00 to 11:00",
        "own hours: Tuesday to Sunday closed",
        "internal target: Answer by the third ring: 90% since 2026-04-01, by M. Roy",
    ]


TWO_NAMES = (
    "web.access: accounts and oidc are both on: one person may have two names, and verify a report under one that "
    "was prepared under the other; keep one of the two."
)


@pytest.mark.parametrize(("accounts", "count"), [("true", 1), ("false", 0)])
def test_accounts_beside_a_provider_are_remarked_as_two_names(tmp_path: Path, accounts: str, count: int) -> None:
    (tmp_path / "secret").write_text("x\n")
    (tmp_path / "secret").chmod(0o600)
    provider = f'issuer = "https://x.example"\nclient_id = "x"\nclient_secret_file = "{tmp_path}/secret"\n'
    own = f'[web.access]\nurl = "https://y.example"\naccounts = {accounts}\nroles = {{ viewer = ["*"] }}\n'
    assert list(check_remarks(parse(f"{own}[web.access.oidc]\n{provider}"))).count(TWO_NAMES) == count
