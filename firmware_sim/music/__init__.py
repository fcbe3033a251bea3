"""The demo catalogue: short pieces composed and synthesised for an intended emotion, written as tagged FLAC.

    emotion  ->  plan (who, what title, which emotion)  ->  composition  ->  instruments  ->  mixing  ->  tags,
    catalogue

The intended emotion decides how a piece sounds and goes to a hidden sidecar file for scoring. It never reaches a tag, a
title or a file name, because the agent reads those and would be told what it is meant to hear.
"""

from __future__ import annotations

from firmware_sim.music.sidecar import Intended, load_intended

__all__ = ["Intended", "load_intended"]
