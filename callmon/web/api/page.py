"""*Read API*: its resources with their parameters, fields and an example. Needs no other host."""

import json
from functools import partial
from typing import Any

from starlette.responses import Response

from callmon.text.labels import label
from callmon.web.api.openapi import example_answers, parameters
from callmon.web.api.resource import Resource
from callmon.web.auth.tokens import API
from callmon.web.page_request import PageRequest
from callmon.web.routing import Page


def reference(resources: tuple[Resource, ...]) -> Page:
    """The endpoint of the page."""
    return partial(_show, resources)


async def _show(resources: tuple[Resource, ...], page_request: PageRequest) -> Response:
    titles = [label("api", x.path, page_request.language) for x in resources]
    queries = [[(y["name"], _values(y["schema"])) for y in parameters(x)] for x in resources]
    examples = [json.dumps(example_answers()[x.path], ensure_ascii=False, indent=2) for x in resources]
    described = list(zip(resources, titles, queries, examples, strict=True))
    return await page_request.page(
        "api.html",
        page_request.say("Interface for programs (API)"),
        api=API,
        resources=described,
    )


def _values(schema: dict[str, Any]) -> str:
    """« met, not_met », "1-100", "date-time"; else the type."""
    if "minimum" in schema:
        return f"{schema['minimum']}-{schema['maximum']}"
    return ", ".join(schema.get("enum", ())) or str(schema.get("format", schema["type"]))
