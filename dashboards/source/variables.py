"""What all boards share: the choices at the top, the marks on every time axis, and the ways to elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from grafana_foundation_sdk.builders import dashboard as b
from grafana_foundation_sdk.models import dashboard as m

from callmon.text import labels
from dashboards.source.model import OTHER, SAMPLE, SOON, Board, Query, Text, written

Json = dict[str, Any]
DATASOURCES = {"prometheus": "prometheus", "postgres": "grafana-postgresql-datasource"}
SOURCES = {"prometheus": "Prometheus", "postgres": "PostgreSQL"}
ALL = m.VariableOption(selected=True, text=["All"], value=["$__all"])
LANGUAGES = ("fr", "en", "other", "unknown")
SITE = "https://callmon.ministry.example"
NAMES = 'label_join({}, "told", "=", "line", "mode", "name_{}")'


CHOICES = ("line", "language", "hours")


def _chosen(name: str, label: Text, choices: list[tuple[str, str]], language: str) -> Any:
    made = b.CustomVariable(name).label(label.said(language))
    made = made.values(", ".join(f"{text} : {value}" for value, text in choices))
    return made.multi(True).include_all(True).current(ALL)


def _job(language: str) -> Any:
    """One job at a time: two would have lines of the same name."""
    made = b.QueryVariable("job").query(
        {"query": "query_result(callmon_build_info)", "refId": "job", "qryType": 3}
    )
    made = made.regex('/job="([^"]+)"/').datasource(m.DataSourceRef(DATASOURCES["prometheus"], "${prometheus}"))
    made = made.refresh(m.VariableRefresh.ON_DASHBOARD_LOAD).multi(False).include_all(False)
    return made.label(Text("Tâche", "Job").said(language)).sort(m.VariableSort.DISABLED)


def _line(language: str) -> Any:
    reported = f'/line="(?<value>[^"]+)".*name_{language}="(?<text>[^"]+)"/'
    label = Text("Ligne", "Line").said(language)
    return _asked("line", "query_result(callmon_line_info)", reported).label(label)


def _names(language: str) -> Any:
    """Lines, modes and titles for queries of the database, which knows keys only. Chosen by nobody."""
    asked = f"query_result({NAMES.format('callmon_line_info', language)})"
    label = Text("Noms des lignes", "Names of the lines").said(language)
    return _asked("names", asked, '/told="([^"]+)"/').label(label).hide(m.VariableHide.HIDE_VARIABLE)


def _asked(name: str, query: str, regex: str) -> Any:
    made = b.QueryVariable(name).query({"query": query, "refId": name, "qryType": 3}).regex(regex)
    made = made.datasource(m.DataSourceRef(DATASOURCES["prometheus"], "${prometheus}"))
    made = made.refresh(m.VariableRefresh.ON_TIME_RANGE_CHANGED).multi(True).include_all(True)
    return made.current(ALL).sort(m.VariableSort.DISABLED)


def _site(name: str, label: Text, value: str, language: str) -> Any:
    return (
        b.TextBoxVariable(name).label(label.said(language)).default_value(value).hide(m.VariableHide.HIDE_VARIABLE)
    )


def variables(board: Board, language: str) -> Iterator[Any]:
    """A choice that no query of the board uses is hidden and still there: links to other boards keep it."""
    for name in board.sources():
        made = b.DatasourceVariable(name).type(DATASOURCES[name]).label(SOURCES[name])
        # When a file is imported by hand, Grafana writes the chosen source here. Otherwise it takes the first one.
        given = f"${{DS_{name.upper()}}}"
        yield made.current(m.VariableOption(selected=False, text=given, value=given))
    yield _job(language)
    asked = "".join(query.text for panel in board.panels() for query in panel.queries)
    if "§names" in asked:
        yield _names(language)
    for made, name in zip(_choices(language), CHOICES, strict=True):
        is_used = f"${name}" in asked or f"${{{name}" in asked
        yield made if is_used else made.hide(m.VariableHide.HIDE_VARIABLE)
    if "$sample" in asked:
        few = Text("Effectif à partir duquel un taux est donné", "Judged calls from which on a rate is told")
        yield _site("sample", few, SAMPLE, language)
    if any(column.link for panel in board.panels() for column in panel.columns):
        yield _site("pages", Text("Adresse des pages", "Address of the pages"), SITE, language)
    yield _site(
        "runbook", Text("Adresse du guide", "Address of the runbook"), f"{SITE}/{language}/guide", language
    )


def _choices(language: str) -> Iterator[Any]:
    yield _line(language)
    spoken = [(key, labels.label("language", key, language)) for key in LANGUAGES]
    yield _chosen("language", Text("Langue demandée", "Language asked for"), spoken, language)
    hours = [(name, text.said(language)) for name, text in HOURS.items()]
    yield _chosen("hours", Text("Heures", "Hours"), hours, language)


HOURS = {
    "open": Text("heures d'ouverture", "opening hours"),
    "closed": Text("fermé", "closed"),
    "unknown": Text("heure inconnue", "time not known"),
}


def links(board: Board, language: str) -> Iterator[Any]:
    others = Text("Tableaux de bord", "Boards").said(language)
    yield (
        b.DashboardLink(others)
        .type(m.DashboardLinkType.DASHBOARDS)
        .tags([f"callmon-{language}"])
        .as_dropdown(True)
        .include_vars(True)
        .keep_time(True)
    )
    other = "en" if language == "fr" else "fr"
    title = "English" if other == "en" else "Français"
    to = m.DashboardLinkType.LINK
    yield (
        b.DashboardLink(title).type(to).url(f"/d/callmon-{board.name}-{other}").keep_time(True).include_vars(True)
    )
    guide = Text("Guide", "Runbook").said(language)
    yield b.DashboardLink(guide).type(to).url(f"${{runbook}}#board-{board.name}")


# ── marks on every time axis ──

OPEN = 'callmon_disruptions_open{{source{}"exchange", line=~"$line"}} > 0'
MARKS = {
    "disruptions": (
        Text("Perturbations", "Disruptions"),
        SOON,
        # While an exchange is unheard, callmon supposes a disruption: that is marked as a gap.
        f"max by (line) (({OPEN.format('!=')}) or ({OPEN.format('=')} and on () "
        "(min(callmon_exchange_connected) == 1))) * on (line) group_left (name_§lang) line:callmon_line_names:now",
        Text("Perturbation : {{name_§lang}}", "Disruption: {{name_§lang}}"),
    ),
    "gaps": (
        Text("Lacunes de mesure", "Measurement gaps"),
        OTHER,
        "max by (exchange) (callmon_exchange_connected) == bool 0 > 0",
        Text("Mesure interrompue : {{exchange}}", "Unheard: {{exchange}}"),
    ),
}


class _Annotations:
    def __call__(self, language: str) -> Iterator[Any]:
        for name, colour, *_ in MARKS.values():
            source = m.DataSourceRef(DATASOURCES["prometheus"], "${prometheus}")
            yield b.AnnotationQuery().name(name.said(language)).datasource(source).enable(True).icon_color(colour)

    def reported(self, language: str) -> Iterator[Json]:
        """The query and the text of each. Points that follow one another become one mark."""
        for *_, text, title in MARKS.values():
            target = {"expr": written(Query("prometheus", text), language), "interval": "15s", "refId": "Anno"}
            yield {"target": target, "titleFormat": title.said(language).replace("§lang", language)}


annotations = _Annotations()
