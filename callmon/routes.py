"""The route table of the pages: their names, French and English paths, and the least right that each takes.

`web/auth/` enforces the right of every entry; a test goes through the table with every role. A new page is an
entry here, an endpoint in its feature's `page.py` and a template.
"""

from functools import partial

from callmon.features.access import imports, token_page
from callmon.features.access import page as accesses
from callmon.features.calls import api as calls_api
from callmon.features.calls import page as calls
from callmon.features.disruptions import api as disruptions_api
from callmon.features.disruptions import page as disruptions
from callmon.features.months import api as months_api
from callmon.features.months import page as months
from callmon.features.months.sign_off import page as sign_off
from callmon.features.now import api as now_api
from callmon.features.now import page as now
from callmon.features.questions import page as questions
from callmon.features.standards import api as standards_api
from callmon.features.standards import page as promises
from callmon.features.webhooks import page as webhooks
from callmon.features.worklist import api as worklist_api
from callmon.features.worklist import page as callbacks
from callmon.web.api.answer import bound_resources
from callmon.web.api.openapi import send_document
from callmon.web.api.page import reference
from callmon.web.auth.identity import Right
from callmon.web.auth.route import PageRoute
from callmon.web.auth.tokens import API
from callmon.web.context import PageContext
from callmon.web.routing import bound, entry, front

# The read API, in the order of its reference.
_APIS = (now_api, calls_api, worklist_api, standards_api, months_api, disruptions_api)
RESOURCES = tuple(resource for feature in _APIS for resource in feature.RESOURCES)
OPENAPI = PageRoute(
    "openapi", {"": f"{API}/openapi.json"}, partial(send_document, RESOURCES), Right.OPEN, is_page=False
)
_form = partial(entry, method="POST")

_CALLBACK, _REPORT = Right.CALL_BACK, Right.REPORT
_REPORT_FILE = "{month}/{name}/{file}"
_REVISION, _SIGNED = "{month}/revisions/{revision}", "report signature"
PAGES = (
    entry("now", "/", "/", now.show),
    entry("wall", "/mural", "/wall", now.wall),
    entry("callbacks", "/rappels", "/callbacks", callbacks.show),
    _form("next", "/rappels", "/callbacks", callbacks.take_next, _CALLBACK),
    entry("callback", "/rappels/{id}", "/callbacks/{id}", callbacks.detail),
    _form("number", "/rappels/{id}/numero", "/callbacks/{id}/number", callbacks.number, _CALLBACK),
    _form("record", "/rappels/{id}/consigner", "/callbacks/{id}/record", callbacks.record, _CALLBACK, "callback"),
    entry("calls", "/appels", "/calls", calls.show),
    entry("call", "/appels/{exchange}/{call}", "/calls/{exchange}/{call}", calls.detail),
    entry("months", "/mois", "/months", months.show, _REPORT),
    entry("verify", "/mois/verifier", "/months/verify", sign_off.verify, _REPORT),
    _form("check", "/mois/verifier", "/months/verify", sign_off.check, _REPORT, takes_file=True),
    entry("month", "/mois/{month}", "/months/{month}", months.detail, _REPORT),
    _form("make", "/mois/{month}", "/months/{month}", months.make, _REPORT, "report"),
    entry("report", "/mois/{month}/{name}", "/months/{month}/{name}", months.progress, _REPORT),
    _form("prepare", "/mois/{month}/{name}", "/months/{month}/{name}", sign_off.prepare_files, _REPORT, _SIGNED),
    entry("revision", f"/mois/{_REVISION}", f"/months/{_REVISION}", sign_off.show, _REPORT),
    _form("sign", f"/mois/{_REVISION}", f"/months/{_REVISION}", sign_off.sign_step, _REPORT, _SIGNED),
    entry(
        "signed file",
        f"/mois/{_REVISION}/{{file}}",
        f"/months/{_REVISION}/{{file}}",
        sign_off.download_signed,
        _REPORT,
        "report file",
    ),
    # The style sheet of a report's page is no copy of the report: its download is not recorded.
    entry("style", "/mois/{month}/{name}/style.css", "/months/{month}/{name}/style.css", months.style, _REPORT),
    entry("file", f"/mois/{_REPORT_FILE}", f"/months/{_REPORT_FILE}", months.download, _REPORT, "report file"),
    entry("promises", "/normes", "/promises", promises.show),
    entry("disruptions", "/perturbations", "/disruptions", disruptions.show),
    entry("disruption", "/perturbations/{id}", "/disruptions/{id}", disruptions.detail),
    _form("begin", "/perturbations", "/disruptions", disruptions.begin, _REPORT, "disruption"),
    _form("tell", "/perturbations/{id}", "/disruptions/{id}", disruptions.record, _REPORT, "disruption"),
    entry("accesses", "/consultations", "/accesses", accesses.show, Right.ADMINISTER),
    entry("imports", "/importations", "/imports", imports.show, Right.ADMINISTER),
    entry("tokens", "/jetons", "/tokens", token_page.show, Right.ADMINISTER),
    _form("change tokens", "/jetons", "/tokens", token_page.change, Right.ADMINISTER),
    entry("webhooks", "/webhooks", "/webhooks", webhooks.show, Right.ADMINISTER),
    _form("send again", "/webhooks", "/webhooks", webhooks.again, Right.ADMINISTER, "webhook"),
    entry("questions", "/questions", "/questions", questions.show),
    entry("why", "/pourquoi", "/why", questions.why),
    entry("what if", "/et-si", "/what-if", questions.what_if),
    entry("phones needed", "/postes", "/phones", questions.phones_needed),
    entry("phones file", "/postes/{name}/{file}", "/phones/{name}/{file}", questions.download),
    entry("needs", "/besoins", "/needs", questions.needs),
    entry("api", "/api", "/api", reference(RESOURCES)),
    entry("guide", "/guide", "/guide", promises.guide, Right.OPEN),
    entry("live", "/direct", "/live", now.stream, is_page=False),
)
TABLE = {page.name: page for page in PAGES}
VIEWS = {"now": now.view, "wall": now.wall_view}
FEATURES = tuple(
    f"callmon.features.{name}"
    for name in (
        *("now", "worklist", "calls", "months", "standards"),
        *("disruptions", "questions", "access", "webhooks"),
    )
)
FRONT = front(TABLE["now"])


def entries(context: PageContext) -> tuple[PageRoute, ...]:
    """Every entry, its page bound to this context; and the entries without a language."""
    context.views.update(VIEWS)
    context.features, context.table = FEATURES, TABLE
    return (FRONT, *bound(context, PAGES), OPENAPI, *bound_resources(context, RESOURCES))
