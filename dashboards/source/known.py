"""What may be asked: callmon's metrics with labels and closed sets, the recorded series, the database's views."""

from __future__ import annotations

import re
from collections.abc import Mapping

from callmon.config.standards import ALL_STANDARDS
from callmon.core.calls.call import HEARD, LANGUAGES, OUTCOMES, STATES
from callmon.core.disruptions.disruption import SOURCES
from callmon.core.verdicts import CAUSES, VERDICTS
from callmon.sinks.metrics.exposition import PHONE_STATES
from dashboards.source import PLACE, ROOT

# A test of the project holds the list of metrics and the code together.
LISTED = (ROOT / "docs/en/reference/metrics.md").read_text("utf-8")
METRICS: Mapping[str, frozenset[str]] = {
    name: frozenset(re.findall(r"`(\w+)`", labels))
    for name, labels in re.findall(r"^\| `(callmon_[a-z_]+)` \| ([^|]*)\|", LISTED, re.MULTILINE)
} | {name: frozenset() for name in ("process_resident_memory_bytes", "process_start_time_seconds")}
RULES = "".join(
    (ROOT / "dashboards" / "prometheus" / f"{name}.rules.yml").read_text() for name in ("callmon", "boards")
)
RECORDED = frozenset(re.findall(r"- record: (\S+)", RULES))
OF_PROMETHEUS = frozenset({"job", "instance"})
HISTOGRAM = ("_bucket", "_sum", "_count")

VALUES: Mapping[str, tuple[str, ...]] = {
    "verdict": VERDICTS,
    "cause": CAUSES,
    "outcome": OUTCOMES,
    "language": LANGUAGES,
    "hours": ("open", "closed", "unknown"),
    "heard": HEARD,
    "standard": ALL_STANDARDS,
    "source": SOURCES,
    "mode": ("voice", "tty"),
    "side": ("tty", "voice", "fr", "en"),
    "comparison": ("tty_voice", "french_english"),
    "sink": ("database", "mqtt"),
    "job": ("callmon",),
    "ahead_minutes": ("30", "60", "120"),
    "result": ("met_at_first", "met_later", "not_met", "came_true", "did_not"),
}
STATES_OF: Mapping[str, tuple[str, ...]] = {
    "callmon_phones": PHONE_STATES,
    "callmon_service_phones": PHONE_STATES,
    "callmon_calls_in_progress": STATES,
    "public_service_mode_state:callmon_calls_in_progress:sum": STATES,
    "callmon_longest_wait_rings": ("ringing", "queue"),
    "callmon_longest_wait_seconds": ("ringing", "queue"),
    "public_service_mode_state:callmon_longest_wait_rings:max": ("ringing", "queue"),
    "public_service_mode_state:callmon_longest_wait_seconds:max": ("ringing", "queue"),
}
VIEWS = frozenset(re.findall(r"CREATE VIEW boards\.(\w+)", (PLACE / "reader.sql").read_text("utf-8")))


def base(name: str) -> str:
    """A histogram's own name."""
    for ending in HISTOGRAM:
        if name.endswith(ending) and name.removesuffix(ending) in METRICS:
            return name.removesuffix(ending)
    return name
