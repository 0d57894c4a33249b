"""install.sh of the offline archive: it deletes nothing that is not its own, and keeps what works."""

from __future__ import annotations

import os
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "install" / "install.sh"
# It makes an environment as `python -m venv` does, whose pip fails or whose callmon works.
PYTHON = """#!/bin/sh
[ "$1" = -c ] && exit 0
[ "$3" = --clear ] && { rm -rf "$4"; shift; }
mkdir -p "$3/bin"
touch "$3/pyvenv.cfg"
printf '#!/bin/sh\\nexit PIP\\n' > "$3/bin/python"
printf '#!/bin/sh\\necho new\\n' > "$3/bin/callmon"
chmod +x "$3/bin/python" "$3/bin/callmon"
"""


def installed(place: Path, folder: Path, pip: int = 0) -> subprocess.CompletedProcess[str]:
    pack, path = place / "pack", place / "path"
    pack.mkdir(exist_ok=True)
    path.mkdir(exist_ok=True)
    (pack / "install.sh").write_bytes(SCRIPT.read_bytes())
    (pack / "SHA256SUMS").write_text(f"{sha256(SCRIPT.read_bytes()).hexdigest()}  install.sh\n")
    (path / "python3.14").write_text(PYTHON.replace("PIP", str(pip)))
    (path / "python3.14").chmod(0o755)
    environment = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}"}
    command = ["sh", "install.sh", str(folder)]
    return subprocess.run(command, cwd=pack, env=environment, capture_output=True, text=True, check=False)


def earlier(folder: Path) -> None:
    (folder / "bin").mkdir(parents=True)
    (folder / "pyvenv.cfg").touch()
    (folder / "bin" / "callmon").write_text("before")


def everything(folder: Path) -> dict[str, str]:
    return {str(x.relative_to(folder)): x.read_text() for x in sorted(folder.rglob("*")) if x.is_file()}


@pytest.mark.parametrize("name", ["precious.txt", "pyvenv.cfg", ".hidden"])
def test_a_folder_that_is_no_environment_of_callmons_is_refused_and_stays(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "opt"
    folder.mkdir()
    (folder / name).write_text("kept")
    done = installed(tmp_path, folder)
    assert (done.returncode, done.stdout, everything(folder)) == (1, "", {name: "kept"})
    assert done.stderr.startswith(
        f"{folder} is not empty, and no callmon is installed there: name another folder."
    )


@pytest.mark.parametrize("is_there", [True, False])
def test_an_empty_folder_and_one_that_is_not_there_are_installed_to(tmp_path: Path, is_there: bool) -> None:
    folder = tmp_path / "opt"
    if is_there:
        folder.mkdir()
    done = installed(tmp_path, folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "new\n", "")


@pytest.mark.parametrize(("pip", "callmon"), [(0, "#!/bin/sh\necho new\n"), (1, "before")])
def test_an_earlier_callmon_is_replaced_by_one_that_works_and_by_no_other(
    tmp_path: Path, pip: int, callmon: str
) -> None:
    folder = tmp_path / "opt"
    earlier(folder)
    assert installed(tmp_path, folder, pip).returncode == pip
    assert (folder / "bin" / "callmon").read_text() == callmon
    assert sorted(x.name for x in tmp_path.iterdir()) == ["opt", "pack", "path"]
