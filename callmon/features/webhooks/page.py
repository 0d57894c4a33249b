"""*Webhooks*: what became of the last events, and one sent again. For the administrator.

Refuses: to show an address, which may hold a secret, and what was sent.
"""

from functools import partial

from starlette.responses import Response

from callmon.features.webhooks.formats import answer_text
from callmon.store.queries.webhooks import last_deliveries, send_again
from callmon.text.labels import label
from callmon.web.auth.identity import Right
from callmon.web.page_request import PageRequest
from callmon.web.routing import entry, form

MOST = 200


async def show(page_request: PageRequest) -> Response:
    """The last deliveries, the newest first."""
    reader, has_any = page_request.context.reader, bool(page_request.settings.webhooks)
    found = await page_request.ask(last_deliveries, reader, MOST) if has_any else []
    return await page_request.page(
        "webhooks.html",
        page_request.say("Webhooks"),
        rows=found,
        most=MOST,
        word=partial(label, language=page_request.language),
        answer_text=answer_text,
    )


async def again(page_request: PageRequest) -> Response:
    """One delivery is sent again, in the place that it has in the order of events."""
    form, store = await page_request.form(), page_request.context.store
    event, webhook = form.get("event", ""), form.get("webhook", "")
    if webhook in page_request.settings.webhooks:
        await page_request.ask(send_again, store, event, webhook, page_request.formatter.now)
    return page_request.go("webhooks")


PAGES = (
    entry("webhooks", "/webhooks", "/webhooks", show, Right.ADMINISTER),
    form("send again", "/webhooks", "/webhooks", again, Right.ADMINISTER, "webhook", twin="webhooks"),
)
