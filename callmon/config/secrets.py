"""A secret stored in a file or in the environment, never in the configuration; read on each use.

An error names the setting that leads to the secret, and what to put there. Refuses: to show the secret.
"""

import os
import stat
from pathlib import Path
from typing import Any, ClassVar

from pydantic import PrivateAttr, model_validator

from callmon.config.validation import Found, Table, setting, unreadable
from callmon.config.wording import placed
from callmon.errors import ConfigError, Sentence

LONGEST_SECRET = 4096


def handed_over(path: Path) -> Path:
    """The copy of the file that systemd gave the service (LoadCredential=NAME:FILE); without one, the file."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    copy = Path(folder or "") / path.name
    return copy if folder and copy.is_file() else path


class PasswordSource(Table):
    """A table with a secret: the settings `STEM_file` and `STEM_env` name its file or its variable."""

    STEM: ClassVar[str] = "password"
    WHAT: ClassVar[Sentence] = Sentence("the password")
    _path: str = PrivateAttr(default="")  # of this table, for error messages

    def locate(self, path: str) -> None:
        self._path = path

    def has_secret(self) -> bool:
        return any(self._source())

    def password(self) -> str | None:
        """The secret; None when none is configured."""
        return self.secret() if self.has_secret() else None

    def secret(self) -> str:
        """The secret, read now. Raises ConfigError when it cannot be read or could not be sent."""
        file, _ = self._source()
        secret = (self._from_file(file) if file else self._from_environment()).rstrip("\r\n")
        if not secret:
            sentence = Sentence("{place} is empty; put {what} there", place=self.secret_place(), what=self.WHAT)
            raise ConfigError(placed(self._path, sentence))
        if not secret.isprintable() or len(secret) > LONGEST_SECRET:
            raise ConfigError(placed(self._path, self._no_line()))
        return secret

    def _no_line(self) -> Sentence:
        where = self.secret_place()
        return Sentence("{place} holds no single line of text; write the secret alone there", place=where)

    def secret_place(self) -> Sentence:
        """The location of the secret, without the secret."""
        file, variable = self._source()
        if file:
            return Sentence("file {file}", file=file)
        return Sentence("environment variable {variable}", variable=variable)

    def secret_warning(self) -> Sentence | None:
        """A warning about how the secret is stored, though it is usable; None without one, or without a secret."""
        if not self.has_secret():
            return None
        file, variable = self._source()
        try:
            mode = handed_over(file).stat().st_mode if file else 0
        except OSError:
            return Sentence("file {file} cannot be read here", file=file)
        if mode & stat.S_IROTH:
            return Sentence("every user can read file {file}; chmod 0600 it", file=file)
        if not file and str(variable) not in os.environ:
            return Sentence("environment variable {variable} is not set here", variable=variable)
        return None

    def _source(self) -> tuple[Path | None, str | None]:
        """The file and the environment variable."""
        return getattr(self, f"{self.STEM}_file"), getattr(self, f"{self.STEM}_env", None)

    def _from_file(self, path: Path) -> str:
        try:
            return handed_over(path).read_text(encoding="utf-8")
        except OSError as error:
            sentence = Sentence(
                "{what}; create it, readable by callmon's user alone", what=unreadable(path, error)
            )
            raise ConfigError(placed(f"{self._path}.{self.STEM}_file", sentence)) from None
        except UnicodeDecodeError:
            raise ConfigError(placed(self._path, self._no_line())) from None

    def _from_environment(self) -> str:
        _, variable = self._source()
        value = os.environ.get(str(variable))
        if value is None:
            sentence = Sentence(
                "the environment has no {variable}; set it to {what}", variable=variable, what=self.WHAT
            )
            raise ConfigError(placed(f"{self._path}.{self.STEM}_env", sentence))
        return value

    def _errors(self) -> Found:
        if all(self._source()):
            text = Sentence("is given beside {other}; keep one of the two", other=f"{self.STEM}_env")
            yield (f"{self.STEM}_file",), text


def authorities() -> Any:
    return setting("certificate authorities to trust, in PEM; when left out, those of the system", None)


class TlsClient(Table):
    """A table that connects to a server, with TLS when `tls` is true; without `port` then to `TLS_PORT`."""

    TLS_PORT: ClassVar[int]
    OF_TLS: ClassVar[tuple[str, ...]] = ("ca_file", "client_certificate", "client_key")

    @model_validator(mode="before")
    @classmethod
    def _usual_port(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("tls") is True:
            return {"port": cls.TLS_PORT, **data}
        return data

    def _errors(self) -> Found:
        yield from super()._errors()
        tls, *values = (getattr(self, name) for name in ("tls", *self.OF_TLS))
        given = [name for name, value in zip(self.OF_TLS, values, strict=True) if value is not None]
        if not tls:
            text = Sentence("means nothing without TLS; add tls = true, or leave it out")
            yield from (((name,), text) for name in given)
        if "client_key" in given and "client_certificate" not in given:
            yield ("client_key",), Sentence("is given without client_certificate; add that")
