"""The public edition in the columns of the federal dataset of service standards. Pure.

Canada's departments publish a row for each service and standard in their service inventory ("Service Standards &
Performance Results", open.canada.ca/data/dataset/3ac0d080-6149-499a-8b06-7ce5f00ec56c). With the same columns a
reader can compare. A row is one month here, and says so in its comments; the federal rows are a fiscal year.

Refuses: a number that the public edition does not show, and a verdict on a target that would give it away.
"""

from collections.abc import Iterator

from callmon.config.open_data import OpenDataSettings
from callmon.config.settings import Settings
from callmon.config.standards import ALL_STANDARDS
from callmon.features.months.formats.csv import decimal
from callmon.features.months.formats.html import state
from callmon.features.months.formatter import ReportFormatter
from callmon.features.months.model import Cut, Figure, Place, Report
from callmon.features.months.open_data.tables import DataColumn, DataTable, Type
from callmon.features.months.titles import STANDARDS

TYPES: dict[str, Type] = {
    "target": "number",
    "volume_meeting_target": "integer",
    "total_volume": "integer",
    "performance": "number",
}
NAMES = (
    *("fiscal_yr", "service_id", "service_name_en", "service_name_fr", "service_standard_id"),
    *("service_standard_en", "service_standard_fr", "type", "channel", "channel_comments_en"),
    *("channel_comments_fr", "target", "volume_meeting_target", "total_volume", "performance", "comments_en"),
    *("comments_fr", "target_met", "standards_targets_uri_en", "standards_targets_uri_fr"),
    *("performance_results_uri_en", "performance_results_uri_fr", "owner_org", "owner_org_title"),
)
TABLE = DataTable(
    "service-standards.csv",
    tuple(DataColumn(name, name, TYPES.get(name, "string")) for name in NAMES),
    key=("fiscal_yr", "service_id", "service_standard_id"),
)
# The federal types of a standard: access, or other; the rest are about time.
ACCESS = "ACS"
OTHER = "OTH"
TIMELINESS = "TML"
KINDS = dict.fromkeys(("reach_a_person", "one_transfer_at_most", "bilingual_person", "callback_in_french"), ACCESS)
KINDS |= {"feedback_offered": OTHER}


def rows(
    report: Report, settings: Settings, publisher: OpenDataSettings, fr: ReportFormatter, en: ReportFormatter
) -> Iterator[dict[str, str]]:
    """A row for each service and standard. A number that is not published, or not known, is empty."""
    for cut in (x for x in report.cuts if x.kind == "service"):
        for standard in ALL_STANDARDS:
            rate = report.figures.get(Place(f"{standard}.rate", "", cut))
            if rate is not None:
                target = _target(settings, report, cut, standard)
                yield _common(report, publisher, fr, en) | {
                    "service_id": cut.of,
                    "service_name_en": en.cut(cut, report),
                    "service_name_fr": fr.cut(cut, report),
                    "service_standard_id": standard,
                    "service_standard_en": en.say(STANDARDS[standard]),
                    "service_standard_fr": fr.say(STANDARDS[standard]),
                    "type": KINDS.get(standard, TIMELINESS),
                    "target": "" if target is None else decimal(target / 100, "en"),
                    "volume_meeting_target": decimal(rate.numerator, "en"),
                    "total_volume": decimal(rate.denominator, "en"),
                    "performance": decimal(rate.value, "en"),
                    "target_met": _target_met(rate, target),
                }


def _common(
    report: Report, publisher: OpenDataSettings, fr: ReportFormatter, en: ReportFormatter
) -> dict[str, str]:
    year = report.month.first.year - (report.month.first.month < 4)  # from April to March
    found = dict.fromkeys(NAMES, "") | {
        "fiscal_yr": f"{year}-{year + 1}",
        "channel": "TEL",
        "owner_org": publisher.publisher,
        "owner_org_title": f"{publisher.publisher_en} | {publisher.publisher_fr}",
    }
    for formatter in (fr, en):
        found[f"comments_{formatter.language}"] = formatter.say(
            "One month only: {month}. State: {state}.",
            month=formatter.month(report.month.first),
            state=state(report, formatter),
        )
        found[f"standards_targets_uri_{formatter.language}"] = publisher.text("standards_url", formatter.language)
    return found


def _target(settings: Settings, report: Report, cut: Cut, standard: str) -> float | None:
    """The percentage in force on the month's first day; None unless all lines of the service have the same."""
    lines = [line for line in settings.lines() if line.service == cut.of]
    found = {None if (x := line.target(standard, report.month.first)) is None else x.percent for line in lines}
    return found.pop() if len(found) == 1 else None


def _target_met(rate: Figure, target: float | None) -> str:
    """Whether the published percentage, which is whole, reaches the target."""
    if target is None or rate.value is None:
        return "NA"
    return "Y" if round(100 * rate.value) >= target else "N"
