"""The demo: music, agent and listener started together, watched from outside, and scored."""
