"""The database's password is shown nowhere, whatever part of its address it was put into."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from callmon.config.settings import example_text
from callmon.config.store import StoreSettings
from callmon.config.wording import hidden
from callmon.errors import StoreError
from callmon.main import main
from callmon.store.database import Database, open_store, parse_url

SECRET = "hunter7"  # of a test
FORMS = (
    f"postgresql://callmon:{SECRET}@db/callmon",
    f"postgresql://callmon:{SECRET}@db:5432/callmon?sslmode=require",
    f"postgresql://callmon@db/callmon?password={SECRET}",
    f"postgresql://callmon@db/callmon?sslmode=require&password={SECRET}&host=db",
    f"postgresql://callmon@db/callmon?sslpassword={SECRET}",
    f"postgresql://db/callmon?user=callmon&password={SECRET}",
    f"postgresql://callmon:x@{SECRET}@db/callmon",
    f"postgresql://callmon@{SECRET}@db/callmon",
    f"postgresql://callmon@:{SECRET}@db/callmon",
    f"postgresql://callmon:12/{SECRET}@db/callmon",
    f"postgresql://callmon:12?{SECRET}@db/callmon",
    f"postgresql://callmon:12#{SECRET}@db/callmon",
    f"postgresql://callmon:/{SECRET}@db/callmon",
    f"postgresql://callmon@db:{SECRET}/callmon",
    f"postgresql://db:{SECRET}/callmon",
    f"postgresql://callmon:{SECRET}/callmon",
    f"postgresql://callmon:{SECRET}",
    f"postgresql://:{SECRET}@db/callmon",
    f"postgresql+psycopg://callmon:{SECRET}:x@db/callmon",
    f"mysql://callmon:{SECRET}@db/cel",
    f"mysql://callmon@db/cel?passwd={SECRET}",
)
SHOWN = {
    "sqlite:////var/lib/callmon/a@b:c.db": "sqlite:////var/lib/callmon/a@b:c.db",
    "postgresql://callmon@db/callmon": "postgresql://callmon@db/callmon",
    "postgresql://callmon:x@[::1]:5432/callmon": "postgresql://callmon:***@[::1]:5432/callmon",
    "postgresql:///callmon?host=/run/postgresql": "postgresql:///callmon?host=/run/postgresql",
    "postgresql://db/callmon?options=-csearch_path%3Dottawa&password=x": (
        "postgresql://db/callmon?options=-csearch_path%3Dottawa&…"
    ),
    "postgresql://callmon@/callmon?host=a:5432,b:5432&target_session_attrs=read-write": (
        "postgresql://callmon@/callmon?host=a:5432,b:5432&target_session_attrs=read-write"
    ),
    "postgresql://callmon:a@b@db/callmon": "postgresql://***",
    "toronto": "toronto",
}


@pytest.mark.parametrize("address", FORMS)
def test_an_address_is_shown_without_its_password(address: str) -> None:
    assert SECRET not in hidden(address)


@pytest.mark.parametrize("address", list(SHOWN))
def test_what_is_no_password_is_shown(address: str) -> None:
    assert hidden(address) == SHOWN[address]


@pytest.mark.parametrize("address", [form for form in FORMS if form.startswith("postgresql")])
def test_no_error_of_opening_a_database_holds_the_password(address: str) -> None:
    """Nothing answers at these names; what cannot be read is refused before anything is asked."""
    address = address.replace("@db", "@db.invalid").replace("//db", "//db.invalid")
    with pytest.raises(StoreError) as refusal:
        open_store(f"{address}{'&' if '?' in address else '?'}connect_timeout=1")
    assert SECRET not in str(refusal.value)


def test_a_store_names_itself_without_the_password_in_its_query() -> None:
    store = Database(parse_url(f"postgresql://callmon@db/callmon?password={SECRET}&sslmode=require"))
    assert str(store) == "postgresql+psycopg://callmon@db/callmon?…&sslmode=require"
    store.close()


@pytest.mark.parametrize("address", FORMS)
@pytest.mark.parametrize("setting", ["store", "cel"])
def test_no_command_about_the_configuration_shows_the_password(tmp_path: Path, address: str, setting: str) -> None:
    text = example_text()
    if setting == "store":
        text = text.replace('url = "sqlite:///callmon.db"', f'url = "{address}"')
    else:
        text += f'\n[exchanges.toronto.cel]\nurl = "{address}"\n'
    (tmp_path / "callmon.toml").write_text(text, encoding="utf-8")
    done = CliRunner().invoke(main, ["check", "--config", str(tmp_path / "callmon.toml")])
    assert (SECRET in done.output, SECRET in repr(done.exception)) == (False, False)


@pytest.mark.parametrize(
    "query", ["host=one:5432,two:5433", "host=one:5432&host=two:5433", "host=one,two&port=5432,5433"]
)
def test_a_list_of_hosts_reaches_the_driver_with_the_port_of_each(query: str) -> None:
    _, given = PGDialect_psycopg().create_connect_args(parse_url(f"postgresql://callmon@/callmon?{query}"))
    assert given == {"dbname": "callmon", "user": "callmon", "host": "one,two", "port": "5432,5433"}


def test_a_password_from_a_file_goes_into_an_address_with_a_list_of_hosts(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    (tmp_path / "secret").chmod(0o600)
    url = "postgresql://callmon@/callmon?host=one:5432,two:5433"
    complete = StoreSettings(url=url, password_file=tmp_path / "secret").complete()
    assert parse_url(complete.url).password == SECRET
