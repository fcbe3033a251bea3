"""Decoding audio files: one reader for player and catalogue, whatever the file is made of."""

from agent.decoding.reader import AudioReader, open_audio

__all__ = ["AudioReader", "open_audio"]
