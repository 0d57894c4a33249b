"""The collector that receives one trace of each ended call (OTLP over HTTP).

The header with the collector's password is never in the configuration. Refuses: to connect.
"""

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import PrivateAttr, field_validator

from callmon.config.secrets import PasswordSource, authorities
from callmon.config.validation import Found, setting
from callmon.config.web import encrypted
from callmon.errors import Sentence

USUAL_PATH = "/v1/traces"


class TraceSettings(PasswordSource):
    """[traces]"""

    STEM, WHAT = "header", Sentence("the header of HTTP, its name and its value")
    _path: str = PrivateAttr(default="traces")

    endpoint: str | None = setting(
        "address of the collector (OTLP over HTTP); when left out, callmon sends no trace", None
    )
    header_file: Path | None = setting(
        "file that holds one more header of each request, such as Authorization", None
    )
    ca_file: Path | None = authorities()

    @field_validator("endpoint")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        encrypted(value, "https://collector.example:4318")
        return value if urlsplit(value).path.strip("/") else value.rstrip("/") + USUAL_PATH

    def _errors(self) -> Found:
        if self.endpoint is None and self.model_fields_set - {"endpoint"}:
            yield ("endpoint",), Sentence("is missing; name the collector, or leave [traces] out")
        yield from super()._errors()
