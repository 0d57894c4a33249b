"""The texts of the source that people read: each with its context in the catalogue, as the catalogue has it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, nodes

import callmon
from callmon.features.months import layout, titles
from callmon.site import FEATURES
from callmon.text import labels
from callmon.text.story.sentences import TEXTS
from callmon.tools.demo import HEADINGS, STOPPED

Text = tuple[str | None, str]  # its context, and the text
CALLMON = Path(callmon.__file__).parent
SAYING = ("say", "_say")
PAGES = ("page.py", "token_page.py", "half_hours.py", "alerts_now.py")  # in a feature
STORIES = ("features/disruptions/notice/text.py", "features/months/sign_off_text.py")
OF_REPORTS = CALLMON / "text" / "attestations.py"


def of_commands() -> list[Path]:
    """The modules of the commands, and what they share."""
    known = re.compile(r"^ *from callmon\.cli[. ]", re.M)
    return [path for path in CALLMON.rglob("*.py") if known.search(path.read_text(encoding="utf-8"))]


def of_pages() -> list[Path]:
    """Sign-in has words of its own."""
    web = CALLMON / "web"
    shell = [path for path in web.rglob("*.py") if "auth" not in path.relative_to(web).parts]
    return [*shell, *(path for path in (CALLMON / "features").rglob("*.py") if path.name in PAGES)]


def of_stories() -> list[Path]:
    texts = [path for path in (CALLMON / "text").rglob("*.py") if path != OF_REPORTS]
    return [*texts, *(CALLMON / name for name in STORIES)]


def of_reports() -> list[Path]:
    others = {*of_commands(), *of_pages(), *of_stories()}
    return [OF_REPORTS, *(path for path in (CALLMON / "features" / "months").rglob("*.py") if path not in others)]


# ── the texts ──


def said(source: str, context: str | None) -> Iterator[Text]:
    """The texts that a module says: of two, each. One without a context of its own has that of the module."""
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and call.args and _name(call.func) in SAYING:
            given = next((_values(x.value) for x in call.keywords if x.arg == "context"), [context])
            yield from ((x, text) for x in given for text in _values(call.args[0]))


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _values(node: ast.expr) -> list[str]:
    if isinstance(node, ast.IfExp):
        return [*_values(node.body), *_values(node.orelse)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def said_by_template(source: str, context: str | None) -> Iterator[Text]:
    for call in Environment(autoescape=True).parse(source).find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == "say":
            given = next((_constants(x.value) for x in call.kwargs if x.key == "context"), [context])
            yield from ((x, text) for x in given for text in _constants(call.args[0]))


def _constants(node: nodes.Node | None) -> list[str]:
    if isinstance(node, nodes.CondExpr):
        return [*_constants(node.expr1), *_constants(node.expr2)]
    return [node.value] if isinstance(node, nodes.Const) else []


def of_labels() -> Iterator[Text]:
    yield from ((kind, text) for kind, texts in labels.KINDS.items() for text in texts.values())


def of_tables() -> Iterator[Text]:
    """Those of the stories (`sentences.toml`) and of the reports (`titles.toml`, `layout.toml`)."""
    for text in (text for part in TEXTS.values() for text in part.values()):
        of_several, of_one = (text, "") if isinstance(text, str) else text
        yield from (("story", of_several), ("singular", of_one))
    for texts in (*titles.PARTS.values(), *titles.PUBLIC_HEADLINES.values(), titles.SIGNS, titles.CUTS):
        yield from (("report", text) for text in texts.values())
    for table in (
        titles.STANDARDS,
        titles.PARAMETERS,
        titles.TEXTS,
        titles.PACKAGE,
        titles.UNITS,
        titles.SILENCES,
    ):
        yield from (("report", text) for text in table.values())
    yield from (("report", text) for meaning in titles.FIGURES.values() for text in meaning)
    yield from (("report", text) for text in (*titles.SIGNS, titles.UNKNOWN_CUT))
    yield from (("report", column["text"]) for column in titles.COLUMNS.values())
    for section in layout.SECTIONS:
        yield from (("report", text) for text in (section.title, *section.notes))
        yield from (("report", text) for x in section.tables for text in (x.title, x.first, x.note))


def _files() -> Iterator[tuple[str | None, Path]]:
    """Each file that says texts, with the context of these."""
    web = CALLMON / "web"
    templates = [*(web / "templates").glob("*.html"), *(CALLMON / "features").glob("*/templates/*.html")]
    for context, paths in (
        ("story", of_stories()),
        ("report", of_reports()),
        (None, of_commands()),
        ("page", [*of_pages(), *templates]),
        ("access", (path for path in (web / "auth").rglob("*") if path.suffix in (".py", ".html"))),
        ("demonstration", [CALLMON / "tools" / "demo" / "banner.html"]),
    ):
        yield from ((context, path) for path in paths)


def of_demonstration() -> Iterator[Text]:
    yield from (("demonstration", text) for text in (*HEADINGS, STOPPED))


def of_menu() -> Iterator[Text]:
    yield from (("page", item.title) for feature in FEATURES for item in feature.menu)


def all_texts() -> set[Text]:
    """Every text of the source, but for those of help, of errors and of `doctor` (`test_help`)."""
    found = {*of_labels(), *of_tables(), *of_demonstration(), *of_menu()}
    for context, path in _files():
        read = said if path.suffix == ".py" else said_by_template
        found |= {*read(path.read_text(encoding="utf-8"), context)}
    return {x for x in found if x[1]}
