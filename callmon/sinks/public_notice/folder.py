"""Writes the public notice into a folder, all files at once, and keeps it current while the daemon runs.

    FOLDER/perturbations.html ─▶ current/perturbations.html      symbolic links, made once
    FOLDER/current            ─▶ .notice-x3k9                    replaced by each publication, in one step

A reader sees all files of one publication. Those of the last minute stay for readers that are still in them.
Refuses: to replace an `index.html` that somebody else made.
"""

import asyncio
import fcntl
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp

from callmon.config.settings import Settings
from callmon.core.disruptions.disruption import Disruption
from callmon.errors import Sentence, system_reason
from callmon.sinks.public_notice.files import notice_files
from callmon.sinks.snapshot import DaemonSnapshot
from callmon.text.public_notice import FILES, public_disruptions

log = logging.getLogger(__name__)

CURRENT, PREFIX, LOCK = "current", ".notice-", ".lock"
EVERY_SECONDS, KEPT_SECONDS = 1.0, 60.0
REFRESHED = timedelta(minutes=1)  # a page that is not older says what is known now


def publish_notice(
    folder: Path, settings: Settings, found: Iterable[Disruption], is_heard: bool, now: datetime
) -> None:
    """Write all files of the state at `now`. Blocks. Raises OSError that names the folder."""
    try:
        _replace(folder, notice_files(settings, found, is_heard, now), settings.default_language)
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(folder)) from None


def _replace(folder: Path, files: Mapping[str, bytes], language: str) -> None:
    """Replace the published files by `files`. `language`: of the page that `index.html` shows."""
    with (folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the command and the daemon may write to one folder
        current = folder / CURRENT
        before = os.readlink(current) if current.is_symlink() else ""
        made = Path(mkdtemp(prefix=PREFIX, dir=folder))
        kept_from = made.stat().st_mtime - KEPT_SECONDS  # by the clock of the file system, which may be another's
        for old in folder.glob(f"{PREFIX}*"):  # also of a publication that failed
            if old.name != before and old.stat().st_mtime < kept_from:
                shutil.rmtree(old, ignore_errors=True)
        try:
            for name, data in files.items():
                _write_file(made / name, data)
            made.chmod(0o755)
        except OSError:
            shutil.rmtree(made, ignore_errors=True)
            raise
        _link(current, made.name)
        for name in files:
            _link(folder / name, f"{CURRENT}/{name}")
        if not os.path.lexists(folder / "index.html"):
            _link(folder / "index.html", f"{CURRENT}/{FILES[language]}.html")


def _write_file(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o644)  # a web server reads it, whatever the umask


def _link(path: Path, target: str) -> None:
    """Make `path` a symbolic link to `target`, in one step."""
    if path.is_symlink() and os.readlink(path) == target:
        return
    scratch = path.with_name(f".{path.name}.new")
    scratch.unlink(missing_ok=True)
    scratch.symlink_to(target)
    scratch.replace(path)


class NoticePublisher:
    """Publishes within seconds of a change, and once a minute. `run` is a task of the daemon.

    A standby publishes nothing: two callmons may have one folder.
    """

    def __init__(self, settings: Callable[[], Settings], stands_by: Callable[[], bool]) -> None:
        self._settings, self._stands_by = settings, stands_by
        self._published: object = None
        self._at = datetime.min.replace(tzinfo=UTC)
        self._trouble = ""

    async def run(self, snapshot: Callable[[], DaemonSnapshot]) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self.publish(snapshot())

    async def publish(self, snapshot: DaemonSnapshot) -> None:
        """Publish the state if it has changed, or was published a minute ago. An error is logged once."""
        settings, now = self._settings(), datetime.now(UTC)
        folder = settings.disruptions.publish
        shown = [(x, x.state(now)) for x in public_disruptions(snapshot.disruptions, now)]
        state = (settings, snapshot.is_heard, shown)
        is_current = state == self._published and timedelta(0) <= now - self._at < REFRESHED
        if folder is None or self._stands_by() or is_current:
            return
        trouble = ""
        try:
            known = folder, settings, snapshot.disruptions, snapshot.is_heard, now
            await asyncio.to_thread(publish_notice, *known)
            self._published, self._at = state, now
        except OSError as error:
            trouble = Sentence(
                "The public notice in {folder} is not up to date ({why}). Give callmon a folder in which it may "
                "write: [disruptions] publish.",
                folder=folder,
                why=system_reason(error),
            )
        except Exception as error:  # an internal error: the daemon continues
            trouble = Sentence(
                "The public notice in {folder} is not up to date: internal error ({why}).",
                folder=folder,
                why=repr(error),
            )
        if trouble and trouble != self._trouble:
            log.error("public notice: not written; retrying", extra={"why": trouble})
        self._trouble = trouble

    def troubles(self) -> list[str]:
        """Why the published files are out of date, for /healthz."""
        return [self._trouble] if self._trouble and self._settings().disruptions.publish is not None else []
