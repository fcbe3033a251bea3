"""Turns scores into sound: MIDI files played on a sampled grand piano."""
