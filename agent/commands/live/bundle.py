"""What happens to the bundle on offer, in one line: how far it is on its way, or how it ended."""

from __future__ import annotations

from typing import Final

from rich.text import Text

from agent.commands.live.palette import ACCENT, ALARM, DIM, FAINT, TEXT, WARNING, fit, shade_of_quality
from models.wire.messages import BundleStatus

__all__ = ["bundle_line", "bundle_words"]

_BAR: Final = 12
_STAGES: Final = {
    "fetching": "arriving",
    "testing": "is tested here",
    "embedding": "listens to the catalogue",
}
_ENDS: Final = {
    "activated": ("▶", "took over"),
    "confirmed": ("✔", "has proved itself"),
    "refused": ("▲", "was refused"),
    "returned": ("▲", "was taken back"),
}


def bundle_words(status: BundleStatus) -> str:
    """Say what happens to the offer, or happened to the last one; empty where there was none."""
    if status.offered is None:
        return ""
    name = f"bundle {status.offered}"
    if status.stage == "waiting":
        return f"{name} waits: {status.reason}"
    if status.stage in _STAGES:
        of = f" of {_size(status.bytes_offered)}" if status.stage == "fetching" and status.bytes_offered else ""
        share = "" if status.stage == "testing" else f", {status.progress:.0%}"
        return f"{name} {_STAGES[status.stage]}{share}{of}"
    if status.stage == "probation":
        return f"{name} runs on probation, {status.progress:.0%}"
    if status.outcome == "none":
        return ""
    _, word = _ENDS[status.outcome]
    return f"{name} {word}" + (f": {status.reason}" if status.reason else "")


def bundle_line(status: BundleStatus | None, width: int) -> Text | None:
    """The same as a line of the live view, with a bar while it is under way; None where there is nothing to tell."""
    words = bundle_words(status) if status is not None else ""
    if status is None or not words:
        return None
    line = Text(no_wrap=True)
    if status.stage in {"fetching", "embedding", "probation"} and width > 4 * _BAR:
        done = round(_BAR * status.progress)
        line.append("━" * done, ACCENT)
        line.append("─" * (_BAR - done), FAINT)
        line.append(" ")
    elif status.stage == "idle":
        mark, _ = _ENDS[status.outcome]
        line.append(f"{mark} ", _colour(status))
    else:
        line.append("… ", WARNING if status.stage == "waiting" else ACCENT)
    line.append(fit(words, width - line.cell_len).rstrip(), DIM if status.stage == "waiting" else TEXT)
    return line


def _colour(status: BundleStatus) -> str:
    return ALARM if status.outcome in {"refused", "returned"} else shade_of_quality(1.0)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1_000_000 else f"{count / 1e3:.0f} kB"
