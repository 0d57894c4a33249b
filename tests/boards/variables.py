"""What all boards share: the choices at the top, the marks on every time axis, and the ways to elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from grafana_foundation_sdk.builders import dashboard as b
from grafana_foundation_sdk.models import dashboard as m

from callmon.text import labels
from tests.boards.model import OTHER, SOON, Board, Text

Json = dict[str, Any]
DATASOURCES = {"prometheus": "prometheus", "postgres": "grafana-postgresql-datasource"}
ALL = m.VariableOption(selected=True, text=["All"], value=["$__all"])
LANGUAGES = ("fr", "en", "other", "unknown")
SITE = "https://callmon.ministry.example"
NAMES = 'label_join({}, "told", "=", "line", "mode", "name_{}")'


def _chosen(name: str, label: Text, choices: list[tuple[str, str]], language: str, multi: bool = True) -> Any:
    made = b.CustomVariable(name).label(label.said(language))
    made = made.values(", ".join(f"{text} : {value}" for value, text in choices))
    value, text = choices[0]
    if multi:
        return made.multi(True).include_all(True).current(ALL)
    return made.multi(False).current(m.VariableOption(selected=True, text=text, value=value))


def _line(language: str) -> Any:
    told = f'/line="(?<value>[^"]+)".*name_{language}="(?<text>[^"]+)"/'
    label = Text("Ligne", "Line").said(language)
    return _asked("line", "query_result(callmon_line_info)", told).label(label)


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


def _days(language: str) -> Any:
    said = (Text("aujourd'hui", "today"), Text("7 jours", "7 days"), Text("30 jours", "30 days"))
    choices = [(str(n), text.said(language)) for n, text in zip((1, 7, 30), said, strict=True)]
    return _chosen("days", Text("Période", "Period"), choices, language, multi=False)


def _site(name: str, label: Text, value: str, language: str) -> Any:
    return (
        b.TextBoxVariable(name).label(label.said(language)).default_value(value).hide(m.VariableHide.HIDE_VARIABLE)
    )


def variables(board: Board, language: str) -> Iterator[Any]:
    for name, kind in DATASOURCES.items():
        label = {"prometheus": "Prometheus", "postgres": "PostgreSQL"}[name]
        yield b.DatasourceVariable(name).type(kind).label(label).hide(m.VariableHide.HIDE_VARIABLE)
    asked = "".join(query.text for row in board.rows for panel in row for query in panel.queries)
    if "§names" in asked:
        yield _names(language)
    hours = [(name, text.said(language)) for name, text in HOURS.items()]
    for name in board.variables:
        match name:
            case "line":
                yield _line(language)
            case "language":
                choices = [(key, labels.label("language", key, language)) for key in LANGUAGES]
                yield _chosen("language", Text("Langue demandée", "Language asked for"), choices, language)
            case "hours":
                yield _chosen("hours", Text("Heures", "Hours"), hours, language)
            case "days":
                yield _days(language)
    if any(column.link for row in board.rows for panel in row for column in panel.columns):
        yield _site("pages", Text("Adresse des pages", "Address of the pages"), SITE, language)
    yield _site(
        "runbook", Text("Adresse du guide", "Address of the runbook"), f"{SITE}/{language}/guide", language
    )


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
    )
    other = "en" if language == "fr" else "fr"
    title = "English" if other == "en" else "Français"
    to = m.DashboardLinkType.LINK
    yield b.DashboardLink(title).type(to).url(f"/d/callmon-{board.name}-{other}").keep_time(True)
    guide = Text("Guide", "Runbook").said(language)
    yield b.DashboardLink(guide).type(to).url(f"${{runbook}}#board-{board.name}")


# ── marks on every time axis ──

MARKS = {
    "disruptions": (
        Text("Perturbations", "Disruptions"),
        SOON,
        "SELECT began AS time, coalesce(ended, now()) AS timeend, "
        "'{disruption}' || line || coalesce(' · ' || reason_{language}, '') AS text "
        "FROM disruptions WHERE began <= $__timeTo()::timestamptz "
        "AND coalesce(ended, now()) >= $__timeFrom()::timestamptz AND line IN (${{line:sqlstring}})",
    ),
    "gaps": (
        Text("Lacunes de mesure", "Measurement gaps"),
        OTHER,
        "SELECT began AS time, ended AS timeend, '{unheard}' || exchange AS text FROM unheard "
        "WHERE began <= $__timeTo()::timestamptz AND ended >= $__timeFrom()::timestamptz",
    ),
}


class _Annotations:
    def __call__(self, language: str) -> Iterator[Any]:
        for name, colour, _ in MARKS.values():
            source = m.DataSourceRef(DATASOURCES["postgres"], "${postgres}")
            yield b.AnnotationQuery().name(name.said(language)).datasource(source).enable(True).icon_color(colour)

    def queries(self, language: str) -> Iterator[Json]:
        said = {
            "disruption": Text("Perturbation : ", "Disruption: ").said(language),
            "unheard": Text("Hors d''écoute : ", "Unheard: ").said(language),
            "language": language,
        }
        for _, _, text in MARKS.values():
            query = text.format(**said)
            yield {"editorMode": "code", "format": "table", "rawQuery": True, "rawSql": query, "refId": "Anno"}


annotations = _Annotations()
