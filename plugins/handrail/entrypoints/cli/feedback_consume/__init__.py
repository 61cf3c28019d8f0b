"""`handrail feedback consume`: predictions and feedback from a Redis Stream or NATS JetStream."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from handrail.bootstrap.streams import open_stream
from handrail.entrypoints.cli.feedback_consume.reading import Recording, Writers
from handrail.entrypoints.cli.first_record import open_to_record
from handrail.entrypoints.cli.output import AsJson, messages, print_json, results
from handrail.entrypoints.cli.stopping import until_asked
from handrail.errors import InvalidInput
from handrail.feedback import Consumed, Consuming, StreamAddress
from handrail.streams import StreamSettings

EXAMPLE = "Example: handrail feedback consume redis://host:6379/0 --stream outcomes --may report --source erp"
LOOK = "Look at them with `handrail feedback quarantine list`."
ANY = "*"


class May(StrEnum):
    """What is taken from a stream, as tokens say it."""

    PREDICT = "predict"
    REPORT = "report"


Url = Annotated[str, typer.Argument(help="redis://host:6379/0, rediss://, nats://host:4222 or tls://; no password.")]
Name = Annotated[str, typer.Option("--stream", help="The stream: a key of Redis, the name of a JetStream.")]
Group = Annotated[str, typer.Option("--group", help="Consumers of one group share the messages.")]
Mays = Annotated[list[May], typer.Option("--may", help="Take predictions (predict), outcomes (report); repeatable.")]
Sources = Annotated[list[str], typer.Option("--source", help="With report: whose outcomes are taken; '*': anybody's.")]
Kinds = Annotated[list[str], typer.Option("--kind", help="With report: a kind that is taken; all if unset.")]
Creds = Annotated[Path | None, typer.Option("--credentials", help="A file with user:password, a password or a token.")]
Most = Annotated[int, typer.Option("--batch", min=1, max=10_000, help="Messages that are recorded at once.")]
Again = Annotated[
    float,
    typer.Option("--again-after", min=0.1, help="Seconds until what a consumer that is gone took comes again."),
]
Once = Annotated[bool, typer.Option("--once", help="End when the stream is empty; exit code 1: some were set aside.")]


def consume(  # noqa: PLR0913 - typer reads the options from the signature
    url: Url,
    stream: Name,
    group: Group = "handrail",
    may: Mays = [],  # noqa: B006
    source: Sources = [],  # noqa: B006
    kind: Kinds = [],  # noqa: B006
    credentials: Creds = None,
    batch: Most = 500,
    again_after: Again = 30.0,
    once: Once = False,
    as_json: AsJson = False,
) -> None:
    """Record what a stream says until SIGTERM or Ctrl-C, each message once, however often it is delivered.

    A message is acknowledged once it is on the disk. What cannot be recorded is set aside. While the broker or the
    store is away messages stay in the stream; this waits and goes on by itself.
    """
    address = StreamAddress(url, stream, group)
    writers = _writers(may, source, kind)
    with open_to_record() as platform, until_asked() as stopping:
        settings = platform.settings.stream if credentials is None else StreamSettings(credentials_file=credentials)
        with closing(open_stream(address, settings, again_after)) as opened:
            recording = Recording(platform, writers, str(address))
            consumed = Consuming(opened, recording.record, _say, batch, stopping).run(once=once)
    _report(consumed, as_json)
    if once and (consumed.refused or consumed.conflicts):
        raise typer.Exit(1)


def _writers(may: list[May], sources: list[str], kinds: list[str]) -> Writers:
    if not may:
        raise InvalidInput("--may", "nothing is taken from the stream", "Give --may predict, --may report, or both.")
    if May.REPORT not in may and (sources or kinds):
        raise InvalidInput("--source", "no outcomes are taken from the stream", "Add --may report, or leave it out.")
    if May.REPORT in may and not sources:
        raise InvalidInput("--source", "no source is named", "Name those whose outcomes are taken, or give '*'.")
    any_source = ANY in sources
    return Writers(
        frozenset(each.value for each in may),
        frozenset(kinds) if kinds else None,
        None if any_source else frozenset(sources),
    )


def _report(consumed: Consumed, as_json: bool) -> None:
    if as_json:
        print_json(asdict(consumed))
        return
    results.print(
        f"{consumed.messages:,} messages: {consumed.accepted:,} rows recorded, {consumed.repeated:,} known already.",
        highlight=False,
    )
    if aside := consumed.refused + consumed.conflicts:
        messages.print(f"{aside:,} are set aside. {LOOK}", highlight=False)


def _say(sentence: str) -> None:
    messages.print(sentence, highlight=False, markup=False)
