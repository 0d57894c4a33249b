"""`python -m dev.mutations [--first] [WORDS]`: plants faults (of these words) and runs the tests that see them.

Prints which kinds of tests caught it, and writes that to `caught.md`; at the end, what each kind caught.
Exit status 1 when a fault survived, or a text to replace is not there once.
`--first` stops at the first kind that catches a fault.
`python -m dev.mutations draw SEED COUNT` prints faults that a seed draws (`drawn.py`); `try` plants them
(`trial.py`).
"""

from __future__ import annotations

# ruff: noqa: T201
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from dev.mutations.drawn import diff, drawn
from dev.mutations.fault import Fault
from dev.mutations.faults import FAULTS
from dev.mutations.trial import attempt, copy

ROOT = Path(__file__).parent.parent.parent
TABLE = Path(__file__).parent / "caught.md"
SURVIVED = "SURVIVED"
RULE = "|---|---|\n"
PROPERTIES = "prefix or suffix or taken_up or lost_messages or order_that_varies or same_time"
# Each kind of `caught.md`, and what of it runs here; quick, since any of it may catch a fault.
KINDS: dict[str, tuple[str, ...]] = {
    "recordings": (
        "tests/recordings/test_recordings.py", "tests/recordings/test_traces.py", "tests/recordings/test_cel.py",
        "-k", f"not ({PROPERTIES}) and (not test_cel or what_was_received_and_cel_together)",
    ),
    "tables": tuple(
        f"tests/unit/test_{name}.py"
        for name in (
            "rings", "standards", "tracker", "listing", "cut_anywhere", "story", "language", "phone_names"
        )
    ),
    "model": ("tests/model/test_model.py", "-k", "people_did or a_gap or once_misjudged"),
    "properties": ("tests/recordings/test_traces.py", "-k", PROPERTIES),
    "access": (
        "tests/pages/test_access.py", "tests/unit/test_limits.py",
        *(f"tests/store/test_{name}.py" for name in ("sign_in", "proxy_header", "oidc")),
    ),
    "pages": ("tests/pages/test_pages_access.py", "tests/pages/test_pages_fuzz.py"),
    "callbacks": tuple(
        f"tests/unit/test_{name}.py"
        for name in ("contacts", "callbacks", "callbacks_handed_on", "callbacks_settled", "business_calendar")
    ),
    "database": (
        "tests/unit/test_standby_buffer.py",
        *(
            f"tests/store/test_{name}.py"
            for name in ("store", "store_trouble", "takeover", "rollups", "outbox", "write_path")
        ),
        "-m", "not postgresql",
    ),
    "pairs": ("tests/store/test_pairs.py", "-m", "postgresql"),
    "reports": (
        "tests/report/test_report.py", "tests/report/test_report_public.py", "tests/report/test_sign_off_files.py",
        "tests/store/test_sign_off.py", "tests/store/test_report_mail.py", "-m", "not postgresql and not long",
    ),
    "notices": (
        *(f"tests/unit/test_{name}.py" for name in ("public_notice", "disruptions", "metrics", "slim_series")),
        "tests/store/test_test_calls.py", "tests/store/test_mqtt.py", "-m", "not postgresql",
    ),
    "traces": ("tests/store/test_traces.py", "tests/recordings/test_spans.py", "-m", "not postgresql"),
    "numbers": (
        *(f"tests/store/test_{name}.py" for name in ("privacy", "privacy_ledger", "audit")),
        "tests/process/test_damage.py", "-m", "not postgresql",
    ),
    "cel": ("tests/recordings/test_cel.py", "-k", "(received or a_join or known_not_to_ring) and not together"),
    "commands": ("tests/commands/test_errors_translated.py",),
    "webhooks": ("tests/store/test_webhooks.py", "tests/unit/test_webhook_addresses.py", "-m", "not postgresql"),
    "imports": ("tests/commands/test_import_sources.py", "tests/commands/test_import.py", "-m", "not postgresql"),
    "jobs": ("tests/store/test_jobs.py", "tests/pages/test_pages_questions.py", "-m", "not postgresql"),
    "tokens": (
        "tests/pages/test_pages_tokens.py", "tests/store/test_sign_in_queue.py", "tests/pages/test_api.py",
        "-m", "not postgresql",
    ),
    "leaks": (
        *(f"tests/unit/test_{name}.py" for name in ("sip_call_id", "phone_names", "sent", "explain")),
        "tests/pages/test_leaks.py", "-m", "not postgresql and not lab",
    ),
}  # fmt: skip
OF_CALLS = ("recordings", "tables", "model", "properties")
OF_PAGES = ("access", "pages")  # the kinds that test rights and sign-in
# By the beginning of its file, the first that fits: which kinds look at what a fault is in. All others: OF_CALLS.
LOOK_AT = {
    ("web/jobs",): ("jobs",),
    ("web/auth/tokens", "web/auth/fair_queue", "web/api/"): ("tokens",),
    ("core/calls/user_events", "text/", "sinks/mqtt/topics"): ("leaks", "notices"),
    ("web/", "store/access", "features/worklist/"): OF_PAGES,
    ("core/callbacks/", "config/business_calendar"): ("callbacks",),
    ("daemon/pairs", "store/pairs/contacts"): ("pairs",),
    ("store/writer/", "store/rollups/", "store/rejudge", "core/takeover"): ("database", "numbers"),
    ("features/months/", "store/sign_off", "core/statistics/coverage"): ("reports",),
    ("sinks/traces/",): ("traces",),
    ("features/disruptions/notice/", "sinks/", "core/disruptions/", "core/statistics/counters"): ("notices",),
    ("store/privacy/", "store/sqlite_file"): ("numbers",),
    ("backfill/imported/", "backfill/job", "cli/"): ("imports",),
    ("backfill/",): ("cel",),
    ("errors",): ("commands",),
    ("features/webhooks/", "store/queries/webhooks"): ("webhooks",),
}
# A failing example is not made smaller: only that it fails counts. Compiled modules are kept in the copy. Without
# PostgreSQL its tests fail before any fault is planted.
FEW = {
    "CALLMON_LAB": "required",
    "CALLMON_HISTORIES": "1200",
    "CALLMON_SHRINK": "0",
    "PYTHONDONTWRITEBYTECODE": "",
}


class NotOnceError(Exception):
    """A text to replace is not there exactly once: the code has moved."""


def planted(text: str, fault: Fault) -> str:
    """The file's text with the fault in it."""
    for old, new in fault.replace:
        if text.count(old) != 1:
            raise NotOnceError(f"{fault.name}: stands {text.count(old)} times in {fault.file}, not once: {old!r}")
        text = text.replace(old, new)
    return text


def is_caught(tree: Path, kind: str) -> bool:
    """Does this kind of tests fail in this tree? Anything but passing and failing is an error of ours."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
    shutil.rmtree(tree / ".hypothesis", ignore_errors=True)  # what another fault failed with says nothing here
    command += KINDS[kind]
    done = subprocess.run(command, cwd=tree, env=os.environ | FEW, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{kind}: pytest ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.returncode == 1


def rows(table: str) -> dict[str, str]:
    """The table of `caught.md`: by fault, what caught it."""
    return dict(re.findall(r"^\| ([^|`]+) \| ([A-Za-z, ]+) \|$", table.partition(RULE)[2], re.MULTILINE))


def with_rows(table: str, found: dict[str, str]) -> str:
    """The table with these results, in the order of FAULTS."""
    known = rows(table) | found
    lines = (f"| {fault.name} | {known[fault.name]} |\n" for fault in FAULTS if fault.name in known)
    return table.partition(RULE)[0] + RULE + "".join(lines)


def by_kind(found: dict[str, str]) -> Iterator[str]:
    """For each kind, how many faults it catches, and how many it alone catches."""
    for kind in KINDS:
        caught = [kinds for kinds in found.values() if kind in kinds.split(", ")]
        yield f"| {kind} | {len(caught)} | {caught.count(kind)} |"


def kinds_for(fault: Fault) -> tuple[str, ...]:
    """The kinds that look at what the fault is in."""
    file = fault.file.removeprefix("callmon/")
    return next((kinds for begins, kinds in LOOK_AT.items() if file.startswith(begins)), OF_CALLS)


def caught_by(fault: Fault, tree: Path, first: bool) -> Iterator[str]:
    """The kinds of tests that see the fault; the tree is as before when they have all run."""
    file = tree / fault.file
    sound = file.read_text(encoding="utf-8")
    file.write_text(planted(sound, fault), encoding="utf-8")
    try:
        for kind in kinds_for(fault):
            if is_caught(tree, kind):
                yield kind
                if first:
                    return
    finally:
        file.write_text(sound, encoding="utf-8")


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["try"]:
        return attempt(*map(int, arguments[1:]))
    if arguments[:1] == ["draw"]:
        seed, count = map(int, arguments[1:])
        print(*map(diff, drawn(seed, count)), sep="\n")
        return 0
    first = "--first" in arguments
    words = " ".join(word for word in arguments if word != "--first")
    faults = [fault for fault in FAULTS if words in fault.name]
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        copy(tree)
        for kind in KINDS:
            if any(kind in kinds_for(fault) for fault in faults) and is_caught(tree, kind):
                print(f"The tests fail before any fault is planted: {kind}.")
                return 1
        for fault in faults:
            began = time.monotonic()
            one_is_enough = first or kinds_for(fault) != OF_CALLS
            found[fault.name] = ", ".join(caught_by(fault, tree, one_is_enough)) or SURVIVED
            print(f"| {fault.name} | {found[fault.name]} | {time.monotonic() - began:.0f} s |", flush=True)
            if not first:
                TABLE.write_text(with_rows(TABLE.read_text(encoding="utf-8"), found), encoding="utf-8")
    print("\n| kind | catches | alone |", RULE.replace("\n", "---|"), *by_kind(found), sep="\n")
    return int(SURVIVED in found.values())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
