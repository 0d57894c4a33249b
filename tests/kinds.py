"""The kind of each test file: `.ci/stage.py` selects by it. A file that is not named here is `unit`."""

from __future__ import annotations

from collections.abc import Collection

# fmt: off
KINDS = {
    "recordings": (
        "test_cel", "test_cel_bare", "test_cel_layouts", "test_clicked", "test_filled_anywhere", "test_integrity",
        "test_message_left_unheard", "test_new_standards", "test_paying_beside", "test_recordings",
        "test_trace", "test_traces", "test_vanished",
    ),
    "model": (
        "test_ledger_histories", "test_model", "test_model_found",
    ),
    "store": (
        "test_audit", "test_backfill", "test_backfill_sources", "test_backup", "test_completeness",
        "test_consistency", "test_disruptions_store", "test_half_hours", "test_in_hand", "test_journal",
        "test_lease", "test_ledger_store", "test_mailboxes", "test_months", "test_mqtt", "test_oidc",
        "test_outlook", "test_pages_store", "test_periods", "test_phones", "test_privacy",
        "test_privacy_ledger", "test_proxy_header", "test_reader", "test_reconciliation", "test_rejudge",
        "test_rollups", "test_schemas", "test_sign_in", "test_store", "test_store_process",
        "test_store_trouble", "test_succession", "test_upkeep",
    ),
    "commands": (
        "test_alerting_commands", "test_attest", "test_callback_commands", "test_disruptions_commands",
        "test_privacy_commands", "test_report_command", "test_users_commands",
    ),
    "report": (
        "test_report", "test_report_child", "test_report_public", "test_report_reading",
        "test_report_revision", "test_report_trouble", "test_report_year",
    ),
    "pages": (
        "test_access", "test_pages", "test_pages_access", "test_pages_fuzz", "test_pages_html",
        "test_pages_live", "test_pages_now", "test_pages_words",
    ),
    "process": (
        "test_access_process", "test_connections", "test_damage", "test_daemon_process", "test_demo",
        "test_doctor", "test_reload", "test_stages", "test_systemd",
    ),
    "fuzz": (
        "test_fuzz", "test_memory",
    ),
    "seen": (
        "test_access_seen", "test_boards_drawn", "test_browser", "test_engine", "test_offline",
        "test_pages_followed", "test_pages_seen", "test_pages_valid", "test_report_access",
        "test_report_year_pdf", "test_stack",
    ),
}
# fmt: on
OF_FILE = {file: kind for kind, files in KINDS.items() for file in files}


DATABASES = {"store", "sqlite_store", "url", "postgres_server"}  # fixtures


def kind_of(file: str, fixtures: Collection[str]) -> str:
    """What needs a database is never `unit`."""
    return OF_FILE.get(file, "unit" if DATABASES.isdisjoint(fixtures) else "store")
