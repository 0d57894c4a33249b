"""*Guide*: the runbook, one section per alert and board. It needs no sign-in and no database.

`python -m tests.references` renders its templates from docs/fr/how-to/runbook.md and docs/en/how-to/runbook.md.
"""

from starlette.responses import Response

from callmon.web.page_request import PageRequest


async def show(visit: PageRequest) -> Response:
    """The runbook in the page's language."""
    return await visit.page("guide.html", visit.say("Guide : quoi faire à chaque alerte"))
