"""`attune-agent config`: which settings there are, where they come from, and whether they are right."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from agent.commands.options import ConfigOption, JsonOption, print_json

__all__ = ["app"]

app = typer.Typer(help="Show and check settings.", no_args_is_help=True)


@app.command()
def check(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Look for mistakes in the settings file and list them all with their lines.

    Example: attune-agent config check --config agent.toml
    """
    from agent.settings import AgentSettings
    from models import settings

    path = settings.find("agent", config)
    found = [] if path is None else settings.problems(AgentSettings, settings.read(path))
    if as_json:
        problems = [{"line": each.line, "key": each.key, "code": each.reason, "error": each.text} for each in found]
        print_json({"file": None if path is None else str(path), "problems": problems})
    elif path is None:
        typer.echo("No settings file: the defaults hold.")
    elif not found:
        typer.echo(f"{path}: fine")
    for each in () if as_json else found:
        typer.echo(settings.told(each, str(path)))
    raise typer.Exit(1 if found else 0)


@app.command()
def show(
    config: ConfigOption = None,
    default: Annotated[
        bool, typer.Option("--default", help="The commented file with the defaults, ready to copy.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the settings that hold, as TOML.

    Example: attune-agent config show --default > ~/.config/attune/agent.toml
    """
    from agent import settings
    from models.settings import default_text

    if default:
        sys.stdout.write(default_text("agent"))
        return
    plain = settings.as_dict(settings.load(config))
    if as_json:
        print_json(plain)
        return
    sections = (
        f"[{section}]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in keys.items())
        for section, keys in plain.items()
    )
    sys.stdout.write("\n".join(sections))


@app.command()
def path(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Tell which settings file is read, or where it would be looked for.

    Example: attune-agent config path
    """
    from models import settings

    found = settings.find("agent", config)
    place = found or settings.user_file("agent")
    if as_json:
        print_json({"file": str(place), "exists": found is not None})
    else:
        typer.echo(place)


def _toml(value: object) -> str:
    """Write a plain value; a JSON text, number, boolean or list of texts is TOML too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
