"""Where each public number leads, read from the exchange's dialplan: no call is placed and nothing is changed.

    ami_query ─▶ reading ─▶ dialplan ─▶ walk ─▶ [Route] ─▶ as_text, findings
                                                   └▶ proposal ─▶ the text of a first configuration

Refuses: to guess. A step that cannot be followed is named with its place in the dialplan.
"""

from callmon.tools.routes.as_text import as_text
from callmon.tools.routes.findings import route_findings
from callmon.tools.routes.proposal import learned, public_numbers, usual_hours
from callmon.tools.routes.reading import ExchangeRoutes, read
from callmon.tools.routes.walk import Hop, Route

__all__ = [
    "ExchangeRoutes",
    "Hop",
    "Route",
    "as_text",
    "learned",
    "public_numbers",
    "read",
    "route_findings",
    "usual_hours",
]
