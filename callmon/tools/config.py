"""`callmon config`: the example configuration, the settings in force, and the meaning of one setting."""

import click

from callmon.cli.common import CommandContext, json_option, print_json, table_row, with_context
from callmon.cli.completion import completed
from callmon.cli.errors import report_errors
from callmon.cli.help import HelpGroup
from callmon.cli.language import said
from callmon.config.explanation import explained
from callmon.config.settings import example_text
from callmon.config.wording import nearest, variable
from callmon.errors import ConfigError
from callmon.tools.check import every_setting


@click.group(cls=HelpGroup)
def config() -> None:
    """The configuration: an example, the settings in force, the meaning of each."""


@config.command("example")
def example() -> None:
    """Print the example configuration. It has the six lines of the policy.

    \b
    Examples: callmon config example
              callmon config example > callmon.toml
    """
    click.echo(example_text(), nl=False)


@config.command("show")
@with_context()
@json_option
def show(context: CommandContext, as_json: bool) -> None:
    """Print every setting in force and its origin: the file, the environment or the default.

    \b
    Examples: callmon config show
              callmon config show --json
    """
    tell = str if as_json else said
    for path, value, origin, _ in every_setting(context.settings.configuration, tell=tell):
        key = ".".join(path)
        if as_json:
            print_json({"setting": key, "value": value, "origin": origin or "file"})
        else:
            click.echo(f"{key} = {value}{f'  ({origin})' if origin else ''}")


def _keys(_context: CommandContext | None = None) -> list[str]:
    return [name for name, _, _ in explained("")]


@config.command("explain")
@click.argument("key", shell_complete=completed(_keys))
@json_option
@report_errors
def explain(key: str, as_json: bool) -> None:
    """Print the meaning and the default of the setting KEY, or of each setting below it.

    \b
    Examples: callmon config explain store.url
              callmon config explain exchanges.toronto
    """
    found = explained(key)
    if not found:
        near = nearest(key, sorted(_keys()))
        names = ", ".join(sorted({name.partition(".")[0].rstrip("[]") for name in _keys()}))
        hint = said('did you mean "{near}"?', near=near) if near else said("there are {names}", names=names)
        raise ConfigError('"{key}" is no setting; {hint}', key=key, hint=hint)
    for name, default, meaning in found:
        by = variable(tuple(name.split("."))) if "[]" not in name else None
        if as_json:
            print_json({"setting": name, "default": default, "meaning": meaning, "variable": by})
        else:
            of = (
                said("required")
                if default == "required"
                else said("default: {default}", default=_default_text(default))
            )
            click.echo(table_row(name, f"({of})"))
            click.echo(f"    {said(meaning)}")


def _default_text(default: str) -> str:
    """A default value: the words "none" and "closed", and a unit after a number, are in the reader's language."""
    number, _, unit = default.partition(" ")
    return f"{number} {said(unit)}" if unit and number.isdigit() else said(default)
