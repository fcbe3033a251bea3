"""What was played is what the log says was played, sample by sample."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile
from running_agent import running_agent

RESOLUTION = 2.0 / 32768
"""The WAV has 16 bits; the source is rounded once, the output once more."""


async def test_the_file_holds_the_music_that_the_log_says_was_played_without_gaps(
    scanned: Path, config: Path, port: int
) -> None:
    config.write_text(config.read_text().replace('output = "silent"', 'output = "file"'))
    async with running_agent(config, port) as agent:
        titles: dict[str, str] = {}
        while len(titles) < 3:
            now = await agent.wait("now", lambda value: value["track"] and value["track"]["id"] not in titles)
            titles[now["track"]["id"]] = now["track"]["title"]
    played, rate = soundfile.read(config.parent / "played.wav", dtype="float32")
    assert rate == 44_100
    spans = [json.loads(line) for line in (config.parent / "played.wav.jsonl").read_text().splitlines()]
    # The third track had only begun; it may have ended before it was heard.
    assert len(spans) >= 2
    assert [span["track_id"] for span in spans] == list(titles)[: len(spans)]
    for before, span in pairwise(spans):
        assert span["start_frame"] == before["end_frame"], "no gap between the tracks"
    for span in spans[:2]:
        music, _ = soundfile.read(scanned / "music" / f"{titles[span['track_id']]}.flac", dtype="float32")
        heard = played[span["start_frame"] : span["end_frame"]]
        assert len(heard) == len(music), "the whole track, and nothing else"
        # The very first samples fade in, so that starting does not click.
        assert np.abs(music - heard)[rate // 10 :].max() <= RESOLUTION
