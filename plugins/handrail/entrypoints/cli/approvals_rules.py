"""`handrail approvals rules`: which policies and roles are in force, and how they change."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape

from handrail.approvals import plain_text, shown
from handrail.bootstrap.approvals_rules import take_files
from handrail.entrypoints.cli.approvals import User, gate_client
from handrail.entrypoints.cli.approvals_printing import print_facts, quoted, said_by
from handrail.entrypoints.cli.approvals_signing import Sign, require_look, signing_key
from handrail.entrypoints.cli.output import AsJson, messages, print_json, print_rows
from handrail.entrypoints.http.gate_signing import sign_rule_decision
from handrail.settings import load_settings

app = typer.Typer(
    no_args_is_help=True,
    help="See which policies and roles are in force, propose what the files say, and decide about it.",
    epilog="Example: handrail approvals rules status",
)
ChangeId = Annotated[str, typer.Argument(help="The change's id, like rc-0123456789abcdef0123.")]


@app.command(epilog="Example: handrail approvals rules status")
def status(
    user: User,
    texts: Annotated[bool, typer.Option("--texts", help="Print the files as they are in force.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is in force since when and by whom, and which files on the server's machine only propose."""
    with gate_client(user, "The question") as client:
        answer = client.rules.in_force()
    if as_json:
        return print_json(answer)
    now = answer["in_force"]
    print_facts({"in force since": now["since"], "as": _way(now), "because": quoted(now["reason"])})
    print_rows([("file", "digest"), *((name, digest[:19]) for name, digest in sorted(now["files"].items()))])
    if texts:
        for name, text in sorted(now["texts"].items()):
            typer.echo(f"\n# config/{name}\n{shown_lines(text)}")
    for sentence in answer["files"]:
        messages.print(escape(shown(sentence)))
    return None


@app.command(epilog="Example: handrail approvals rules propose --reason 'a second pair of eyes'")
def propose(
    reason: Annotated[str, typer.Option(help="One sentence for those who decide.")], user: User, as_json: AsJson = False
) -> None:
    """Propose what the files on the server's machine say now; the same again returns the same change."""
    reason = plain_text("--reason", reason)
    with gate_client(user, "The proposal") as client:
        answer = client.rules.propose(reason)
    _print_change(answer, as_json)


@app.command(epilog="Example: handrail approvals rules decide rc-0123456789abcdef0123 --approve --reason 'agreed'")
def decide(  # noqa: PLR0913 - one argument for each option of the command
    change_id: ChangeId,
    approve: Annotated[bool, typer.Option("--approve/--reject", help="What you say.", show_default=False)],
    reason: Annotated[str, typer.Option(help="Why, in one sentence.")],
    user: User,
    seen: Annotated[str | None, typer.Option(help="The 'digest' that show printed; needed to sign.")] = None,
    sign: Sign = None,
    as_json: AsJson = False,
) -> None:
    """Approve or reject a proposed change; when its quorum is complete, it is in force."""
    reason, choice = plain_text("--reason", reason), "approve" if approve else "reject"
    key = signing_key(sign) if sign else None
    with gate_client(user, f"The decision on {change_id}") as client:
        signature = None
        if key:
            change = client.rules.change(change_id) | {"digest": require_look(seen, f"'rules show {change_id}'")}
            signature = sign_rule_decision(key, change, choice, reason, user)
        answer = client.rules.decide(change_id, choice, reason, signature=signature)
    _print_change(answer, as_json)


@app.command("list", epilog="Example: handrail approvals rules list")
def list_changes(user: User, as_json: AsJson = False) -> None:
    """List all proposed changes, oldest first."""
    with gate_client(user, "Listing") as client:
        rows = client.rules.changes()
    if as_json:
        return print_json(rows)
    listed = [("change", "files", "state", "by", "opened")]
    listed += [
        (row["change_id"], ", ".join(row["diffs"]), row["state"], shown(row["proposer"]), row["opened_at"][:19])
        for row in rows
    ]
    return print_rows(listed)


@app.command(epilog="Example: handrail approvals rules show rc-0123456789abcdef0123")
def show(change_id: ChangeId, user: User, as_json: AsJson = False) -> None:
    """Show a proposed change: what it changes, who has to decide, and what was decided."""
    with gate_client(user, "Showing the change") as client:
        answer = client.rules.change(change_id)
    _print_change(answer, as_json)


@app.command(epilog="Example: handrail approvals rules take --reason 'both stakeholders have left'")
def take(
    reason: Annotated[str, typer.Option(help="Why nobody is asked, in one sentence.")], as_json: AsJson = False
) -> None:
    """Bring the files into force without asking anybody; the log keeps that it was done, by whom and why.

    Run it on the server's machine, where HANDRAIL_HOME is. It is for the day on which those who would have to be asked
    are gone, and for an installation that is being set up.
    """
    now = take_files(load_settings(), plain_text("--reason", reason)).to_json()
    if as_json:
        return print_json(now)
    return print_facts({"in force since": now["since"], "as": _way(now), "because": quoted(now["reason"])})


def shown_lines(text: str) -> str:
    """Return a text of several lines so that none of its characters does anything but show itself."""
    return "\n".join(shown(line) for line in text.splitlines())


def _way(now: dict[str, Any]) -> str:
    ways = {
        "first": f"the files at the first start, by the user {now['by']!r}",
        "nobody": "the files while nobody was named who could have been asked",
        "owner": f"the files, taken by the user {now['by']!r} of the server's machine without asking",
        "decided": f"{now['change_id']}, which {now['by']!r} proposed",
    }
    return ways[now["way"]]


def _print_change(row: dict[str, Any], as_json: bool) -> None:
    if as_json:
        return print_json(row)
    wanted = ", ".join(f"{count} {role}" for role, count in row["quorum"].items())
    print_facts(
        {
            "change": row["change_id"],
            "because": quoted(row["reason"]),
            "by": row["proposer"],
            "needs": wanted,
            "digest": row["digest"],
            "state": row["state"],
        }
    )
    for decision in row["decisions"]:
        typer.echo(f"  {said_by(decision)}")
    for diff in row["diffs"].values():
        typer.echo(shown_lines(diff))
    for reason in row["reasons"]:
        messages.print(escape(shown(reason)))
    return None
