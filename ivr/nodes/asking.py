"""What menu and collect share: ask, wait for keys, ask again a limited number of times. Not a node type."""

from __future__ import annotations

from ivr.flow.speech import Speech, templates
from ivr.nodes.base import Attempts, Node, Seconds
from ivr.nodes.run import Run


class Asking(Node, frozen=True, kw_only=True):
    """`attempts` counts every time it asks. `timeout` seconds run from the end of the prompt to the first key,
    `inter_digit` from one key to the next. With `barge_in` a key stops the prompt and is the first of the answer;
    keys typed earlier answer without the prompt, unless `flush` forgets them."""

    speech: Speech
    invalid: Speech = ()
    no_input: Speech = ()
    attempts: Attempts = 3
    timeout: Seconds = 6.0
    inter_digit: Seconds = 3.0
    barge_in: bool = True
    flush: bool = False

    def take(self, run: Run) -> str | None:
        """Use the keys typed so far: leave, or wait for more."""
        raise NotImplementedError

    def hides(self) -> bool:
        """Whether nobody may learn the keys of its answer."""
        return False

    def enter(self, run: Run) -> str | None:
        if self.flush:
            run.change(digits="")
        if not self.hides():
            run.forget_masked()
        return self.take(run) if self.barge_in and run.session.digits else self.ask(run, self.speech)

    def ask(self, run: Run, speech: Speech) -> str | None:
        if not speech:  # a play node before it has asked
            run.wait_for_digits(self.timeout)
            return None
        return None if run.play(speech, interruptible=self.barge_in) else "error"

    def ask_again(self, run: Run, first: Speech, given_up: str) -> str | None:
        """Say what was wrong and ask once more, or leave by `given_up`. What was typed is forgotten."""
        attempt = run.session.attempt + 1
        run.change(digits="", attempt=attempt)
        return given_up if attempt >= self.attempts else self.ask(run, first + self.speech)

    def prompt_ended(self, run: Run, *, ok: bool) -> str | None:
        if not ok:
            run.note("playback failed")
        return self.take(run)

    def digit(self, run: Run) -> str | None:
        return self.take(run)

    def speeches(self) -> tuple[tuple[str, Speech], ...]:
        return (("speech", self.speech), ("invalid", self.invalid), ("no_input", self.no_input))

    def reads(self) -> tuple[str, ...]:
        return templates(self.speech + self.invalid + self.no_input)
