"""Where the configuration file is found. Loads no pydantic."""

import os
import stat
from pathlib import Path

from callmon.errors import ConfigError, Sentence

CONFIG_VARIABLE = "CALLMON_CONFIG"
PLACES = (Path("callmon.toml"), Path("/etc/callmon/callmon.toml"))


def find(in_folder: bool = True) -> Path:
    """The first file of PLACES that exists; `in_folder`: also in the current folder. Raises ConfigError."""
    for path in PLACES:
        if os.path.exists(path) and (in_folder or path.is_absolute()):
            if not path.is_absolute():
                _refuse_written_by_others(path)
            return path
    try:
        places = ", ".join(str(Path.cwd() / place) for place in PLACES)
    except FileNotFoundError:
        raise ConfigError("The current folder no longer exists; change to another one.") from None
    raise ConfigError(
        Sentence(
            "No configuration file was found. Searched: --config FILE, ${variable}, {places}.",
            variable=CONFIG_VARIABLE,
            places=places,
        ),
        Sentence("Begin with the example: `callmon config example > callmon.toml`."),
    )


def _refuse_written_by_others(path: Path) -> None:
    """Raises ConfigError where another user than this one and root may have written the file that nobody named.

    Such a file would send any secret that this user may read to a server of its choice.
    """
    if (place := place_written_by_others(path)) is not None:
        raise ConfigError(
            Sentence(
                "{path} is not read: another user may have written to {place}. If you trust the file, name "
                "it: --config {path}; otherwise change to another folder.",
                path=path,
                place=place,
            )
        )


def place_written_by_others(path: Path) -> Path | None:
    """The file or its folder, if another user than this one and root may have written there. Raises OSError."""
    for place in (path.absolute().parent, path.resolve().parent, path.resolve()):
        found = place.stat()
        if found.st_uid not in (0, os.geteuid()) or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return place
    return None
