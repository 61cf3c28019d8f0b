"""`handrail delivery`: who answers beside the champion of a running service, and for which share of the subjects."""

from __future__ import annotations

import getpass
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handrail.bootstrap import Platform, open_records
from handrail.bootstrap.delivery import open_deployments, open_splits, read_swaps
from handrail.delivery import Change, End, NewChallenger, PermittedVersion, Role, Splitter, Swap
from handrail.entrypoints.cli.approvals_bytes import MaybeUser, fetch_permitted
from handrail.entrypoints.cli.output import AsJson, print_json, print_rows, results
from handrail.errors import InvalidInput
from handrail.use_case import read_use_case

if TYPE_CHECKING:
    from handrail.approvals import Permit

MOST_CHANGES = 20
app = typer.Typer(
    no_args_is_help=True,
    help="The champion of a service, and shadow, canary and variants beside it; a running service follows at once.",
    epilog="Example: handrail delivery add two models:/churn@canary --role canary --share 0.05 --reason 'it is new'",
)
Service = Annotated[str | None, typer.Option("--service", help="Name of the bento; the use case's if left out.")]
Name = Annotated[str, typer.Argument(help="The challenger's name: the slot in answers, the variant in predictions.")]
Share = Annotated[float, typer.Option("--share", help="Share of the subjects, more than 0 up to 1: 0.05 is 5 %.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, in one sentence.")]
By = Annotated[str | None, typer.Option("--by", help="Who does it; your account on this machine if left out.")]


@app.command(
    "add", epilog="Example: handrail delivery add two models:/churn@shadow --role shadow --share 0.5 --reason 'new'"
)
def add(  # noqa: PLR0913 - one argument for each option of the command
    name: Name,
    model: Annotated[str, typer.Argument(help="What to serve, as models:/churn@canary; it needs a permit.")],
    role: Annotated[Role, typer.Option("--role", help="What its answers are for.")],
    share: Share,
    reason: Reason,
    service: Service = None,
    user: MaybeUser = None,
    from_store: Annotated[bool, typer.Option(help="Take the gate's own copy, on its machine; ask no server.")] = False,
    by: By = None,
) -> None:
    """Let a permitted version answer beside the champion: in shadow, or a share of the subjects."""
    with open_records() as platform, tempfile.TemporaryDirectory(prefix="handrail-challenger-") as folder:
        tree = Path(folder) / "tree"
        permit = fetch_permitted(platform.settings, model, tree, None if from_store else user or "")
        new = NewChallenger(name, role, share, permit.tree_digest)
        change = open_splitter(platform, service).add(new, Fetched(tree, permit), by or getpass.getuser(), reason)
    _say(change, f"{name} answers beside the champion as {role.value}, {share:.2%} of the subjects.")


@app.command("share", epilog="Example: handrail delivery share two 0.2 --reason 'no guardrail was touched'")
def share(
    name: Name,
    share: Annotated[float, typer.Argument(help="Its new share, more than 0 up to 1.")],
    reason: Reason,
    service: Service = None,
    by: By = None,
) -> None:
    """Give a challenger another share; one that grows only adds subjects, and nobody changes back."""
    with open_records() as platform:
        change = open_splitter(platform, service).share(name, share, by or getpass.getuser(), reason)
    _say(change, f"{name} answers {share:.2%} of the subjects.")


@app.command("end", epilog="Example: handrail delivery end two --as 'rolled back' --reason 'more late answers'")
def end(
    name: Name,
    how: Annotated[End, typer.Option("--as", help="How it ended.")],
    reason: Reason,
    service: Service = None,
    by: By = None,
) -> None:
    """Take a challenger's traffic away: the champion answers its subjects again."""
    with open_records() as platform:
        change = open_splitter(platform, service).end(name, how, by or getpass.getuser(), reason)
    _say(change, f"{name} ended as {how.value}; the champion answers its subjects.")


@app.command("show", epilog="Example: handrail delivery show --json")
def show(service: Service = None, as_json: AsJson = False) -> None:
    """Show who answers, which share, and the last changes and swaps with who made them and why."""
    with open_records() as platform:
        splitter = open_splitter(platform, service)
        changes = list(splitter.splits.changes(splitter.slot, MOST_CHANGES))
        counts = platform.feedback.count_predictions(
            [each.deployment for each in changes[0].split.challengers] if changes else []
        )
        deployment = open_deployments(platform).target(splitter.slot.pointer)
        swaps = read_swaps(platform).last(splitter.slot, MOST_CHANGES)
    facts: dict[str, Any] = {"slot": splitter.slot.pointer, "champion": 1.0, "challengers": [], "changes": []}
    facts |= {"deployment": deployment, "swaps": [_swap_row(each) for each in swaps]}
    if changes:
        split = changes[0].split
        rows = [
            {
                "name": each.name,
                "role": each.role.value,
                "share": each.share,
                "model_version": each.model_version,
                "deployment": each.deployment,
                "predictions": counts.get(each.deployment, 0),
            }
            for each in split.challengers
        ]
        facts |= {"champion": split.shares()["champion"], "challengers": rows}
        facts["changes"] = [_row(each) for each in changes]
    if as_json:
        return print_json(facts)
    champion = ["champion", "champion", f"{facts['champion']:.2%}", "", deployment or ""]
    print_rows(
        [
            ["name", "role", "share", "predictions", "version"],
            champion,
            *(
                [row["name"], row["role"], f"{row['share']:.2%}", f"{row['predictions']:,}", row["model_version"]]
                for row in facts["challengers"]
            ),
        ]
    )
    _say_history(facts)
    return None


class Fetched:
    """Lends the tree that was fetched and verified with a permit."""

    def __init__(self, tree: Path, permit: Permit) -> None:
        self._tree, self._permit = tree, permit

    @contextmanager
    def lend(self, permitted: PermittedVersion) -> Iterator[Path]:
        """Lend the folder, whose bytes are verified again as they are copied."""
        if permitted.tree_digest != self._permit.tree_digest:
            problem = f"the newest permit is for {permitted.tree_digest}"
            raise InvalidInput("model", problem, "Somebody promoted another version meanwhile: run it again.")
        yield self._tree


def open_splitter(platform: Platform, service: str | None) -> Splitter:
    """Open the split of a service, of the project's use case if none is named."""
    return open_splits(platform, service or read_use_case(platform.settings.project).name)


def _say(change: Change, sentence: str) -> None:
    results.print(f"{sentence} A running service follows within a second.", highlight=False, markup=False)
    shares = ", ".join(f"{name} {share:.2%}" for name, share in change.split.shares().items())
    results.print(f"Served now: {shares}.", highlight=False, markup=False)


def _say_history(facts: dict[str, Any]) -> None:
    for row in facts["changes"]:
        ended = f" {row['ended']} {row['end']}:" if row["ended"] else ""
        results.print(f"{row['at'][:19]}Z {row['by']}:{ended} {row['reason']}", highlight=False, markup=False)
    for row in facts["swaps"]:
        what = f"{row['outcome']} {row['deployment'].rpartition('/')[2]}: {row['reason']}"
        results.print(f"{row['at'][:19]}Z {row['by']}: {what}", highlight=False, markup=False)


def _swap_row(swap: Swap) -> dict[str, Any]:
    row = {"at": swap.at.isoformat(), "by": swap.by, "outcome": swap.outcome.value}
    return row | {"deployment": swap.deployment, "other": swap.other or None, "reason": swap.reason}


def _row(change: Change) -> dict[str, Any]:
    shares = {each.name: each.share for each in change.split.challengers}
    end = change.end.value if change.end else None
    row = {"number": change.number, "at": change.at.isoformat(), "by": change.by, "reason": change.reason}
    return row | {"shares": shares, "ended": change.ended or None, "end": end}
