"""The pages' sentences: every one that a template or a view says is in the catalogues, and no other."""

from __future__ import annotations

import ast
from pathlib import Path

from babel.messages.pofile import read_po
from jinja2 import Environment, nodes

import callmon.web
from tests.support.sources import of_pages

WEB = Path(callmon.web.__file__).parent
FEATURES = WEB.parent / "features"
LOCALE, ENGLISH = WEB.parent / "text" / "locale", "en/LC_MESSAGES/callmon.po"


def of_python(source: str) -> list[str]:
    """What `say` is given: a text, or one of two."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and node.args]
    said = [
        call.args[0]
        for call in calls
        if isinstance(call.func, ast.Attribute | ast.Name) and _name(call) in ("say", "config_error")
    ]
    parts = [part for one in said for part in ([one.body, one.orelse] if isinstance(one, ast.IfExp) else [one])]
    return [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def of_template(source: str) -> list[str]:
    calls = Environment(autoescape=True).parse(source).find_all(nodes.Call)
    said = [call.args[0] for call in calls if isinstance(call.node, nodes.Name) and call.node.name == "say"]
    parts = [
        part for one in said for part in ([one.expr1, one.expr2] if isinstance(one, nodes.CondExpr) else [one])
    ]
    return [part.value for part in parts if isinstance(part, nodes.Const)]


def said() -> set[str]:
    python = [text for path in of_pages() for text in of_python(path.read_text(encoding="utf-8"))]
    templates = [
        text
        for path in (*(WEB / "templates").glob("*.html"), *FEATURES.glob("*/templates/*.html"))
        for text in of_template(path.read_text(encoding="utf-8"))
    ]
    return {*python, *templates}


def test_every_sentence_of_the_pages_is_in_the_catalogue_and_no_other() -> None:
    with (LOCALE / ENGLISH).open("rb") as lines:
        catalogued = {str(message.id) for message in read_po(lines) if message.context == "page"}
    assert catalogued == said()


def test_a_sentence_chosen_between_two_is_found_in_code_and_templates() -> None:
    assert of_python("say('un' if one else 'deux', n=1); tongue.say('trois')") == ["un", "deux", "trois"]
    assert of_template("{{ say('un' if one else 'deux', n=1) }}") == ["un", "deux"]
