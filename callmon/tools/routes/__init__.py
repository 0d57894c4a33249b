"""Where each public number leads, read from the exchange's dialplan: no call is placed and nothing is changed.

    ami_query ─▶ reading ─▶ dialplan ─▶ walk ─▶ [Route] ─▶ as_text, findings

Refuses: to guess. A step that cannot be followed is named with its place in the dialplan.
"""

from callmon.tools.routes.as_text import as_text
from callmon.tools.routes.findings import route_findings
from callmon.tools.routes.reading import ExchangeRoutes, read
from callmon.tools.routes.walk import Hop, Route

__all__ = ["ExchangeRoutes", "Hop", "Route", "as_text", "read", "route_findings"]
