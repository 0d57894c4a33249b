"""Writes the public notice into a folder, all files at once, and keeps it current while the daemon runs.

    FOLDER/perturbations.html ─▶ current/perturbations.html      symbolic links, made once
    FOLDER/current            ─▶ .notice-x3k9                    replaced by each publication, in one step

A reader sees all files of one publication. Those of the last minute stay for readers that are still in them.
Refuses: to replace an `index.html` that somebody else made; a lock, which any reader of the folder could hold.
"""

import asyncio
import errno
import logging
import os
import shutil
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from time import monotonic

from callmon.config.settings import Settings
from callmon.core.disruptions.disruption import Disruption
from callmon.core.snapshot import DaemonSnapshot
from callmon.errors import Sentence, system_reason
from callmon.features.disruptions.notice.files import notice_files
from callmon.features.disruptions.notice.text import FILES, public_disruptions

log = logging.getLogger(__name__)

CURRENT, PREFIX = "current", ".notice-"
KEPT_SECONDS = 60.0
SLOW_SECONDS = 30.0
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
    """Replace the published files by `files`. `language`: of the page that `index.html` shows.

    Two programs may do so at once: each has a folder of its own, and the last one that replaces `current` is seen.
    """
    current = folder / CURRENT
    before = os.readlink(current) if current.is_symlink() else ""
    made = Path(mkdtemp(prefix=PREFIX, dir=folder))
    _remove_old(folder, before, made.stat().st_mtime - KEPT_SECONDS)  # by the clock of the file system
    inside = _opened(made)
    try:
        for name, data in files.items():
            _write_file(name, data, inside)
        os.fchmod(inside, 0o755)
        _link(current, made.name, inside)
        for name in files:
            _link(folder / name, f"{CURRENT}/{name}", inside)
        if not os.path.lexists(folder / "index.html"):
            _link(folder / "index.html", f"{CURRENT}/{FILES[language]}.html", inside)
    except OSError:
        if not current.is_symlink() or os.readlink(current) != made.name:
            shutil.rmtree(made, ignore_errors=True)
        raise
    finally:
        os.close(inside)


def _remove_old(folder: Path, current: str, kept_from: float) -> None:
    """Remove publications that no reader is in any more, also those that failed."""
    for old in folder.glob(f"{PREFIX}*"):
        with suppress(FileNotFoundError):  # another program has removed it
            if old.name != current and old.lstat().st_mtime < kept_from:
                shutil.rmtree(old, ignore_errors=True)


def _opened(made: Path) -> int:
    """A handle on the folder just made. Its owner alone may be this program: another link there is refused."""
    inside = os.open(made, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    if os.fstat(inside).st_uid != os.geteuid():
        os.close(inside)
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
    return inside


def _write_file(name: str, data: bytes, inside: int) -> None:
    created = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=inside)
    with open(created, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
        os.fchmod(file.fileno(), 0o644)  # a web server reads it, whatever the umask


def _link(path: Path, target: str, inside: int) -> None:
    """Make `path` a symbolic link to `target`, in one step. It is made in the folder of this program."""
    if path.is_symlink() and os.readlink(path) == target:
        return
    scratch = f".{path.name}"
    os.symlink(target, scratch, dir_fd=inside)
    os.replace(scratch, path, src_dir_fd=inside)


class NoticePublisher:
    """Publishes within seconds of a change, and once a minute. `run` is a task of the daemon.

    A standby publishes nothing: two callmons may have one folder.
    """

    def __init__(self, settings: Callable[[], Settings], stands_by: Callable[[], bool]) -> None:
        self._settings, self._stands_by = settings, stands_by
        self._published: object = None
        self._at = datetime.min.replace(tzinfo=UTC)
        self._trouble = ""
        self._begun: float | None = None  # monotonic: since when a publication is being written

    async def run(self, snapshot: Callable[[], DaemonSnapshot], next_look: Callable[[], Awaitable[None]]) -> None:
        while True:
            await next_look()
            if self._settings().disruptions.publish is not None:
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
            self._begun = monotonic()
            await asyncio.to_thread(publish_notice, *known)
            self._published, self._at = state, now
        except OSError as error:
            trouble = _not_written(folder, error)
        except Exception as error:  # an internal error: the daemon continues
            trouble = Sentence(
                "The public notice in {folder} is not up to date: internal error ({why}).",
                folder=folder,
                why=repr(error),
            )
        self._begun = None
        if trouble and trouble != self._trouble:
            log.error("public notice: not written; retrying", extra={"why": trouble})
        self._trouble = trouble

    def troubles(self) -> list[str]:
        """Why the published files are out of date, for /healthz."""
        folder, begun = self._settings().disruptions.publish, self._begun
        if folder is None:
            return []
        if begun is not None and monotonic() - begun > SLOW_SECONDS:
            return [_not_written(folder, OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)))]
        return [self._trouble] if self._trouble else []


def _not_written(folder: Path, error: OSError) -> Sentence:
    return Sentence(
        "The public notice in {folder} is not up to date ({why}). Give callmon a folder in which it may "
        "write: [disruptions] publish.",
        folder=folder,
        why=system_reason(error),
    )
