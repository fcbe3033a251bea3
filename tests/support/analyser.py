"""An analyser that hears any file at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from agent.catalogue.analysis import Analysis
from models.audio.descriptors import DESCRIPTORS
from models.errors import AudioError, Reason
from models.metadata import Value

__all__ = ["FakeAnalyser"]


class FakeAnalyser:
    """Hears any file but those that say that they are damaged."""

    def __init__(self, embedding_space: str = "space-1") -> None:
        self.embedding_space = embedding_space
        self.heard: list[str] = []

    def analyse(self, path: Path, values: list[Value]) -> Analysis:
        del values
        self.heard.append(path.name)
        if b"damaged" in path.read_bytes():
            raise AudioError(f"{path} is damaged", reason=Reason.CORRUPT, remedy="Replace the file")
        return Analysis(
            duration_s=100.0,
            valence=0.5,
            arousal=-0.5,
            embedding=np.ones(128, dtype=np.float32) / np.float32(np.sqrt(128)),
            descriptors=np.zeros(len(DESCRIPTORS), dtype=np.float32),
            heard_s=60.0,
        )
