"""`handrail lineage token`: who may send events, ask questions and record feedback over HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from handrail.bootstrap import open_records
from handrail.bootstrap.lineage_events import open_access
from handrail.entrypoints.cli.first_record import open_to_record
from handrail.entrypoints.cli.output import AsJson, messages, print_json
from handrail.lineage import HolderKind, May, TokenScope

app = typer.Typer(
    no_args_is_help=True,
    help="Who may send events, ask questions and record feedback over HTTP.",
    epilog="Example: handrail lineage token create airflow",
)

ALLOWS = (
    "What it allows; repeat it. Lineage: ask, send, or to state one verb only. Feedback: predict (record predictions), "
    "report (outcomes). ask and send if unset."
)
Name = Annotated[str, typer.Argument(help="Name of the person or service.")]


@app.command(
    epilog="Example: handrail lineage token create airflow --may send --namespace s3://lake --namespace airflow"
)
def create(  # noqa: PLR0913 - Typer reads the options from here
    name: Name,
    kind: Annotated[
        HolderKind, typer.Option("--kind", help="What the name belongs to: a service or a person.")
    ] = HolderKind.SERVICE,
    may: Annotated[
        list[May] | None,
        typer.Option("--may", help=ALLOWS),
    ] = None,
    namespace: Annotated[
        list[str] | None,
        typer.Option("--namespace", help="Where jobs and outputs may lie, such as s3://lake; repeat it. All if unset."),
    ] = None,
    feedback_kind: Annotated[
        list[str] | None,
        typer.Option("--feedback-kind", help="With report: a kind that it may report; repeat it. All if unset."),
    ] = None,
    feedback_source: Annotated[
        list[str] | None,
        typer.Option("--feedback-source", help="With report: a source it may report as; repeat it. All if unset."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a token and print it, this once: only its hash is stored."""
    bounds = tuple(feedback_kind or ()), tuple(feedback_source or ())
    scope = TokenScope(frozenset(may) if may else TokenScope().may, tuple(namespace or ()), *bounds)
    with open_to_record() as platform:
        token = open_access(platform.store).create(name, kind, scope)
    if as_json:
        return print_json({"name": name, "kind": kind.value, "token": token} | _plain(scope))
    messages.print("Keep it safe: it cannot be shown again. Send it as: Authorization: Bearer <token>")
    return typer.echo(token)


def _plain(scope: TokenScope) -> dict[str, list[str]]:
    reports = {"kinds": list(scope.kinds), "sources": list(scope.sources)}
    return {"may": sorted(each.value for each in scope.may), "namespaces": list(scope.namespaces)} | reports


@app.command("list", epilog="Example: handrail lineage token list --json")
def list_tokens(as_json: AsJson = False) -> None:
    """List the holders of tokens, and what these allow."""
    with open_records() as platform:
        tokens = open_access(platform.store).tokens()
    if as_json:
        return print_json(
            [{"name": one.name, "holder": one.holder, "made_at": one.made_at} | _plain(one.scope) for one in tokens]
        )
    for one in tokens:
        scope = _plain(one.scope)
        where = f"in {', '.join(scope['namespaces'])}" if scope["namespaces"] else "in every namespace"
        for what in ("kinds", "sources"):
            where += f", {what} {', '.join(scope[what])}" if scope[what] else ""
        since = one.made_at.isoformat(timespec="seconds")
        typer.echo(f"{one.name}  {one.holder}  since {since}  may {', '.join(scope['may'])} {where}")
    return None


@app.command(epilog="Example: handrail lineage token revoke airflow")
def revoke(name: Name, as_json: AsJson = False) -> None:
    """Revoke a token; what its holder recorded stays."""
    with open_records() as platform:
        open_access(platform.store).revoke(name)
    if as_json:
        return print_json({"name": name, "revoked": True})
    return messages.print(f"{name} can no longer send, ask or record.")
