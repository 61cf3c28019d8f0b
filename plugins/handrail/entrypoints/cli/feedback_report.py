"""`handrail feedback report`: one outcome of one prediction, from a shell."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from handrail.entrypoints.cli.first_record import open_to_record
from handrail.entrypoints.cli.output import AsJson, messages, print_json, read_moment
from handrail.errors import InvalidInput
from handrail.feedback import Feedback, Review

EXAMPLE = "Example: handrail feedback report 5a2e6c1c-6b0c-5f0e-9d0c-2f6f0b1f7a11 1 --kind ground_truth"

About = Annotated[str, typer.Argument(help="The prediction_id of an answer; with --by-subject what it was about.")]
Text = Annotated[str, typer.Option("--text", help="What somebody wrote, for a kind of texts; - reads it from stdin.")]
Value = Annotated[float | None, typer.Argument(help="What is true now; none with --retract.")]
OfKind = Annotated[str, typer.Option("--kind", help="A kind that config/feedback.yaml declares.")]
Source = Annotated[str, typer.Option("--source", help="Who reports it.")]
At = Annotated[str | None, typer.Option("--at", help="When it became true; UTC without a zone; now if unset.")]
Revision = Annotated[int, typer.Option("--revision", min=0, help="A correction counts up.")]
Retract = Annotated[bool, typer.Option("--retract", help="Withdraw what was reported before.")]
BySubject = Annotated[bool, typer.Option("--by-subject", help="The first word is the subject, a business key.")]


def report(  # noqa: PLR0913 - typer reads the options from the signature
    about: About,
    value: Value = None,
    kind: OfKind = "ground_truth",
    source: Source = "command-line",
    at: At = None,
    revision: Revision = 0,
    retract: Retract = False,
    by_subject: BySubject = False,
    text: Text = "",
    as_json: AsJson = False,
) -> None:
    """Record what became known about one prediction; before or after it. The same with the same --at changes nothing.

    Of several values the highest --revision counts, and of those the last to become true.
    """
    if [value is not None, retract, bool(text)].count(True) != 1:
        raise InvalidInput("VALUE", "give it, or --retract, or --text, and one of them", "Write, as: report ID 1.")
    with open_to_record() as platform:
        now = platform.event_clock()
        happened = now if at is None else read_moment("--at", at)
        named = ("", about) if by_subject else (about, "")
        said = (source, revision, happened, now)
        event = Feedback(named[0], kind, value if not text else 1.0, *said, retracts=retract, subject=named[1])
        if text:
            written = sys.stdin.read() if text == "-" else text
            event = Review(named[0], kind, 1.0, *said, subject=named[1], text=written)
        receipt = platform.feedback.record_feedback([event])
        is_early = not by_subject and platform.feedback.made_by(about) is None
    if as_json:
        print_json(asdict(receipt) | {"event_id": event.key})
    else:
        typer.echo("Recorded." if receipt.accepted else "Known already.")
    if is_early:
        messages.print(f"No prediction {about} is recorded yet; it counts once that is.", markup=False, highlight=False)
