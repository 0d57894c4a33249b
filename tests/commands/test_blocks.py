"""Every fenced block of every Markdown file: commands run in a sandbox, configurations load.

A block of commands that cannot run here says why: ```` ```sh not run: needs PostgreSQL ````. The sandbox has the
folders of a machine below a folder of the test, the repository as the current folder, and a database.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from callmon.config.schema import Configuration
from callmon.config.settings import example_text
from callmon.config.web_config import WebConfig, load_web_config
from callmon.store.database import upgrade
from tests.support import year
from tests.support.year.database import fill_year
from tests.unit.test_project import ROOT, text, tracked

MARKDOWN = sorted(path for path in tracked() if path.suffix == ".md")
BLOCK = re.compile(r"^(`{3,})([^\n`]*)\n(.*?)^\1$", re.DOTALL | re.MULTILINE)
MARK = re.compile(r"not run: \w[\w /,]+")
KINDS = {
    "sh",
    "toml",
    "ini",
    "sql",
    "nginx",
    "apache",
    "jsonnet",
    "yaml",
    "json",
    "text",
    "",
}  # the guide's ini is loaded by tests/real
COMMAND = re.compile(r"^(?:callmon|sudo|make|pip|python3?|systemctl|docker|/opt/callmon/bin/\w+) ", re.MULTILINE)
# What packages of the system and the installation make; a block may write there.
FOLDERS = (
    "etc/bash_completion.d",
    "etc/callmon",
    "etc/default",
    "etc/prometheus",
    "etc/systemd/system",
    "etc/grafana/provisioning",
)
FOLDERS += ("var/lib/callmon", "bin", "srv/callmon-notice", "var/www/html/notice")
PASSWORD = "correct horse battery staple\n"
MONTHS = {"2026-10": "2024-10"}  # the sandbox's calls are of that year


class Block(NamedTuple):
    file: str
    line: int
    kind: str
    mark: str
    body: str


def blocks() -> list[Block]:
    found = []
    for path in MARKDOWN:
        written = text(path)
        for block in BLOCK.finditer(written):
            kind, _, mark = block[2].partition(" ")
            line = written.count("\n", 0, block.start()) + 1
            found.append(Block(str(path.relative_to(ROOT)), line, kind, mark, block[3]))
    return found


BLOCKS = blocks()
SHELL = [block for block in BLOCKS if block.kind == "sh"]
RUN = {
    file: [x for x in SHELL if x.file == file and not x.mark]
    for file in sorted({x.file for x in SHELL if not x.mark})
}


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("calls")
    url = f"sqlite:///{folder}/callmon.db"
    store, settings = upgrade(url), year.settings(url)
    fill_year(store, settings, 200, 20)
    store.close()
    return folder


@pytest.fixture
def sandbox(tmp_path: Path) -> Path:
    for folder in FOLDERS:
        (tmp_path / folder).mkdir(parents=True)
    url = f"sqlite:///{tmp_path}/var/lib/callmon/callmon.db"
    upgrade(url).close()
    configuration = (
        example_text()
        .replace("sqlite:///callmon.db", url)
        .replace("[web]\n", "[web]\naccess = { accounts = true }\n")
    )
    (tmp_path / "etc/callmon/callmon.toml").write_text(configuration, encoding="utf-8")
    command = tmp_path / "bin/callmon"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m callmon "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    here = tmp_path / "repository"
    here.mkdir()
    for path in ROOT.iterdir():
        (here / path.name).symlink_to(path)
    return tmp_path


def inside(body: str, sandbox: Path) -> str:
    """The block with its folders below the sandbox."""
    body = body.replace("/opt/callmon/bin/callmon ", "callmon ").replace(
        "/opt/callmon/bin/python ", f"{sys.executable} "
    )
    body = re.sub(r"(?<![\w.])/(etc|var|backup|srv)(?=[/\s])", rf"{sandbox}/\1", body)
    for reported, here in MONTHS.items():
        body = body.replace(reported, here)
    return body


def test_no_command_of_make_has_a_comment_that_zsh_gives_it_as_targets() -> None:
    lines = {(block.file, line) for block in SHELL for line in block.body.splitlines()}
    assert sorted(x for x in lines if re.match(r"make .*#", x[1])) == []


@pytest.mark.sampled(5)
@pytest.mark.parametrize("file", RUN)
def test_the_commands_of_a_document_run_in_their_order(file: str, sandbox: Path, calls: Path) -> None:
    if "report" in file:
        shutil.copytree(calls, sandbox / "var/lib/callmon", dirs_exist_ok=True)
    own = {"CALLMON_CONFIG": f"{sandbox}/etc/callmon/callmon.toml"}  # the place /etc/callmon is below the sandbox
    environment = {**os.environ, **own, "PATH": f"{sandbox}/bin:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    for block in RUN[file]:
        done = run(inside(block.body, sandbox), sandbox / "repository", environment)
        assert (block.line, done.returncode) == (block.line, 0), done.stdout + done.stderr


def run(script: str, folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        text=True,
        capture_output=True,
        input=PASSWORD,
        timeout=300,
    )


def test_every_block_that_is_not_run_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    marks = Counter(block.mark for block in SHELL if block.mark)
    assert [mark for mark in marks if not MARK.fullmatch(mark)] == []
    ran = sum(map(len, RUN.values()))
    with capsys.disabled():
        sys.stdout.write(f"\nblocks of commands: {ran} run, {marks.total()} marked: {dict(marks)}\n")
    assert ran >= 18


def test_every_block_has_a_known_kind_and_commands_their_own() -> None:
    assert [(x.file, x.line, x.kind) for x in BLOCKS if x.kind not in KINDS] == []
    bare = [x for x in BLOCKS if x.kind in ("text", "") and not x.file.endswith("reference/commands.md")]
    assert [(x.file, x.line) for x in bare if COMMAND.search(x.body)] == []


def test_no_document_has_commands_in_an_indented_block() -> None:
    found = []
    for path in MARKDOWN:
        found += [(path.name, x) for x in re.findall(r"\n\n {4}(\S[^\n]*)", BLOCK.sub("", text(path)))]
    assert found == []


@pytest.mark.parametrize(
    "block", [x for x in BLOCKS if x.kind == "toml" and not x.mark], ids=lambda x: f"{x.file}:{x.line}"
)
def test_a_configuration_of_a_document_loads_together_with_the_example(block: Block) -> None:
    Configuration.model_validate(merged(tomllib.loads(example_text()), tomllib.loads(block.body)))


@pytest.mark.parametrize("block", [x for x in BLOCKS if x.kind == "yaml"], ids=lambda x: f"{x.file}:{x.line}")
def test_a_web_configuration_of_a_document_is_one_that_callmon_reads(block: Block, tmp_path: Path) -> None:
    (tmp_path / "web.config.yml").write_text(block.body, encoding="utf-8")
    assert load_web_config(tmp_path / "web.config.yml") != WebConfig()


def test_the_only_other_tables_are_the_remarks_of_a_report() -> None:
    others = [x for x in BLOCKS if x.kind == "toml" and x.mark]
    assert {(x.mark, *tomllib.loads(x.body)["callbacks"]) for x in others} == {("remarks", "fr", "en")}


def merged(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return one | {key: merged(one.get(key), value) for key, value in other.items()}
    return other
