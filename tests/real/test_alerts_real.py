"""The alerts in a real Prometheus and Alertmanager: what their own tools say, and what people receive."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from callmon.config.business_calendar import Calendar, Hours, SpecialHours, periods, wall_time
from callmon.config.closed_days import ClosedDay, ClosedDays
from callmon.main import main
from tests.lab.alertmanager import Alertmanager, amtool
from tests.lab.prometheus import SHIPPED, Prometheus, promtool
from tests.lab.receivers import Hook, Mail, ReceivedPage
from tests.support.daemon_process import closed_days_around
from tests.unit.test_alerts import ALERTS, METAPHOR, PUBLIC, RUNBOOK
from tests.unit.test_metrics import ONE_CALL, full_daemon, page, rendered

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("lab")]

# ── their own tools ──


@pytest.mark.parametrize("rules", ["callmon", "boards"])
def test_promtool_finds_nothing_to_say_about_the_rules(rules: str) -> None:
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", f"{{}}/{rules}.rules.yml")
    count = len(re.findall("- (?:alert|record): ", (SHIPPED / f"{rules}.rules.yml").read_text("utf-8")))
    assert (done.returncode, f"SUCCESS: {count} rules found" in done.stdout, done.stderr) == (0, True, "")


def test_promtool_finds_nothing_to_say_about_the_configuration() -> None:
    done = promtool("check", "config", "--lint=all", "--lint-fatal", "{}/prometheus.yml")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("rules", ["callmon", "boards"])
def test_every_alert_fires_rests_and_ends_as_it_should(rules: str) -> None:
    done = promtool("test", "rules", f"{{}}/{rules}.test.yml")
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["SUCCESS"], "")


def test_promtool_finds_nothing_to_say_about_a_page_with_every_gauge() -> None:
    done = promtool("check", "metrics", read=rendered(page(full_daemon(), ONE_CALL)))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_amtool_finds_nothing_to_say_about_the_routes() -> None:
    done = amtool("check-config", "{}/alertmanager.yml")
    assert (done.returncode, "SUCCESS" in done.stdout, done.stderr) == (0, True, "")


@pytest.mark.parametrize(
    ("alert", "urgency", "to", "receivers"),
    [
        ("CallmonCallbackDueSoon", "now", "team", "digest,team"),
        ("CallmonCallbackOverdue", "opening", "team", "digest,lead,team"),
        ("CallmonCallbackUntaken", "now", "lead", "digest,lead"),
        ("CallmonMessagesToListenTo", "opening", "team", "digest,team"),
        ("CallmonMessagesUnheard", "opening", "team", "digest,team"),
        ("CallmonMailboxFull", "now", "lead", "digest,telephony,lead"),
        ("CallmonLineUnstaffed", "now", "lead", "digest,lead"),
        ("CallmonVoicemailShareHigh", "now", "lead", "digest,lead"),
        ("CallmonDown", "now", "administrator", "digest,administrator"),
        ("CallmonExchangeUnheard", "now", "administrator", "digest,administrator"),
        ("CallmonFeedSilent", "now", "administrator", "digest,administrator"),
        ("CallmonReconciliationDiffers", "opening", "administrator", "digest,administrator"),
        ("CallmonBackfillStale", "opening", "administrator", "digest,administrator"),
        ("CallmonReportNotDelivered", "opening", "administrator", "digest,administrator"),
        ("CallmonWebhookDead", "opening", "administrator", "digest,administrator"),
        ("CallmonSinkBacklog", "opening", "administrator", "digest,administrator"),
        ("CallmonNobodyLeads", "now", "administrator", "digest,administrator"),
        ("CallmonOutcomesRefused", "opening", "administrator", "digest,administrator"),
        ("CallmonFault", "opening", "administrator", "digest,administrator"),
        ("CallmonConfigRefused", "opening", "administrator", "digest,administrator"),
        ("CallmonMessagesUnusable", "opening", "administrator", "digest,administrator"),
        ("CallmonDiskFull", "opening", "administrator", "digest,administrator"),
        ("CallmonClockSkew", "opening", "administrator", "digest,administrator"),
        ("CallmonCertificateExpires", "opening", "administrator", "digest,administrator"),
        ("CallmonStandardNotMet", "opening", "lead", "digest,nobody"),
        ("CallmonCallbacksAtOpening", "opening", "team", "digest,team"),
        ("CallmonLineNotReady", "opening", "lead", "digest,lead"),
        ("CallmonLineClosedToday", "opening", "team", "digest,team"),
        ("CallmonUnheardOvernight", "opening", "administrator", "digest,administrator"),
        ("CallmonPlannedWork", "none", "", "nobody"),
        ("CallmonHeartbeat", "none", "", "watcher"),
        ("CallmonTest", "", "telephony", "telephony"),
        ("CallmonTest", "", "", "administrator"),
        ("SomethingElse", "", "", "administrator"),
    ],
)
def test_each_alert_goes_to_those_who_can_act(alert: str, urgency: str, to: str, receivers: str) -> None:
    labels = [f"alertname={alert}", *([f"urgency={urgency}"] if urgency else []), *([f"to={to}"] if to else [])]
    done = amtool("config", "routes", "test", "--config.file={}/alertmanager.yml", *labels)
    assert done.stdout.strip() == receivers


# ── a real afternoon ──

LONG_FR = "Programme ontarien des candidats à l’immigration (POCI)"
LONG_EN = "Ontario Immigrant Nominee Program, toll-free line (OINP)"
DASH = "\N{EN DASH}"
DUE = datetime(2026, 11, 24, 16, 45, tzinfo=ZoneInfo("America/Toronto"))
LINE = f'line="poci",mode="voice",public_service="poci",name_fr="{LONG_FR}",name_en="{LONG_EN}"'
LONGEST_STANDARD = (
    'title_fr="Possibilité de parler avec un représentant du personnel bilingue",'
    'title_en="Possibility of speaking with a bilingual representative"'
)


class Notified(NamedTuple):
    """What callmon says of one line, two exchanges and a mailbox."""

    due_soon: int = 0
    overdue: int = 0
    to_listen_to: int = 0
    unheard: int = 0
    messages: int = 5
    phones_free: int = 2
    voicemail: int = 0
    connected: int = 1
    processed: int = 100
    met: int = 50
    disrupted_for: float = 0  # seconds
    tested_late: float = -86400  # seconds
    behind: int = 0
    disk_free: float = 0.5
    clock_ahead: float = 0.1
    certificate_days: int = 90
    missed: int = 0  # calls that the exchange alone counted
    unfilled_for: float = 0  # seconds
    amiss: int = 0  # of each kind that callmon counts of itself

    def page(self) -> str:
        return (
            self._disruptions()
            + f"""
callmon_line_info{{{LINE}}} 1
callmon_line_open{{line="poci"}} 1
callmon_callbacks_due_soon{{line="poci",language="fr"}} {self.due_soon}
callmon_callbacks_overdue{{line="poci",language="fr"}} {self.overdue}
callmon_callbacks_overdue_untaken{{line="poci",language="fr"}} {self.overdue}
callmon_callbacks_to_listen_to{{line="poci"}} {self.to_listen_to}
callmon_callbacks_to_listen_to_due_timestamp_seconds{{line="poci"}} 0
callmon_callback_earliest_actionable_timestamp_seconds{{line="poci"}} {DUE.timestamp()}
callmon_callback_earliest_opened_timestamp_seconds{{line="poci"}} {DUE.timestamp() - 86400}
callmon_mailbox_messages_unheard{{exchange="toronto",mailbox="500"}} {self.unheard}
callmon_mailbox_messages{{exchange="toronto",mailbox="500"}} {self.messages}
callmon_mailbox_capacity{{exchange="toronto",mailbox="500"}} 100
callmon_phones{{line="poci",state="free"}} {self.phones_free}
callmon_phones{{line="poci",state="in_use"}} 0
callmon_phones{{line="poci",state="unreachable"}} 1
callmon_calls_total{{line="poci",outcome="voicemail_message",language="fr",hours="open"}} {self.voicemail}
callmon_calls_total{{line="poci",outcome="answered",language="fr",hours="open"}} 5
callmon_exchange_connected{{exchange="toronto"}} {self.connected}
callmon_exchange_connected{{exchange="ottawa"}} 1
callmon_exchange_unheard_seconds_total{{exchange="ottawa"}} 0
callmon_exchange_calls_processed_total{{exchange="ottawa"}} {self.processed}
callmon_exchange_calls_heard_total{{exchange="ottawa"}} 50
callmon_last_day_verdicts{{standard="bilingual_person",line="poci",verdict="met"}} {self.met}
callmon_last_day_verdicts{{standard="bilingual_person",line="poci",verdict="not_met"}} 12
callmon_target_ratio{{standard="bilingual_person",line="poci"}} 0.8
callmon_standard_info{{standard="bilingual_person",{LONGEST_STANDARD}}} 1
callmon_sink_behind_seconds{{sink="database"}} {self.behind}
callmon_leader {int(not self.amiss)}
callmon_sink_refused_total{{sink="database"}} {self.amiss}
callmon_faults_total {self.amiss}
callmon_webhook_deliveries{{webhook="help-desk",state="dead"}} {self.amiss}
callmon_config_last_reload_successful {int(not self.amiss)}
callmon_messages_unusable_total{{exchange="toronto",reason="too_large"}} {self.amiss}
callmon_disk_free_bytes{{holds="database"}} {self.disk_free * 1e9}
callmon_disk_size_bytes{{holds="database"}} 1e9
callmon_exchange_clock_skew_seconds{{exchange="toronto"}} {self.clock_ahead}
callmon_exchange_certificate_expires_timestamp_seconds{{exchange="toronto"}} {
                time.time() + 86400 * self.certificate_days
            }
"""
        )

    def _disruptions(self) -> str:
        reported = f"""
callmon_line_test_call_due_timestamp_seconds{{line="poci"}} {time.time() - self.tested_late}
callmon_disruptions_open{{line="poci",source="phones"}} {int(self.disrupted_for > 0)}
"""
        reported += f'callmon_reconciliation_calls{{exchange="toronto",side="exchange"}} {self.missed}\n'
        if self.unfilled_for:
            waiting = time.time() - self.unfilled_for
            reported += f'callmon_backfill_waiting_since_timestamp_seconds{{exchange="toronto"}} {waiting}\n'
            unsent = time.time() - 2 * 86400
            reported += f'callmon_report_mail_unsent_since_timestamp_seconds{{edition="internal"}} {unsent}\n'
        since = 'callmon_disruption_unannounced_since_timestamp_seconds{line="poci"}'
        return reported + (f"{since} {time.time() - self.disrupted_for}\n" if self.disrupted_for else "")


WELL = Notified()
HEALED = Notified(processed=112, voicemail=40)
AMISS = Notified(
    due_soon=12,
    overdue=12,
    to_listen_to=12,
    unheard=12,
    messages=95,
    phones_free=0,
    voicemail=40,
    processed=112,
    met=12,
    disrupted_for=3600,
    tested_late=3 * 86400,
    behind=4000,
    disk_free=0.03,
    clock_ahead=-3599.6,
    certificate_days=9,
    missed=12,
    unfilled_for=7200,
    amiss=12,
)
# Those that fire in the hour before opening.
MORNING = {"CallmonCallbacksAtOpening", "CallmonLineClosedToday", "CallmonLineNotReady", "CallmonUnheardOvernight"}
# All that is amiss there, with the two that the rest of a page cannot show and those that are for no person.
AT_ONCE = sorted(set(ALERTS) - MORNING - {"CallmonDown", "CallmonExchangeUnheard", "CallmonPlannedWork"})


def morning(unheard: int) -> str:
    """Half an hour before the longest of all lines opens; another stays closed today."""
    closed = LINE.replace('line="poci"', 'line="tty"')
    return f"""
callmon_line_info{{{LINE}}} 1
callmon_line_info{{{closed}}} 1
callmon_line_open{{line="poci"}} 0
callmon_line_open{{line="tty"}} 0
callmon_opening_change_timestamp_seconds{{line="poci"}} {time.time() + 1800}
callmon_opening_change_timestamp_seconds{{line="tty"}} {time.time() + 172800}
callmon_callbacks_open{{line="poci",language="fr"}} 12
callmon_callback_earliest_actionable_timestamp_seconds{{line="poci"}} {DUE.timestamp()}
callmon_phones{{line="poci",state="free"}} 0
callmon_phones{{line="poci",state="in_use"}} 0
callmon_exchange_unheard_seconds_total{{exchange="toronto"}} {unheard}
"""


HOUR = timedelta(hours=1)


def noon() -> tuple[ZoneInfo, datetime]:
    """A zone in which it is now about noon, and the time there: no test of hours may depend on the hour."""
    hour = datetime.now(UTC).hour
    zone = ZoneInfo(f"Etc/GMT{hour - 12:+d}" if hour != 12 else "Etc/GMT")
    return zone, datetime.now(zone)


def calendar(opens: timedelta, closes: timedelta, *closed: ClosedDay, **more: Any) -> Calendar:
    """Of an opening day, also where today is one of Ontario's closed days."""
    zone, now = noon()
    days = ClosedDays(add=closed, remove=frozenset() if closed else frozenset(closed_days_around(now)))
    wall = timedelta(hours=now.hour, minutes=now.minute)
    return Calendar(zone, Hours((periods((wall + opens, wall + closes)),) * 7), closed=days, **more)


def calendars() -> dict[str, Calendar]:
    today = noon()[1].date()
    return {
        "open": calendar(-3 * HOUR, 3 * HOUR),
        "opening": calendar(timedelta(minutes=13), 3 * HOUR),
        "closed day": calendar(-3 * HOUR, 3 * HOUR, ClosedDay(today, "", "")),
        "short day": calendar(
            -3 * HOUR, 3 * HOUR, special_hours=SpecialHours({today: periods((wall_time(0), wall_time(1)))})
        ),
    }


class AlertSite(NamedTuple):
    page: ReceivedPage
    prometheus: Prometheus
    alertmanagers: dict[str, Alertmanager]
    letters: dict[str, Mail]
    hooks: dict[str, Hook]


@pytest.fixture
def site() -> Iterator[AlertSite]:
    """Four Alertmanagers, each of which takes now for another time of the ministry's day.

    Prometheus tells all but that for which it is just before opening: the night's alerts reach it at once.
    """
    with ExitStack() as stack:
        source = stack.enter_context(ReceivedPage())
        source.text = WELL.page()
        days = calendars()
        letters = {name: stack.enter_context(Mail()) for name in days}
        hooks = {name: stack.enter_context(Hook()) for name in days}
        alertmanagers = {
            name: stack.enter_context(Alertmanager(letters[name].address, hooks[name].url, day))
            for name, day in days.items()
        }
        addresses = [f"127.0.0.1:{each.port}" for name, each in alertmanagers.items() if name != "opening"]
        prometheus = stack.enter_context(Prometheus(source.address, addresses))
        yield AlertSite(source, prometheus, alertmanagers, letters, hooks)


def wait_for(what: Callable[[], Any], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.2)


def alerts_heard(alertmanager: Alertmanager) -> set[str]:
    return {alert["labels"]["alertname"] for alert in alertmanager.get("/api/v2/alerts")}


def subjects(mail: Mail, to: str) -> list[str]:
    return [str(letter["subject"]) for letter in mail.got if to in str(letter["to"])]


def body(letter: EmailMessage) -> str:
    """Plain text, and nothing else (R-37)."""
    (part,) = letter.iter_parts()
    assert part.get_content_type() == "text/plain"
    return str(part.get_content()).replace("\r\n", "\n")


FRENCH = re.compile(
    r"\b(le|la|les|de|des|du|un|une|et|est|pour|depuis|sur|avant|ou|ne|par|il)\b|[dlnq]'|[àéèê]", re.I
)
ENGLISH = re.compile(r"\b(the|of|and|is|are|to|for|since|in|before|no|be|was|has|them|it|again|but|or|by)\b", re.I)
DIGITS = re.compile(r"(?:\d[ .()-]{0,2}){7,}")


# What Go and Prometheus write, and no person does.
UNSAID = {
    "fr": re.compile(r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|\b\d+[dhms] |[ap][.]?m\b|\d%| h 00\b", re.I),
    "en": re.compile(r"\b\d+[dhms]\b|[AP]M\b|:00 [ap]|[.]\d+%"),
}


def spoken(text: str) -> str:
    return "fr" if len(FRENCH.findall(text)) > len(ENGLISH.findall(text)) else "en"


def faults_of(texts: dict[str, str]) -> list[str]:
    """What must be true of every text that is sent, whatever it says."""
    found = []
    for name, text in texts.items():
        if name.endswith("_url"):
            continue
        kind, language = name.removesuffix("_fr"), "fr" if name.endswith("_fr") else "en"
        without_names = text.replace(LONG_FR, "").replace(LONG_EN, "")
        found += [f"{name} is not {language}"] if spoken(without_names) != language else []
        found += [f"{name} has {len(text)} characters"] if kind == "summary" and len(text) > 160 else []
        found += [f"{name} has a number"] if DIGITS.search(text) else []
        found += [f"{name} has {word}" for word in ("UTC", "{{", "<no value>", "%!", "  ", "..") if word in text]
        found += [f"{name} has a metaphor"] if METAPHOR.search(text) else []
    return found


def test_what_people_receive_when_everything_goes_wrong(site: AlertSite) -> None:
    """One after the other, since one Prometheus lives through all of it."""
    wait_for(
        lambda: site.prometheus.get("/api/v1/query?query=line:callmon_callbacks_overdue:known")["data"]["result"]
    )
    wait_for(lambda: sorted(site.prometheus.alerts()) == ["CallmonHeartbeat"])

    site.page.text = AMISS.page()
    seen: dict[str, Any] = {}

    def all_at_once() -> bool:
        seen.clear()
        seen.update(site.prometheus.alerts())
        return sorted(seen) == AT_ONCE

    wait_for(all_at_once)

    # Each to whom it concerns, in opening hours; French first.
    post = site.letters["open"]
    wait_for(lambda: len(subjects(post, "team@")) >= 4 and len(subjects(post, "lead@")) >= 4)
    wait_for(lambda: subjects(post, "administrator@") and subjects(post, "telephony@"))
    overdue = next(letter for letter in post.got if str(letter["subject"]).startswith("EN RETARD"))
    first, then = body(overdue).split("-" * 40)
    assert (
        f"EN RETARD : 12 rappels {DASH} {LONG_FR}. Le plus ancien devait être fait avant le mardi 24 à 16 h 45."
        in first
    )
    assert f"OVERDUE: 12 callbacks {DASH} {LONG_EN}. The oldest was due Tuesday 24 at 4:45 p.m." in then
    assert "\n1. Rappelez maintenant, dans l’ordre de la liste.\n2. " in first
    assert "\nListe : https://callmon.ministry.example/fr/rappels?ligne=" in first
    assert "\nList: https://callmon.ministry.example/en/callbacks?line=" in then
    assert "\nGuide : https://callmon.ministry.example/fr/guide#callmoncallbackoverdue\n" in first
    assert [s for s in subjects(post, "") if s.startswith("callmon, avant l’ouverture")] == []

    # The same as JSON: both links lead to the site's own addresses, which are no labels of an alert.
    reported = [alert for _, said in list(site.hooks["open"].got) for alert in said["alerts"]]
    overdue_said = next(a for a in reported if a["labels"]["alertname"] == "CallmonCallbackOverdue")
    assert {kind: overdue_said["annotations"][kind] for kind in ("runbook_url", "dashboard_url")} == {
        "runbook_url": "https://callmon.ministry.example/en/guide#callmoncallbackoverdue",
        "dashboard_url": "https://grafana.ministry.example/d/callmon-callbacks-en",
    }
    assert [a["labels"] for a in reported if {"callmon_url", "grafana_url"} & a["labels"].keys()] == []

    # Its texts say times as a letter does, in both languages.
    assert (overdue_said["annotations"]["summary_fr"], overdue_said["annotations"]["summary"]) == (
        f"EN RETARD :\u00a012 rappels {DASH} {LONG_FR}. "
        "Le plus ancien devait être fait avant le mardi 24 à 16 h 45.",
        f"OVERDUE:\u00a012 callbacks {DASH} {LONG_EN}. The oldest was due Tuesday 24 at 4:45 p.m.",
    )

    # Nothing on closed days nor after a short day's closing; but the sign of life, and a test, at any hour.
    for name in ("closed day", "short day"):
        assert (name, subjects(site.letters[name], "")) == (name, [])
        assert {said["groupLabels"]["alertname"] for _, said in site.hooks[name].got} == {"CallmonHeartbeat"}

    # A quarter of an hour before opening: one letter of everything.
    waiting = site.letters["opening"]
    night = [{k: a[k] for k in ("labels", "annotations")} for name in seen for a in seen[name]]
    site.alertmanagers["opening"].post("/api/v2/alerts", night)
    wait_for(lambda: waiting.got)
    time.sleep(4)
    assert [str(letter["to"]) for letter in waiting.got] == [
        "lead@ministry.example, administrator@ministry.example"
    ]
    assert str(waiting.got[0]["subject"]) == f"callmon, avant l’ouverture : {len(AT_ONCE) - 1} points en attente"
    french, english = body(waiting.got[0]).split("-" * 40)
    assert (french.count("\n- "), english.count("\n- ")) == (len(AT_ONCE) - 1, len(AT_ONCE) - 1)
    assert "12 sur 24; sous la cible interne." in french

    def fires(name: str) -> bool:
        seen.update({k: v for k, v in site.prometheus.alerts().items() if k == name})
        return name in seen

    # The exchange is no longer heard, and then callmon is gone: an overdue callback stays one. (A busy machine may
    # have had a letter of it before, when Prometheus could not read the page in time.)
    site.page.text = AMISS._replace(connected=0).page()
    wait_for(lambda: fires("CallmonExchangeUnheard"))
    wait_for(lambda: [s for s in subjects(post, "administrator@") if s.startswith("callmon n’entend plus")])
    site.page.text = None
    wait_for(lambda: fires("CallmonDown"))
    wait_for(lambda: [s for s in subjects(post, "administrator@") if s.startswith("callmon est arrêté")])
    time.sleep(4)
    assert [s for s in subjects(post, "team@") if s.startswith("Réglé")] == []
    assert "CallmonCallbackOverdue" in site.prometheus.alerts()

    # It is back, and the callbacks were made: resolved, and why.
    site.page.text = HEALED.page()
    wait_for(lambda: [s for s in subjects(post, "team@") if "12 rappels en retard sont faits" in s])
    settled = next(s for s in subjects(post, "team@") if "12 rappels en retard sont faits" in s)
    assert re.match(r"Réglé à \d{1,2} h( \d\d)? : les 12 rappels en retard sont faits, ou leurs fiches", settled)
    wait_for(lambda: [s for s in subjects(post, "administrator@") if "callmon mesure de nouveau." in s])
    assert "CallmonCallbackOverdue" not in site.prometheus.alerts()

    # What all of them say; by a webhook, too.
    reported = [a for path, said in site.hooks["open"].got if "heartbeat" not in path for a in said["alerts"]]
    of_webhooks = [(kind, text) for a in reported for kind, text in a["annotations"].items() if "_url" not in kind]
    assert {type(text) for _, text in of_webhooks} == {str}
    assert [
        text for kind, text in of_webhooks if UNSAID["fr" if kind.endswith("_fr") else "en"].search(text)
    ] == []
    expected = {name for name in AT_ONCE if seen[name][0]["labels"].get("to") in ("team", "administrator")}
    assert expected - {a["labels"]["alertname"] for a in reported} == set()
    assert {name: faults for name in seen for a in seen[name] if (faults := faults_of(a["annotations"]))} == {}
    assert sorted(seen) == sorted(set(ALERTS) - MORNING - {"CallmonPlannedWork"})
    for letter in post.got + waiting.got:
        text = f"{letter['subject']}\n{body(letter)}"
        numbers = [re.sub(r"\D", "", n) for n in DIGITS.findall(text)]
        assert ([n for n in numbers if n not in PUBLIC], METAPHOR.findall(text), "UTC" in text) == ([], [], False)


def test_what_the_mornings_message_adds_is_one_letter_with_right_text(site: AlertSite) -> None:
    """Two pages, for time unheard is a counter that grows."""
    site.page.text = morning(0)
    wait_for(
        lambda: (
            {"CallmonCallbacksAtOpening", "CallmonLineClosedToday", "CallmonLineNotReady"}
            <= site.prometheus.alerts().keys()
        )
    )
    site.page.text = morning(3600)
    wait_for(lambda: site.prometheus.alerts().keys() >= MORNING)
    seen = site.prometheus.alerts()
    assert {name: faults for name in MORNING for a in seen[name] if (faults := faults_of(a["annotations"]))} == {}
    waiting = site.letters["opening"]
    night = [{k: a[k] for k in ("labels", "annotations")} for name in MORNING for a in seen[name]]
    site.alertmanagers["opening"].post("/api/v2/alerts", night)
    wait_for(lambda: waiting.got)
    time.sleep(4)
    assert [str(letter["subject"]) for letter in waiting.got] == [
        "callmon, avant l’ouverture : 4 points en attente"
    ]
    french, _ = body(waiting.got[0]).split("-" * 40)
    assert f"- À rappeler {DASH} {LONG_FR} : 12; le premier avant le mardi 24 à 16 h 45." in french
    assert subjects(site.letters["closed day"], "") == []


def test_planned_work_holds_alerts_about_measuring_not_a_test_alert(site: AlertSite) -> None:
    until = time.time() + 3600
    planned = f'callmon_planned_work_until_timestamp_seconds{{line="poci"}} {until}\n'
    site.page.text = WELL.page() + planned
    # Alertmanager holds an alert only if it has heard of its reason first.
    told = [site.alertmanagers[name] for name in ("open", "closed day", "short day")]
    wait_for(lambda: all("CallmonPlannedWork" in alerts_heard(each) for each in told))
    # A busy machine may have had a letter before, when Prometheus could not read the page in time.
    before = subjects(site.letters["open"], "")
    site.page.text = None
    wait_for(lambda: "CallmonDown" in site.prometheus.alerts())

    closed = site.alertmanagers["closed day"]
    words = ["alerting", "test", "--to", "lead", "--alertmanager", closed.url]
    written = "\ncallmon " + " ".join(words).replace(closed.url, "http://127.0.0.1:9093") + "\n"
    assert [language for language, reported in RUNBOOK.items() if written in reported] == ["fr", "en"]
    done = CliRunner().invoke(main, [*words, "--lang", "en"])
    assert (done.exit_code, done.output) == (0, 'Test handed to Alertmanager: a message must reach "lead".\n')
    wait_for(lambda: subjects(site.letters["closed day"], "lead@"))
    assert subjects(site.letters["closed day"], "") == [
        "Essai d’alerte de callmon : vous recevez bien les messages. Rien à faire."
    ]
    assert faults_of(site.prometheus.alerts()["CallmonPlannedWork"][0]["annotations"]) == []
    assert subjects(site.letters["open"], "") == before
