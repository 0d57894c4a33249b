"""Where callmon shows what it knows: [web]. Who may see it is [web.access]."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from callmon.config.web import AccessSettings


class WebSettings(BaseModel):
    """[web]"""

    model_config = ConfigDict(extra="forbid", frozen=True)

    listen: str = Field(
        default="127.0.0.1:9469", description="address and port of /metrics, /healthz and the pages"
    )
    access: AccessSettings = Field(default=AccessSettings(), description="who may see which page")

    @field_validator("listen")
    @classmethod
    def _address(cls, value: str) -> str:
        host, colon, port = value.rpartition(":")
        if not (host and colon and port.isascii() and port.isdigit() and int(port) <= 65535):
            raise ValueError(f'"{value}" is no address with a port; write it as "127.0.0.1:9469"')
        return value

    @property
    def host(self) -> str:
        """Without the brackets of an IPv6 address."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """0 lets the system choose."""
        return int(self.listen.rpartition(":")[2])
