"""`handrail approvals`: ask for a promotion, decide about it, and look at it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

from handrail.approvals import plain_text, shown
from handrail.entrypoints.cli import completing
from handrail.entrypoints.cli.accounts import password_from_file
from handrail.entrypoints.cli.approvals_naming import find_request
from handrail.entrypoints.cli.approvals_printing import print_request
from handrail.entrypoints.cli.approvals_prompts import with_texts
from handrail.entrypoints.cli.approvals_signing import Sign, require_look, signing_key
from handrail.entrypoints.cli.output import AsJson, print_json, print_rows
from handrail.entrypoints.http.gate_client import GateClient
from handrail.entrypoints.http.gate_signing import sign_decision
from handrail.errors import HandrailError, InvalidInput, UnknownReference
from handrail.settings import load_settings

app = typer.Typer(
    no_args_is_help=True,
    help="Ask for promotions, decide about them, verify what they allow.",
    epilog="Example: handrail approvals list --open",
)

RUNS = "runs:/"
PASSWORD_VARIABLE = "MLFLOW_TRACKING_PASSWORD"
User = Annotated[
    str,
    typer.Option(
        "--user",
        envvar="MLFLOW_TRACKING_USERNAME",
        help=f"Your MLflow account; its password is read from {PASSWORD_VARIABLE} or asked for.",
    ),
]
RequestId = Annotated[
    str,
    typer.Argument(help="The request's id, like pr-0123456789abcdef0123.", autocompletion=completing.requests),
]


class Interrupted(HandrailError):
    """Someone pressed Ctrl-C while the server was at work."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __str__(self) -> str:
        return (
            f"{self.what} was interrupted. What the server had stored stays; run the same command again to go on: "
            "saying the same twice changes nothing."
        )


@app.command(
    "request",
    epilog="Example: handrail approvals request --version 3 --reason 'better in July' "
    "--evidence evaluation=reports/evaluate.json --evidence parity=reports/package.json",
)
def request_promotion(  # noqa: PLR0913 - one argument for each option of the command
    version: Annotated[int, typer.Option(min=1, help="Version of the registered model.")],
    reason: Annotated[str, typer.Option(help="One sentence for those who decide.")],
    user: User,
    evidence: Annotated[
        list[str], typer.Option(help="name=file.json, also signed, or name=runs:/RUN_ID/file.json to be read; repeat.")
    ],
    model: Annotated[str | None, typer.Option(help="Registered model; the project's if left out.")] = None,
    alias: Annotated[str, typer.Option(help="The alias to move.")] = "champion",
    snapshot: Annotated[
        Path | None, typer.Option(help="Parquet file of labelled rows, on which the gate measures the version.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask that an alias points at a version; the same question again returns the same request."""
    content, reason = dict(_evidence(pair) for pair in evidence), plain_text("--reason", reason)
    name = model or load_settings().model_name
    with gate_client(user, "The request") as client:
        try:
            rows = client.hand_in(name, snapshot) if snapshot else None
            asked = client.open_request(
                model=name, version=version, alias=alias, reason=reason, evidence=content, snapshot=rows
            )
            answer = with_texts(client, client.measured(asked))
        except UnknownReference as err:
            if model or err.kind != "registered model":
                raise
            remedy = "Name yours with --model, or set model_name in config/handrail.yaml."
            raise UnknownReference(err.kind, name, remedy) from err
    print_request(answer, as_json)
    if answer["verdict"] in ("refused", "rejected"):
        raise typer.Exit(1)


@app.command(epilog="Example: handrail approvals adopt --model churn --reason 'served since March'")
def adopt(
    reason: Annotated[str, typer.Option(help="One sentence for those who decide.")],
    user: User,
    model: Annotated[str | None, typer.Option(help="Registered model; the project's if left out.")] = None,
    alias: Annotated[str, typer.Option(help="The alias whose version is taken over.")] = "champion",
    as_json: AsJson = False,
) -> None:
    """Ask to take over what an alias points at since before the gate; it needs the quorum, and no evidence."""
    with gate_client(user, "The request") as client:
        answer = client.adopt(model=model or load_settings().model_name, alias=alias, reason=reason)
    print_request(answer, as_json)
    if answer["verdict"] in ("refused", "rejected"):
        raise typer.Exit(1)


@app.command(
    epilog="Example: handrail approvals decide pr-0123456789abcdef0123 --approve --reason 'checked the slices'"
)
def decide(  # noqa: PLR0913 - one argument for each option of the command
    request_id: RequestId,
    reason: Annotated[str, typer.Option(help="Why, in one sentence; or your question.")],
    user: User,
    approve: Annotated[
        bool | None, typer.Option("--approve/--reject", help="What you say.", show_default=False)
    ] = None,
    ask: Annotated[bool, typer.Option("--ask", help="Ask what --reason says, before you decide.")] = False,
    seen: Annotated[
        str | None, typer.Option(help="The 'seen' that show printed; on a terminal the facts are shown if left out.")
    ] = None,
    sign: Sign = None,
    as_json: AsJson = False,
) -> None:
    """Approve, reject or ask; when the quorum is met, the server moves the alias and signs the permit."""
    if ask is (approve is not None):
        raise typer.BadParameter("Say one of --approve, --reject and --ask.")
    reason = plain_text("--reason", reason)
    choice = "ask" if ask else "approve" if approve else "reject"
    key = signing_key(sign) if sign else None
    with gate_client(user, f"The decision on {request_id}") as client:
        if seen is None and sys.stdin.isatty():
            seen = _show_and_ask(with_texts(client, client.request(request_id)), choice)
        signature = None
        if key:
            shown_then = client.request(request_id) | {"seen": require_look(seen, f"'show {request_id}'")}
            signature = sign_decision(key, shown_then, choice, reason, user)
        answer = client.decide(request_id, choice, reason, seen=seen, signature=signature)
    print_request(answer, as_json)


def _show_and_ask(row: dict[str, Any], choice: str) -> str | None:
    """Show on stderr what is decided about, and return its digest once the person has confirmed."""
    with redirect_stdout(sys.stderr):
        print_request(row)
    typer.confirm(f"{choice.capitalize()} this?", abort=True, err=True)
    return row.get("seen")


@app.command(epilog="Example: handrail approvals answer pr-0123456789abcdef0123 --answer 'see slice 4 of the report'")
def answer(
    request_id: RequestId,
    answer: Annotated[str, typer.Option(help="One sentence for those who decide.")],
    user: User,
    question: Annotated[int | None, typer.Option(min=1, help="Its number; the open one if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Answer a question, as whoever asks for the promotion or made the version; the clock goes on."""
    answer = plain_text("--answer", answer)
    with gate_client(user, f"The answer about {request_id}") as client:
        row = client.answer(request_id, answer, question)
    print_request(row, as_json)


@app.command(epilog="Example: handrail approvals renew pr-0123456789abcdef0123")
def renew(
    request_id: RequestId,
    user: User,
    reason: Annotated[str | None, typer.Option(help="For those who decide; as before if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Open a void request again: the same version and evidence; those who approved see what changed."""
    reason = None if reason is None else plain_text("--reason", reason)
    with gate_client(user, f"Renewing {request_id}") as client:
        answer = client.measured(client.renew(request_id, reason))
    print_request(answer, as_json)


@app.command(epilog="Example: handrail approvals revoke pr-0123456789abcdef0123 --reason 'leaks the label'")
def revoke(
    request_id: RequestId,
    reason: Annotated[str, typer.Option(help="Why, in one sentence.")],
    user: User,
    as_json: AsJson = False,
) -> None:
    """Take the permit of a promoted request back: nothing is loaded under it any more."""
    with gate_client(user, f"Revoking {request_id}") as client:
        answer = client.revoke(request_id, reason)
    print_request(answer, as_json)


@app.command("list", epilog="Example: handrail approvals list --open")
def list_requests(
    user: User,
    alias: Annotated[str | None, typer.Option(help="Only this alias.")] = None,
    only_open: Annotated[bool, typer.Option("--open", help="Only those that wait for decisions.")] = False,
    as_json: AsJson = False,
) -> None:
    """List promotion requests, oldest first."""
    with gate_client(user, "Listing") as client:
        rows = client.requests(alias, only_open=only_open)
    if as_json:
        return print_json(rows)
    listed = [("request", "what", "verdict", "by", "opened")]
    for row in rows:
        what = shown(f"{row['model']} {row['version']} → {row['alias']}")
        listed.append((row["request_id"], what, row["verdict"], shown(row["requester"]), row["opened_at"][:19]))
    return print_rows(listed)


@app.command(epilog="Example: handrail approvals show pr-0123456789abcdef0123 --json")
def show(
    request: Annotated[
        str,
        typer.Argument(
            help="Its id or the beginning, or what it is about: name/3, name@alias.",
            autocompletion=completing.requests,
        ),
    ],
    user: User,
    as_json: AsJson = False,
) -> None:
    """Show a request: what it binds, the evidence, the decisions and the verdict."""
    with gate_client(user, "Showing the request") as client:
        answer = with_texts(client, client.request(find_request(client, request)))
    print_request(answer, as_json)


@contextmanager
def gate_client(user: str, what: str) -> Iterator[GateClient]:
    """Lend the gate as one account; `what` is at work if somebody stops the command."""
    try:
        with GateClient(load_settings().url("mlflow"), user, password_of(user)) as client:
            yield client
    except KeyboardInterrupt as err:
        raise Interrupted(what) from err


def password_of(user: str) -> str:
    """Return the password of an account, from the file that `--as` named, from its variable, or asked for."""
    given = password_from_file(user) or os.environ.get(PASSWORD_VARIABLE)
    if given:
        return given
    if not sys.stdin.isatty():
        raise InvalidInput(
            PASSWORD_VARIABLE, f"no password for {user!r} was given", f"Set {PASSWORD_VARIABLE}, or take --as."
        )
    return str(typer.prompt(f"Password of {user}", hide_input=True, err=True))


def _evidence(pair: str) -> tuple[str, dict[str, Any] | tuple[str, str]]:
    name, equals, file = pair.partition("=")
    if file.startswith(RUNS):
        run_id, _, path = file.removeprefix(RUNS).partition("/")
        return name, (run_id, path)
    if not equals:
        raise InvalidInput("--evidence", f"{pair!r} is not name=file.json", "Write for example evaluation=e.json.")
    try:
        content = json.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as err:
        raise InvalidInput("--evidence", f"{file!r} cannot be read: {err.strerror}", "Give a readable file.") from err
    except ValueError as err:
        raise InvalidInput("--evidence", f"{file!r} is not JSON: {err}", "Give a JSON file.") from err
    if not isinstance(content, dict):
        raise InvalidInput("--evidence", f"{file!r} holds no JSON object", "Give a file with one object.")
    return name, content
