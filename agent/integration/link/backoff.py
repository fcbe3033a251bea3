"""How long to wait before the next attempt: exponential backoff with full jitter.

Full jitter draws the delay evenly from [0, limit), so that the players of a house, which all lost the same broker in
the same instant, do not come back in the same instant (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture
Blog, 2015: of the variants compared there it costs the server least).
"""

from __future__ import annotations

__all__ = ["backoff_s"]

_LARGEST_EXPONENT = 32  # past this, any sensible limit has long been reached; it keeps 2**attempt a small number


def backoff_s(attempt: int, uniform: float, *, first_s: float = 0.5, limit_s: float = 30.0) -> float:
    """Return the delay in seconds before attempt number `attempt` (0 is the first one after a loss).

    Args:
        attempt: how many attempts have failed already, at least 0.
        uniform: a number drawn evenly from [0, 1); the only randomness there is.
        first_s: upper bound of the first delay.
        limit_s: upper bound of every delay.

    Returns:
        A number in [0, min(limit_s, first_s * 2**attempt)).
    """
    return uniform * min(limit_s, first_s * 2.0 ** min(attempt, _LARGEST_EXPONENT))
