"""What the live view says of a bundle under way."""

from __future__ import annotations

import msgspec
import pytest

from agent.commands.live.bundle import bundle_line, bundle_words
from models.wire.messages import BundleStatus

NOTHING = BundleStatus(
    t=0.0, version="2026.11.2", embedding_space="a", runtime="tflite", precision={}, channel="stable"
)


def status(**changes: object) -> BundleStatus:
    return msgspec.structs.replace(NOTHING, offered="2026.11.3", **changes)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (NOTHING, ""),
        (status(stage="waiting", reason="phase 2 has not begun"), "bundle 2026.11.3 waits: phase 2 has not begun"),
        (
            status(stage="fetching", progress=0.62, bytes_offered=5_600_000),
            "bundle 2026.11.3 arriving, 62% of 5.6 MB",
        ),
        (status(stage="testing"), "bundle 2026.11.3 is tested here"),
        (status(stage="embedding", progress=0.5), "bundle 2026.11.3 listens to the catalogue, 50%"),
        (status(stage="probation", outcome="activated"), "bundle 2026.11.3 runs on probation, 0%"),
        (status(outcome="confirmed"), "bundle 2026.11.3 has proved itself"),
        (status(outcome="refused", reason="it answers wrongly"), "bundle 2026.11.3 was refused: it answers wrongly"),
        (status(outcome="returned", reason="more skips"), "bundle 2026.11.3 was taken back: more skips"),
    ],
)
def test_every_stage_and_every_end_is_told_in_words(told: BundleStatus, words: str) -> None:
    assert bundle_words(told) == words
    line = bundle_line(told, 100)
    assert (line.plain if line is not None else "").endswith(words)


@pytest.mark.parametrize("width", [10, 40, 60])
def test_the_line_never_exceeds_its_width(width: int) -> None:
    for told in (status(stage="fetching", progress=0.5), status(outcome="returned", reason="more skips " * 20)):
        line = bundle_line(told, width)
        assert line is not None
        assert line.cell_len <= width
