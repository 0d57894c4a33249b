"""A secret stored in a file or in the environment, never in the configuration; read on each use.

An error names the setting that leads to the secret, and what to put there. Refuses: to show the secret.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from callmon.config.validation import Path as Place
from callmon.errors import ConfigError

LONGEST_SECRET = 4096


@dataclass(frozen=True)
class SecretSource:
    """A secret's source. `where` is the table, `stem` the prefix of its two settings, `what` its description."""

    where: str
    stem: str
    what: str
    file: Path | None
    variable: str | None

    def read(self) -> str:
        """The secret, read now. Raises ConfigError when it cannot be read or could not be sent."""
        text = self._from_file(self.file) if self.file else self._from_environment()
        secret = text.rstrip("\r\n")
        if not secret:
            raise ConfigError(f"{self.where}: {self.source()} is empty; put {self.what} there")
        if not secret.isprintable() or len(secret) > LONGEST_SECRET:
            raise ConfigError(f"{self.where}: {self.source()} holds no single line of text")
        return secret

    def source(self) -> str:
        """The location of the secret, without the secret."""
        return f"file {self.file}" if self.file else f"environment variable {self.variable}"

    def warning(self) -> str | None:
        """A warning about how the secret is stored, though it is usable; None without one."""
        try:
            mode = self.file.stat().st_mode if self.file else 0
        except OSError:
            return f"{self.source()} cannot be read here"
        if mode & stat.S_IROTH:
            return f"every user can read {self.source()}; chmod 0600 it"
        if not self.file and str(self.variable) not in os.environ:
            return f"{self.source()} is not set here"
        return None

    def _from_file(self, path: Path) -> str:
        try:
            return path.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                f"{self.where}.{self.stem}_file: cannot read {path} ({error.strerror}); "
                "create it, readable by callmon's user alone"
            ) from None
        except UnicodeDecodeError:
            raise ConfigError(f"{self.where}.{self.stem}_file: {path} holds no single line of text") from None

    def _from_environment(self) -> str:
        value = os.environ.get(str(self.variable))
        if value is None:
            raise ConfigError(
                f"{self.where}.{self.stem}_env: the environment has no {self.variable}; set it to {self.what}"
            )
        return value


def tls_errors(tls: bool, given: dict[str, object]) -> list[tuple[Place, str]]:
    """Mistakes in TLS settings (name → value): given without TLS, or a key without its certificate."""
    found: list[tuple[Place, str]] = []
    if not tls:
        text = "means nothing without TLS; add tls = true, or leave it out"
        found += [((name,), text) for name, value in given.items() if value is not None]
    if given["client_key"] and not given["client_certificate"]:
        found.append((("client_key",), "is given without client_certificate; add that"))
    return found
