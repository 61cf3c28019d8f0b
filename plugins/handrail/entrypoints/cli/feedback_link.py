"""`handrail feedback link`: the address of a form for one end user and one prediction."""

from __future__ import annotations

from typing import Annotated

import typer

from handrail.bootstrap.feedback_links import feedback_link, open_links
from handrail.entrypoints.cli.figures import read_length
from handrail.entrypoints.cli.first_record import open_to_record
from handrail.entrypoints.cli.output import AsJson, messages, print_json

EXAMPLE = "Example: handrail feedback link 5a2e6c1c-6b0c-5f0e-9d0c-2f6f0b1f7a11 --kind rating --expires 7d"

About = Annotated[str, typer.Argument(help="The prediction_id of an answer.")]
OfKind = Annotated[str, typer.Option("--kind", help="What the link asks: a kind of config/feedback.yaml.")]
Expires = Annotated[str, typer.Option("--expires", help="How long it is good: 7d, 12h or 90m.")]
Question = Annotated[str, typer.Option("--question", help="Shown above the form; the name of the kind if unset.")]
Url = Annotated[str, typer.Option("--url", help="Where people reach `handrail serve`; its own address if unset.")]
AsSnippet = Annotated[bool, typer.Option("--snippet", help="Print the form as HTML for a page of your own.")]


def make_link(  # noqa: PLR0913 - typer reads the options from the signature
    about: About,
    kind: OfKind,
    expires: Expires = "7d",
    question: Question = "",
    url: Url = "",
    as_snippet: AsSnippet = False,
    as_json: AsJson = False,
) -> None:
    """Print a link by which whoever has it rates or corrects that prediction, only that one, until it expires.

    `handrail serve` answers it. Deleting .handrail/credentials/feedback-link-secret withdraws every link.
    """
    with open_to_record() as platform:
        length = read_length(expires, "--expires")
        address = feedback_link(about, kind, length, question=question, url=url, platform=platform)
        asked = open_links(platform).look(address.rpartition("/")[2])
        is_known = platform.feedback.made_by(about) is not None
    text = address
    if as_snippet:
        from handrail.entrypoints.http.feedback_links import snippet

        text = snippet(address, asked)
    if as_json:
        facts = {"url": address, "expires_at": asked.link.expires_at.isoformat()}
        print_json(facts | {"kind": kind, "prediction_id": about})
    else:
        typer.echo(text)
    if not is_known:
        messages.print(f"No prediction {about} is recorded yet.", markup=False, highlight=False)
