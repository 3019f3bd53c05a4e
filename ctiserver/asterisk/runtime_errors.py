"""Why no Asterisk of ours can run: a fault of the set-up, not of the program.

Here: one error with a one-line message for people. Not here: faults of calls.
"""

from __future__ import annotations


class CannotStart(Exception):
    """The message is one line that says what is wrong and what to do."""
