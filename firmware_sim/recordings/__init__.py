"""Recorded people: research data and captures become sessions, and sessions are played over the wire."""
