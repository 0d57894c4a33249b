"""The AsyncAPI document of the MQTT topics, by the JSON Schema of AsyncAPI 3 (`@asyncapi/specs`, from npm)."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from docs.source import asyncapi
from tests.lab import npm
from tests.lab.needed import needed

pytestmark = pytest.mark.lab
SPECS = npm.Package(
    "@asyncapi/specs",
    "6.11.1",
    "A3WBLqAKGoJ2+6FWFtpjBlCQ1oFCcs4GxF7zsIGvNqp/klGUHjlA3aAcZ9XMMpLGE8zPeYDz2x9FmO6DSuKraQ==",
)


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft7Validator:
    with needed("npm"):
        schema = npm.unpacked(SPECS, "schemas/3.0.0.json")
    return jsonschema.Draft7Validator(json.loads(schema))


def test_the_document_is_valid(validator: jsonschema.Draft7Validator) -> None:
    document: dict[str, Any] = json.loads(asyncapi.document())
    assert [error.message for error in validator.iter_errors(document)] == []
    document["channels"]["line"]["addres"] = "callmon/lines"
    assert len(list(validator.iter_errors(document))) == 1
