"""What a counter grew by: exact differences of samples, and no `increase()`, which extrapolates.

callmon's counters survive restarts and begin at 0. So what happened within a window is the last sample in it,
minus the last sample of the day before it; of a series that began within the window, minus its first sample. One
window's last sample is the next one's beginning: also where Prometheus had no answer for hours, none is lost. Two
callmons count in one database: the greater value of the two is the newer one.
"""

from __future__ import annotations

from collections.abc import Mapping

from dashboards.source.known import METRICS, base

RANGE = "$__range"
STEP = "$__interval"
DAY = "1d"
LINE = 'line=~"$line"'
LINE_AND_LANGUAGE = 'line=~"$line", language=~"$language"'


def _labels(metric: str) -> str:
    own = METRICS[base(metric)] | ({"le"} if metric.endswith("_bucket") else set())
    return ", ".join(sorted(own))


def _series(metric: str, chosen: str) -> str:
    return f"{metric}{{{chosen}}}" if chosen else metric


def grown(metric: str, chosen: str, window: str = RANGE) -> str:
    """By all labels of the metric."""
    by, series = _labels(metric), _series(metric, chosen)
    return (
        f"(max by ({by}) (last_over_time({series}[{window}])) - "
        f"(max by ({by}) (last_over_time({series}[{DAY}] offset {window})) "
        f"or min by ({by}) (min_over_time({series}[{window}]))))"
    )


def in_the_week(metric: str, chosen: str) -> str:
    """In the seven days before each point; for a series that is younger, since the beginning of the range."""
    by, series = _labels(metric), _series(metric, chosen)
    return (
        f"(max by ({by}) ({series}) - (max by ({by}) (last_over_time({series}[{DAY}] offset 7d)) "
        f"or min by ({by}) (min_over_time({series}[{RANGE}] @ end()))))"
    )


def total(counted: str, *by: str) -> str:
    return f"sum by ({', '.join(by)}) ({counted})" if by else f"sum({counted})"


def share(part: str, whole: str) -> str:
    """Per cent, cut to a tenth: only all is 100 %. None below the sample of the board's variable."""
    return f"100 * (floor(1000 * {part} / ({whole} >= $sample)) / 1000)"


def named(series: str, label: str, words: Mapping[str, tuple[str, str]], to: str = "") -> str:
    """A curve's legend is a label as it is, so the label, or another one, becomes words."""
    for key, (french, english) in words.items():
        series = f"label_replace({series}, '{to or label}', '§[{french}|{english}]', '{label}', '{key}')"
    return series


def of_lines(series: str) -> str:
    """With the lines' titles."""
    return f"{series} * on (line) group_left (name_§lang) line:callmon_line_names:now"


def of_standards(series: str) -> str:
    """With the standards' titles."""
    return (
        f"{series} * on (standard) group_left (title_§lang) max by (standard, title_§lang) (callmon_standard_info)"
    )


def of_mode(series: str, mode: str) -> str:
    """Of the lines of one mode."""
    return f'({series} and on (line) line:callmon_line_names:now{{mode="{mode}"}})'
