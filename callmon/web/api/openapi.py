"""The OpenAPI 3.1 document of the read API, made of the types of its resources when it is first asked for.

`fields.toml` describes each field, with its unit. `examples.json` has an answer of each resource, from the
demonstration.
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from callmon import __version__
from callmon.text.labels import label
from callmon.web.api.answer import CSV, JSON
from callmon.web.api.problem import MEDIA_TYPE, Problem
from callmon.web.api.resource import Resource
from callmon.web.auth.tokens import API

REFUSALS = {str(x): HTTPStatus(x).phrase for x in (400, 401, 403, 404, 406, 429, 503)}
FOLDER = files("callmon.web.api")
PLACE = "#/components/schemas/{name}"


@cache
def example_answers() -> dict[str, Any]:
    """The answer of each resource, by its path. A list has one item."""
    answers: dict[str, Any] = msgspec.json.decode(FOLDER.joinpath("examples.json").read_bytes())
    return answers


@cache
def openapi_document(resources: tuple[Resource, ...]) -> dict[str, Any]:
    _, schemas = msgspec.json.schema_components([*(x.type for x in resources), Problem], ref_template=PLACE)
    session = {"type": "apiKey", "in": "cookie", "name": "callmon"}
    schemes = {"token": {"type": "http", "scheme": "bearer"}, "session": session}
    return {
        "openapi": "3.1.0",
        "info": {"title": "callmon", "version": __version__},
        "servers": [{"url": API}],
        "security": [{name: []} for name in schemes],
        "paths": {x.path: {"get": _operation(x)} for x in resources},
        "components": {"schemas": dict(_described(schemas)), "securitySchemes": schemes},
    }


def _described(schemas: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The schemas, each field with its description. Raises KeyError for a field that has none."""
    texts = tomllib.loads(FOLDER.joinpath("fields.toml").read_text(encoding="utf-8"))
    for name, schema in schemas.items():
        kind = name.partition("_")[0]
        fields = {x: y | {"description": texts[kind][x]} for x, y in schema["properties"].items()}
        yield name, schema | {"properties": fields}


async def send_document(resources: tuple[Resource, ...], _request: Request) -> Response:
    return Response(msgspec.json.encode(openapi_document(resources)), media_type=JSON)


def _operation(resource: Resource) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components([resource.type], ref_template=PLACE)
    kinds = {JSON: {"schema": schema, "example": example_answers()[resource.path]}} | (
        {CSV: {"schema": {"type": "string"}}} if resource.is_list else {}
    )
    answers = {"200": {"description": "The answer.", "content": kinds}, "304": {"description": "Not modified."}}
    refusal = {MEDIA_TYPE: {"schema": {"$ref": PLACE.format(name="Problem")}}}
    return {
        "operationId": resource.answer.__name__,
        "summary": label("api", resource.path, "en"),
        "description": resource.query.__doc__,
        "parameters": list(parameters(resource)),
        "responses": answers | {x: {"description": y, "content": refusal} for x, y in REFUSALS.items()},
    }


def parameters(resource: Resource) -> Iterator[dict[str, Any]]:
    """Those of the path, then those of the query."""
    for part in resource.path.split("/"):
        if part.startswith("{"):
            yield {
                "name": part[1:-1],
                "in": "path",
                "required": True,
                "schema": {"type": "string", "minLength": 1},
            }
    _, schemas = msgspec.json.schema_components([resource.query])
    for name, schema in schemas[resource.query.__name__]["properties"].items():
        yield {"name": name, "in": "query", "schema": _without_null(schema)}


def _without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter that is absent is not null."""
    schema = next((x for x in schema.get("anyOf", ()) if x.get("type") != "null"), schema)
    kept = {name: x for name, x in schema.items() if x is not None}
    return kept | ({"type": "string", "enum": [x for x in kept["enum"] if x]} if "enum" in kept else {})
