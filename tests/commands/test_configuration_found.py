"""Which configuration file a command reads: --config, $CALLMON_CONFIG, the current folder's, the system's."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result

import callmon
from callmon.config import places as searched
from callmon.config.settings import example_text
from callmon.main import main
from tests.support.hostile_peer import HostilePeer, silent
from tests.unit.test_project import text, tracked


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Every place, without a file yet."""
    here, system = tmp_path / "here", tmp_path / "etc"
    here.mkdir()
    system.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.delenv("CALLMON_CONFIG", raising=False)
    monkeypatch.setattr(searched, "PLACES", (Path("callmon.toml"), system / "callmon.toml"))
    return {
        "option": tmp_path / "given.toml",
        "variable": tmp_path / "named.toml",
        "here": here / "callmon.toml",
        "system": system / "callmon.toml",
    }


def check(*words: str) -> Result:
    return CliRunner().invoke(main, ["check", *words])


def first_line(done: Result) -> str:
    return done.output.partition("\n")[0]


def test_the_first_place_with_a_file_is_read(places: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("system", "here", "variable", "option"):
        places[place].write_text("", encoding="utf-8")
        if place == "variable":
            monkeypatch.setenv("CALLMON_CONFIG", str(places[place]))
        words = ("--config", str(places[place])) if place == "option" else ()
        shown = "callmon.toml" if place == "here" else str(places[place])
        title = f"Réglages qui diffèrent de leur valeur par défaut ({shown})"
        assert check(*words).stdout.splitlines().count(title) == 1


def test_without_a_file_the_error_lists_the_places(places: dict[str, Path]) -> None:
    done = check()
    assert (done.exit_code, done.stdout) == (2, "")
    searched = f"--config FILE, $CALLMON_CONFIG, {places['here']}, {places['system']}"
    assert first_line(done) == f"No configuration file was found. Searched: {searched}."


def test_a_file_that_the_variable_names_and_that_is_missing_is_refused(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    places["here"].write_text("", encoding="utf-8")
    monkeypatch.setenv("CALLMON_CONFIG", str(places["variable"]))
    done = check()
    assert (done.exit_code, done.stderr.partition(" (")[0]) == (2, f"{places['variable']}: cannot be read")


@pytest.mark.parametrize("mode", [0o1777, 0o777, 0o775, 0o770])
def test_a_file_in_a_folder_writable_by_others_is_refused_unless_named(places: dict[str, Path], mode: int) -> None:
    places["here"].write_text("", encoding="utf-8")
    places["here"].parent.chmod(mode)
    done = check()
    why = f"another user may have written to {places['here'].parent}"
    remedy = "If you trust the file, name it: --config callmon.toml; otherwise change to another folder."
    assert (done.exit_code, done.stdout) == (2, "")
    assert first_line(done) == f"callmon.toml is not read: {why}. {remedy}"
    assert check("--config", "callmon.toml").exit_code == 0


@pytest.mark.parametrize("mode", [0o664, 0o646])
def test_a_file_that_others_may_write_to_is_refused(places: dict[str, Path], mode: int) -> None:
    places["here"].write_text("", encoding="utf-8")
    places["here"].chmod(mode)
    done = check()
    assert (done.exit_code, str(places["here"]) in first_line(done)) == (2, True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
@pytest.mark.parametrize("planted", ["file", "folder", "target"])
def test_roots_command_does_not_read_the_file_of_another_user(places: dict[str, Path], planted: str) -> None:
    places["system"].write_text("", encoding="utf-8")
    file = places["here"]
    if planted == "target":
        file.symlink_to(places["variable"])
    file.write_text("", encoding="utf-8")
    os.chown(file.parent if planted == "folder" else file, 65534, 65534)
    assert check().exit_code == 2


def test_a_key_for_completion_reads_no_file_that_nobody_named(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with HostilePeer(silent) as peer:
        secret = places["here"].with_name("secret")
        secret.write_text("precious\n", encoding="utf-8")
        secret.chmod(0o600)
        url = f"postgresql://callmon@127.0.0.1:{peer.port}/callmon?connect_timeout=2"
        text = example_text().replace('"sqlite:///callmon.db"', f'"{url}"\npassword_file = "{secret}"')
        places["here"].write_text(text, encoding="utf-8")
        shell = ShellComplete(main, {}, "callmon", "_CALLMON_COMPLETE")
        proposed = [shell.get_completions(words, "") for words in (["report"], ["calls", "--line"])]
        assert (proposed, peer.connections) == ([[], []], 0)
        monkeypatch.setenv("CALLMON_CONFIG", "callmon.toml")
        assert (len(shell.get_completions(["calls", "--line"], "")), peer.connections) == (6, 0)


def test_the_places_are_those_of_the_systemd_unit_and_of_the_documents() -> None:
    assert [str(path) for path in searched.PLACES] == ["callmon.toml", "/etc/callmon/callmon.toml"]
    unit = Path(callmon.__file__).parent / "daemon" / "systemd" / "callmon.service"
    assert f"--config {searched.PLACES[1]}\n" in unit.read_text(encoding="utf-8")


def test_guides_unit_example_and_proposal_name_the_same_secret_files() -> None:
    reported = re.compile(r'(?<!client_)secret_file = "([^"]+)"')
    paths = [path for path in tracked() if path.suffix in (".md", ".jinja", ".service", ".toml")]
    paths = [path for path in paths if not {"bad_settings", ".docker"} & {*path.parts}]  # a container's own path
    named = {name for path in paths for name in reported.findall(text(path))}
    assert named == {"/etc/callmon/ami.secret", "/etc/callmon/hook.secret"}  # of the exchange, of a webhook
