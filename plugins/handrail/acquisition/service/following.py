"""Reads a source that never ends until it is asked to stop, and goes on by itself when broker or stores were away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from time import monotonic

from handrail.acquisition.domain.acquired import Taken
from handrail.acquisition.service.acquiring import Acquiring
from handrail.errors import MissingTool, Unavailable

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0


@dataclass(slots=True)
class Following:
    """Acquires one table for as long as nobody asks it to stop.

    `stopping` ends it after the page in hand, which is kept, pushed and acknowledged. `say` is called with a sentence
    about each outage. `write` writes what came meanwhile to where training reads it, every `every_s` seconds and at the
    end; doing so twice changes nothing.
    """

    acquiring: Acquiring
    say: Callable[[str], None]
    write: Callable[[], object] = lambda: None
    every_s: float = 300.0
    stopping: Event = field(default_factory=Event)
    _pause_s: float = field(default=0.0, init=False)
    _write_at: float = field(default=0.0, init=False)

    def run(self) -> Taken:
        """Read and write until `stopping` is set; return what was taken.

        Raises:
            Refused: the source's columns changed. Messages stay at the broker.
            Misconfigured, InvalidInput, Conflict: as the ports say.
            MissingTool: a package is not installed.
            Unavailable: the last writing could not be done; the next run does it.
        """
        taken = Taken()
        self._write_at = monotonic() + self.every_s
        while not self.stopping.is_set():
            try:
                taken = self.acquiring.read(self._is_due)
                self._write_if_due()
            except MissingTool:
                raise
            except Unavailable as err:
                self._back_off(err)
            else:
                self._go_on()
        self.write()
        return taken

    def _is_due(self) -> bool:
        return self.stopping.is_set() or monotonic() >= self._write_at

    def _write_if_due(self) -> None:
        if monotonic() >= self._write_at:
            self.write()
            self._write_at = monotonic() + self.every_s

    def _back_off(self, err: Unavailable) -> None:
        if not self._pause_s:
            # What a driver says may have several lines.
            self.say(" ".join(f"{err} Messages stay at the broker; this goes on by itself.".split()))
        self._pause_s = min(max(2 * self._pause_s, FIRST_PAUSE_S), LONGEST_PAUSE_S)
        self.stopping.wait(self._pause_s)

    def _go_on(self) -> None:
        if self._pause_s:
            self.say("It is there again: readings are kept.")
        self._pause_s = 0.0
