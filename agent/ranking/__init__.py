"""Ranking: which track fits next, and why.

target   the goal and the affect state become the emotion that is wanted, with its uncertainty
taste    plays and feedback become the listener's vectors
signals  four numbers in [0, 1] for every track: audio, emotion, context, collaborative
weights  how much each signal counts, given how sure the state is and how fast it changes
penalties, selection   fatigue, dislikes, diversity, hysteresis: from scores to the queue
ranker   puts them together, on arrays that are allocated once
reasons  says it in words
"""
