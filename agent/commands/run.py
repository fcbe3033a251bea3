"""`attune-agent run`: the daemon."""

from __future__ import annotations

import typer

from agent.commands.options import ConfigOption, log_to_stderr

__all__ = ["run"]


def run(config: ConfigOption = None) -> None:
    """Play: follow the wearables, rank the music, answer commands. Ends with Ctrl-C or SIGTERM.

    Example: attune-agent run --config ~/.config/attune/agent.toml
    """
    from agent import daemon, settings

    loaded = settings.load(config)
    log_to_stderr(loaded.log.level)
    raise typer.Exit(daemon.run(loaded, config=config))
