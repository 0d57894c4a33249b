"""The project itself: what must be true of its files, whoever changes them."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import asterisk.manager
import click
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import callmon
from callmon.config.standards import ALL_STANDARDS
from callmon.main import main
from callmon.text.labels import LANGUAGES, label, translate
from docs.source.photographs import documents

ROOT = Path(__file__).parents[2]
TOP_LEVEL = {
    *("callmon", "asterisk", "dashboards", "docs", "tests", "bench", "dev", "pyproject.toml"),
    *(
        "README.md",
        "LISEZMOI.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "PRIVACY.md",
        "SECURITY.md",
        "LICENSE",
        "Makefile",
        "Dockerfile",
    ),
    *("docker-compose.yml", "requirements.txt", "requirements-dev.txt", ".ci", ".docker"),
}
DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "PRIVACY.md",
    "SECURITY.md",
    "tests/README.md",
    "bench/README.md",
)
DOCUMENTS += ("tests/fuzz/README.md", "asterisk/README.md", "asterisk/LISEZMOI.md", "LISEZMOI.md")
DOCUMENTS += ("dashboards/mixin/README.md",)
PAGES = {language: ROOT / "docs" / language for language in ("en", "fr")}
WRITTEN = sorted(path for folder in PAGES.values() for path in folder.rglob("*.md"))
DOCUMENTS += tuple(str(path.relative_to(ROOT)) for path in WRITTEN)
PLAIN = (
    "CONTRIBUTING.md",
    "PRIVACY.md",
    "SECURITY.md",
    "asterisk/README.md",
    "asterisk/LISEZMOI.md",
    ".ci/install/INSTALL.md",
)  # 25 words too
FORMATS = {"CSV", "HTML", "JSON", "PDF", "XLSX"}  # of files
FRONT_PAGES = {"README.md": "en", "LISEZMOI.md": "fr"}
PURPOSE = {  # each page's first paragraph
    "en": r"[^#|*\[]+\. Back to the \[README\]\((?:\.\./)+README\.md\)\.",
    "fr": r"[^#|*\[]+\. Retour au \[LISEZMOI\]\((?:\.\./)+LISEZMOI\.md\)\.",
}
# With a sign between, so that this file does not hold what it looks for.
HOSTS = ("py|pi.org", "python|hosted.org", "npm|js.org", "npm|js.com", "docker|.io", "ghcr|.io", "quay|.io")
PLACES = ("/work|/", "/root|/", "/home|/", "..|/shared")
METAPHOR = re.compile(r"\b(deaf|blind\w*|dumb|kill\w*|sourde?s?|aveugles?|blondes?|muet\w*)\b", re.IGNORECASE)
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
FENCED = re.compile(r"^```[^\n`]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SHELL = re.compile(r"^```sh[^\n`]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)

NUMBER = re.compile(
    r"(?<![\w.=+-])(?:\+?1[ -]?)?\(?([2-9]\d{2})\)?[-. ]?([2-9]\d{2})[-. ]?(\d{4})(?![\w.-])", re.ASCII
)
# The ministry's public numbers (its fax machines too), and the operators of the telephone relay.
PUBLIC = {
    *("4163272422", "8002677329", "4163250866", "8668532137", "4163270374", "8662146820"),
    *("4163271061", "4163270860", "8667912171", "8008550511", "8008551155"),
}
# 555-0100 to 555-0199 are nobody's. Where a test needs another, it is one that nobody would take for real.
NOBODY = re.compile(r"\d{3}55501\d{2}|\d{3}(?:2345678|4567890|5559999|5555555)|4163279999")


def tracked() -> list[Path]:
    listing = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    try:
        done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git here: what belongs to the project is not known")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


def commands(group: click.Group = main, before: str = "callmon") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{before} {name}")
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield f"{before} {name}", command


COMMANDS = dict(commands())


def anchors(written: str) -> set[str]:
    """The anchors of a Markdown file: of its headings as a forge makes them, and its own."""
    found: dict[str, int] = {}
    for heading in re.findall(r"^#+ (.+)$", FENCED.sub("", written), re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "", heading)).strip().lower().replace(" ", "-")
        found[slug] = found.get(slug, 0) + 1
    numbered = {f"{slug}-{n}" for slug, times in found.items() for n in range(1, times)}
    return {*found, *numbered, *re.findall(r"<a (?:id|name)=\"([^\"]+)\"", written)}


def sentences(written: str) -> list[str]:
    """The prose of a Markdown file, sentence by sentence: no code, no tables, no titles, no pictures."""
    prose = re.sub(r"^(?:[#|!].*|```.*?^```)$", "", FENCED.sub("", written), flags=re.MULTILINE)
    prose = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", prose)
    blocks = re.split(r"\n\n|\n(?=\* )", prose)
    found = (part.strip() for block in blocks for part in re.split(r"(?<=[.?!])\s+", block))
    return [part for part in found if re.search(r"\w", part)]


# ── files ──


def test_the_folder_asterisk_is_configuration_and_the_package_pyst2s() -> None:
    assert list((ROOT / "asterisk").glob("**/*.py")) == []
    assert asterisk.manager.__file__ is not None
    assert ROOT / "asterisk" not in Path(asterisk.manager.__file__).parents
    assert asterisk.manager.Manager.__module__ == "asterisk.manager"


def test_nothing_stands_on_the_top_level_but_what_belongs_there() -> None:
    names = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert sorted(name for name in names - TOP_LEVEL if not name.startswith(".")) == []


@pytest.mark.parametrize(
    "name",
    [
        "requirements.txt",
        *(f".ci/requirements-{x}.txt" for x in ("build", "dist", "docs", "extras")),
        "requirements-dev.txt",
    ],
)
def test_every_requirement_is_pinned_with_a_hash_and_no_address_is_named(name: str) -> None:
    written = text(ROOT / name)
    assert re.findall(r"://|^-", written, re.MULTILINE) == []
    joined = re.sub(r"\\\n", " ", written)
    lines = [line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert [line for line in lines if "==" not in line or "--hash=sha256:" not in line] == []
    assert len(lines) > 3


def test_a_pin_names_the_extras_that_another_package_asks_of_it() -> None:
    """pip before 23.3 takes the newest release of `fonttools[woff]` where `fonttools` alone is pinned."""
    written = text(ROOT / "requirements-dev.txt")
    pins = re.findall(r"^([\w-]+)\[([\w,-]+)\]==", written, re.MULTILINE)
    pinned = {(name, extra) for name, extras in pins for extra in extras.split(",")}
    lines = [Requirement(line) for each in metadata.distributions() for line in each.requires or ()]
    asked = [line for line in lines if line.marker is None or line.marker.evaluate({"extra": ""})]
    needed = {(canonicalize_name(line.name), extra) for line in asked for extra in line.extras}
    assert needed - pinned == set()
    assert ("coverage", "toml") in needed


def test_the_lowest_versions_that_are_tested_are_those_that_are_allowed() -> None:
    project = tomllib.loads(text(ROOT / "pyproject.toml"))["project"]
    allowed = "\n".join([*project["dependencies"], *project["optional-dependencies"]["oidc"]])
    lowest = dict(re.findall(r"^([\w-]+)(?:\[\w+\])?>=([\d.]+)", allowed, re.MULTILINE))
    pinned = dict(re.findall(r"^([\w-]+)==([\d.]+)", text(ROOT / ".ci" / "requirements-floors.txt"), re.MULTILINE))
    assert {name: Version(pinned[name]) for name in lowest} == {name: Version(lowest[name]) for name in lowest}
    assert len(lowest) == len(allowed.splitlines())


@pytest.mark.parametrize("words", [HOSTS, PLACES], ids=["a registry", "a place of one machine"])
def test_no_file_names(words: tuple[str, ...]) -> None:
    found = [
        (str(p.relative_to(ROOT)), w) for p in tracked() for w in words if _named(w.replace("|", ""), text(p))
    ]
    assert found == []


def _named(word: str, written: str) -> bool:
    """As the beginning of a path or a host, not within a longer one."""
    return word in written and re.search(rf"(?<![\w.]){re.escape(word)}", written) is not None


def test_the_version_is_one() -> None:
    project = tomllib.loads(text(ROOT / "pyproject.toml"))["project"]
    assert project["version"] == callmon.__version__
    assert f"\n## {callmon.__version__}\n" in text(ROOT / "CHANGELOG.md")


def test_no_number_of_a_real_person_is_in_any_file() -> None:
    found = set()
    for path in tracked():
        for match in NUMBER.finditer(text(path)):
            digits = "".join(match.groups())
            if digits not in PUBLIC and not NOBODY.fullmatch(digits):
                found.add((str(path.relative_to(ROOT)), match[0]))
    assert found == set()


# ── documents ──


def test_every_command_in_the_documents_exists() -> None:
    words = {tuple(name.split()[1:]) for name in COMMANDS}
    found, seen = set(), set()
    for name in DOCUMENTS:
        written = text(ROOT / name)
        blocks = "\n".join(FENCED.findall(written))
        for reported in (
            *re.findall(r"(?:`|^ {4}(?:\S+/)?)callmon ([a-z][a-z-]*(?: [a-z]+)?)", written, re.MULTILINE),
            *re.findall(r"(?:^|&& )(?:\S+/)?callmon ([a-z][a-z-]*(?: [a-z]+)?)", blocks, re.MULTILINE),
        ):
            said = tuple(reported.split())
            seen.add(said)
            if said not in words and said[:1] not in words:
                found.add((name, reported))
    assert found == set()
    assert {("check",), ("db", "upgrade"), ("users", "add"), ("alerting", "test")} - seen == set()


def test_every_shell_block_of_a_document_is_one_that_a_shell_reads() -> None:
    blocks = {(name, block) for name in DOCUMENTS for block in re.findall(SHELL, text(ROOT / name))}
    assert len(blocks) > 10
    reported = {
        (name, b): subprocess.run(["bash", "-n"], input=b, capture_output=True, text=True) for name, b in blocks
    }
    assert {place: done.stderr for place, done in reported.items() if done.returncode or done.stderr} == {}


def test_every_command_is_in_the_list_of_commands() -> None:
    listed = re.findall(
        r"^\| `(callmon [a-z-]+(?: [a-z]+)?)", text(PAGES["en"] / "reference/commands.md"), re.MULTILINE
    )
    assert sorted(listed) == sorted(COMMANDS)


def test_every_metric_is_in_the_list_of_metrics_and_no_other() -> None:
    sinks = ROOT / "callmon" / "sinks"
    sources = "".join(text(path) for path in (*sinks.rglob("*.py"), sinks / "metrics" / "gauges.toml"))
    sources += text(ROOT / "callmon" / "core" / "statistics" / "counters.py")
    made = set(re.findall(r'"(callmon_[a-z_]+)["{]', sources)) - {"callmon_writer"}  # the prefix of process_…
    listed = re.findall(r"^\| `(callmon_[a-z_]+)`", text(PAGES["en"] / "reference/metrics.md"), re.MULTILINE)
    assert sorted(listed) == sorted(made)


def test_every_standard_that_is_judged_is_in_the_page_of_standards() -> None:
    listed = re.findall(r"^\| `([a-z0-9_]+)` \|", text(PAGES["en"] / "reference/standards.md"), re.MULTILINE)
    assert tuple(listed) == ALL_STANDARDS


@pytest.mark.parametrize(("name", "language"), FRONT_PAGES.items())
def test_a_front_page_lists_every_standard_under_the_title_that_people_see(name: str, language: str) -> None:
    table = re.search(r"^\|[^\n]*\|\n\|---\|---\|\n((?:\| [A-Z][^\n]+\n){10})\n", text(ROOT / name), re.MULTILINE)
    assert table is not None
    titles = tuple(row.split(" | ")[0].removeprefix("| ") for row in table[1].splitlines())
    assert titles == tuple(label("standard", standard, language) for standard in ALL_STANDARDS)


@pytest.mark.parametrize("name", FRONT_PAGES)
def test_a_front_page_is_short(name: str) -> None:
    written = text(ROOT / name)
    assert len(written.splitlines()) <= 200
    lengths = [len(sentence.split()) for sentence in sentences(written)]
    assert sum(lengths) / len(lengths) <= 15


@pytest.mark.parametrize("name", ["boards-mqtt", "two-callmons"])
def test_a_page_that_few_sites_need_has_300_words(name: str) -> None:
    assert len(text(PAGES["en"] / "how-to" / f"{name}.md").split()) <= 300


@pytest.mark.parametrize("name", FRONT_PAGES)
def test_an_abbreviation_of_a_front_page_follows_its_first_words(name: str) -> None:
    prose = re.sub(r"\]\([^)]*\)", "]", CODE.sub("", text(ROOT / name)))
    first: dict[str, int] = {}
    for found in re.finditer(r"\b[A-Z]{2,}\b(?!\.md)", prose):
        first.setdefault(found[0], found.start())
    bare = [x for x, at in first.items() if prose.rfind("(", 0, at) <= prose.rfind(")", 0, at)]
    assert set(bare) <= FORMATS
    assert len(first) > len(FORMATS)


@pytest.mark.parametrize(("guide", "language"), [("README.md", "en"), ("LISEZMOI.md", "fr")])
def test_the_site_guide_quotes_what_check_and_doctor_print(guide: str, language: str) -> None:
    printed = [
        translate("{title}: no findings.", language).format(title="toronto"),
        translate("To check", language),
    ]
    assert [x for x in printed if x not in text(ROOT / "asterisk" / guide)] == []


def test_the_privacy_page_has_the_same_tables_in_both_languages() -> None:
    french, english = (ROOT / "PRIVACY.md").read_text(encoding="utf-8").split("\n---\n")
    rows = [re.findall(r"^\| (?:[^|]+)\| (`[^|]+) \|", half, re.MULTILINE) for half in (french, english)]
    tables = [[re.findall(r"`(\w+)`", cell) for cell in cells] for cells in rows]
    assert tables[0] == tables[1]
    assert len(tables[0]) >= 15
    named = [
        {x for x in re.findall(r"`([^`]+)`", half) if "NOM" not in x and "NAME" not in x}
        for half in (french, english)
    ]
    assert named[0] ^ named[1] == set()


@pytest.mark.parametrize(
    "path", [*map(ROOT.joinpath, (*FRONT_PAGES, *PLAIN)), *WRITTEN], ids=lambda p: str(p.relative_to(ROOT))
)
def test_no_sentence_of_the_documentation_has_more_than_25_words(path: Path) -> None:
    assert [sentence for sentence in sentences(text(path)) if len(sentence.split()) > 25] == []


def pages_of(language: str) -> set[str]:
    return {str(path.relative_to(PAGES[language])) for path in PAGES[language].rglob("*.md")}


def test_every_french_page_has_the_name_of_an_english_one() -> None:
    assert sorted(pages_of("fr") - pages_of("en")) == []


@pytest.mark.parametrize(("name", "language"), FRONT_PAGES.items())
def test_a_front_page_links_to_every_page_in_its_language_or_english(name: str, language: str) -> None:
    every = {f"docs/{language}/{page}" for page in pages_of(language)}
    every |= {f"docs/en/{page}" for page in pages_of("en") - pages_of(language)}
    assert set(re.findall(r"\]\((docs/[^)#]+)", text(ROOT / name))) == every


@pytest.mark.parametrize("language", PAGES)
def test_the_index_of_a_language_leads_to_every_page(language: str) -> None:
    index = PAGES[language] / "index.md"
    links = {index.parent.joinpath(link).resolve() for link in re.findall(r"\]\(([^)#]+\.md)", text(index))}
    every = {PAGES[language] / page for page in pages_of(language)}
    every |= {PAGES["en"] / page for page in pages_of("en") - pages_of(language) - {"index.md"}}
    assert sorted(every - {index} - links) == []


def test_the_pages_pictures_are_of_this_version_and_each_is_shown() -> None:
    made = {
        f"{name}-{language}.png"
        for name in (*documents.PICTURES, *documents.questions())
        for language in LANGUAGES
    }
    assert {path.name for path in documents.PLACE.iterdir()} == made
    shown = {
        x for path in tracked() if path.suffix == ".md" for x in re.findall(r"/pages/([^)/]+\.png)", text(path))
    }
    assert shown == made
    version = f"Software\0callmon {callmon.__version__}".encode()
    assert [path.name for path in documents.PLACE.iterdir() if version not in path.read_bytes()] == []


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_opens_with_its_purpose_and_links_back_to_the_front_page(page: Path) -> None:
    title, _, purpose = text(page).partition("\n\n")
    assert title.startswith("# ")
    first = purpose.partition("\n\n")[0].replace("\n", " ")
    assert re.fullmatch(PURPOSE[page.relative_to(ROOT / "docs").parts[0]], first)


def test_every_link_and_anchor_of_every_document_leads_somewhere() -> None:
    documents = [path for path in tracked() if path.suffix == ".md"]
    assert {str(path.relative_to(ROOT)) for path in documents} >= set(DOCUMENTS)
    lost = set()
    for path in documents:
        folder = ROOT if path.parent == ROOT / ".ci" / "install" else path.parent  # as the archive lays it
        for link in re.findall(r"\]\(<?([^)>\s]+)>?\)", CODE.sub("", text(path))):
            file, _, anchor = link.partition("#")
            target = folder / file if file else path
            if re.match(r"https?:|mailto:", link):
                continue
            if not target.exists() or (anchor and anchor not in anchors(text(target))):
                lost.add((str(path.relative_to(ROOT)), link))
    assert lost == set()


def test_an_anchor_is_the_headings_as_a_forge_makes_it() -> None:
    written = '# The path, past `one` machine\n```\n# no heading\n```\n## Clé\n## Clé\n<a id="own"></a>\n'
    assert anchors(written) == {"the-path-past-one-machine", "clé", "clé-1", "own"}


def test_every_message_of_the_page_for_troubles_is_the_products() -> None:
    sources = "".join(
        text(path) for path in (ROOT / "callmon").rglob("*") if path.suffix in (".py", ".po", ".toml")
    )
    rows = re.findall(r"^\| ([^|]+) \|", text(PAGES["en"] / "how-to/troubleshoot.md"), re.MULTILINE)
    quoted = [
        words for row in rows for pair in re.findall(r"`([^`]+)`|\*([^*]{12,})\*", row) for words in pair if words
    ]
    assert len(quoted) > 15
    assert [words for words in quoted if words not in sources] == []


def test_no_text_for_people_makes_a_metaphor_of_a_disability() -> None:
    """R-02. Code spans and keys of TOML are data; the glossary, which lists what to avoid, has its own test."""
    shown = {name: CODE.sub("", text(ROOT / name)) for name in DOCUMENTS}
    shown |= {name: command.get_help(click.Context(command)) for name, command in COMMANDS.items()}
    for folder in ("callmon", "dashboards"):
        for path in (ROOT / folder).rglob("*"):
            if (
                path.suffix in (".html", ".j2", ".toml", ".json", ".yml", ".yaml", ".md")
                and path.name != "GLOSSARY.md"
            ):
                written = re.sub(r"^\S+ = ", "", text(path), flags=re.M) if path.suffix == ".toml" else text(path)
                shown[str(path.relative_to(ROOT))] = CODE.sub("", written)
    assert {name: words for name, reported in shown.items() if (words := METAPHOR.findall(reported))} == {}
