"""The site guide as a test reads it: its snippets, each with its file; and a site configured manually.

A snippet is a fenced block; the paragraph before it names its file as `` `FILE` (plain Asterisk …) ``, `` `FILE`
(FreePBX) `` or `` `FILE` (FreePBX: `FILE`) ``.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.lab.exchange import Asterisk
from tests.lab.ports import free_port
from tests.lab.site import HOME

GUIDES = Path(__file__).resolve().parents[2] / "asterisk"
FREEPBX = Path(__file__).resolve().parents[1] / "freepbx"
FENCED = re.compile(r"((?:[^\n]+\n)+)\n```(\w+)\n(.*?)```\n", re.DOTALL)
PLACE = re.compile(r"`([\w./-]+)` \((plain Asterisk|Asterisk ordinaire|FreePBX)(?:\s?:\s+`([\w.]+)`)?")
DEBIANS = ("manager.conf", "cel.conf", "cel_custom.conf", "indications.conf")
WITNESS = "[{user}]\nsecret = {secret}\nread = all\nwrite = all\nwritetimeout = 10000\n"


@dataclass(frozen=True)
class Snippet:
    """`files`: layout to file; lines as in the guide. (```text marks a block that no program reads.)"""

    kind: str
    files: tuple[tuple[str, str], ...]
    lines: tuple[str, ...]

    def file(self, layout: str) -> str:
        return dict(self.files).get(layout, "")


def snippets(name: str = "README.md") -> list[Snippet]:
    text = (GUIDES / name).read_text(encoding="utf-8")
    found = [(before, kind, body) for before, kind, body in FENCED.findall(text) if kind not in ("text", "sh")]
    return [Snippet(kind, _files(before), tuple(body.splitlines())) for before, kind, body in found]


def _files(paragraph: str) -> tuple[tuple[str, str], ...]:
    if bare := re.fullmatch(r"[^`]*`(/[\w./-]+)`[^`]*", paragraph, re.DOTALL):
        return (("callmon", bare[1]),)
    found = PLACE.findall(paragraph)
    assert len(found) == 1, f"one file for the block after: {paragraph}"
    ((file, layout, beside),) = found
    if beside:
        return (("plain", file), ("freepbx", beside))
    return (("freepbx" if layout == "FreePBX" else "plain", file),)


class GuideSite:
    """An exchange with Debian's or FreePBX's own files for AMI and CEL, and the lab's phones and lines."""

    def __init__(self, version: str, layout: str, certificate: Path | None = None) -> None:
        self.layout = layout
        self.asterisk = Asterisk(version)
        self.etc = self.asterisk.place / "etc"
        self.tls_port = free_port(socket.SOCK_STREAM, HOME)
        self._certificate = certificate
        for file in DEBIANS:
            (self.etc / file).unlink()
        self.fresh()

    def fresh(self) -> None:
        """As delivered, before any change by an administrator; only the lab's own AMI users are added."""
        folder = FREEPBX if self.layout == "freepbx" else self.asterisk.place.parents[1] / "etc/asterisk"
        names = [path.name for path in FREEPBX.glob("*.conf")] if self.layout == "freepbx" else DEBIANS
        for name in names:
            self._write(name, (folder / name).read_text())
        other = self.asterisk.secrets.witness
        if self.layout == "freepbx":
            self.append("manager_additional.conf", WITNESS.format(user="witness", secret=other))
            self.append("manager_additional.conf", WITNESS.format(user="desk", secret=self.asterisk.secrets.desk))
        else:
            (self.etc / "manager.d").mkdir(exist_ok=True)
            self._write("manager.d/witness.conf", WITNESS.format(user="witness", secret=other))
            self._write("manager.d/desk.conf", WITNESS.format(user="desk", secret=self.asterisk.secrets.desk))

    def add(self, some: Iterable[Snippet]) -> None:
        """Add snippets as an administrator does: at the end of the file, or under an existing heading."""
        for snippet in some:
            file, lines = snippet.file(self.layout), [self._here(line) for line in snippet.lines]
            text = (self.etc / file).read_text() if (self.etc / file).exists() else ""
            if f"\n{lines[0]}\n" in text:
                text = text.replace(f"\n{lines[0]}\n", "\n" + "\n".join(lines) + "\n", 1)
                self._write(file, text)
            else:
                self.append(file, "\n".join(lines) + "\n")

    def append(self, file: str, text: str) -> None:
        before = (self.etc / file).read_text() if (self.etc / file).exists() else ""
        self._write(file, f"{before}\n{text}")

    def reload(self) -> None:
        for command in ("manager reload", "module reload cel", "module reload cel_custom.so"):
            self.asterisk.cli(command)

    def _here(self, line: str) -> str:
        """The site's own values: its secret, its port for TLS, its certificate."""
        if line.startswith("; secret = "):
            return f"secret = {self.asterisk.secret}"
        line = line.replace("0.0.0.0:5039", f"127.0.0.1:{self.tls_port}")
        if line.startswith("tlscertfile") and self._certificate:
            inside = self.asterisk.place / "etc/asterisk.pem"
            inside.write_bytes(self._certificate.read_bytes())
            inside.chmod(0o600)
            return f"tlscertfile = {self.asterisk.within(inside)}"
        return line

    def _write(self, file: str, text: str) -> None:
        text = text.replace("port = 5038", f"port = {self.asterisk.ami_port}")
        (self.etc / file).write_text(text.replace("bindaddr = 0.0.0.0", "bindaddr = 127.0.0.1"))
