"""What a person sees while the demo runs: a live list on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.status import Status

Report = Callable[[str], None]
"""Shows in one short line what a step is doing right now; on a terminal it replaces the last one."""


class Screen:
    """Prints steps as they begin, continue and end."""

    def __init__(self, console: Console, total: int) -> None:
        """Write to `console`; `total` is the number of steps."""
        self.console = console
        self._total = total
        self._done = 0

    @contextmanager
    def step(self, title: str) -> Iterator[Report]:
        """Show a step as running until the block ends; yields the function that reports its progress."""
        number = f"[{self._done + 1:>2}/{self._total}]"
        if self.console.is_terminal:
            with self.console.status(f"{number} {title}") as status:
                yield self._live(status, number, title)
        else:
            self.console.print(f"{number} {title} ...", markup=False)
            yield self._plain(number)
        self._done += 1

    def _live(self, status: Status, number: str, title: str) -> Report:
        def report(text: str) -> None:
            status.update(f"{number} {title}: [dim]{escape(text)}[/]")

        return report

    def _plain(self, number: str) -> Report:
        last = 0.0

        def report(text: str) -> None:
            nonlocal last
            if time.monotonic() - last >= 2:
                last = time.monotonic()
                self.console.print(f"{number}   {text}", markup=False)

        return report

    def done(self, title: str, wall_s: float, figures: dict[str, object]) -> None:
        """Print a finished step with its wall time and its figures."""
        self._line("[green]✓[/]", title, wall_s, figures)

    def failed(self, title: str, wall_s: float, reason: str) -> None:
        """Print the step at which the demo stopped, and why."""
        self._line("[bold red]✗[/]", title, wall_s, {})
        self.console.print(f"    [red]{escape(reason)}[/]", highlight=False)

    def _line(self, mark: str, title: str, wall_s: float, figures: dict[str, object]) -> None:
        self.console.print(f"{mark} [bold]{title}[/] [dim]{wall_s:.1f} s[/]", highlight=False)
        for name, value in figures.items():
            self.console.print(f"    {name.replace('_', ' ')}: {show(value)}", highlight=False, markup=False)


def show(value: object) -> str:
    """Return a figure as people read it: thousands separated, four significant digits, lists in one line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(show(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {show(item)}" for key, item in value.items())
    return str(value)
