"""`handrail approvals policy`: check policies and roles, compare them, and try them on the requests that there were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from handrail.bootstrap import open_records
from handrail.bootstrap.approvals_policy import differences, open_project_rules, open_rules, weak_points
from handrail.entrypoints.cli.output import AsJson, messages, print_json, print_rows
from handrail.errors import UnknownReference
from handrail.settings import load_settings

app = typer.Typer(
    no_args_is_help=True,
    help="Check, compare and try the policies that say what must hold before an alias moves.",
    epilog="Example: handrail approvals policy check",
)
Config = Annotated[Path | None, typer.Argument(help="Folder with policies/ and roles.yaml; the project's if left out.")]
Other = Annotated[Path, typer.Argument(help="Folder with the changed policies/ and roles.yaml.")]
Model = Annotated[str | None, typer.Option(help="The model whose policy is meant; the project's if left out.")]
Alias = Annotated[str, typer.Option(help="The alias whose policy is meant.")]


@app.command(epilog="Example: handrail approvals policy check config")
def check(config: Config = None, as_json: AsJson = False) -> None:
    """Read every policy and the roles, and name what cannot be met; ends with 1 if something cannot."""
    rules = open_project_rules(load_settings()) if config is None else open_rules(config)
    rules.check()
    directory = rules.directory()
    policies = rules.policies()
    weak = [point for policy in policies.values() for point in weak_points(policy, directory)]
    if as_json:
        digests = {name: policy.digest for name, policy in policies.items()}
        print_json({"policies": digests, "weak_points": [point.sentence for point in weak]})
    else:
        named = [("file", "about", "quorum", "rules", "digest")]
        for name, policy in policies.items():
            steps = ", then ".join(_places(step) for step in policy.steps)
            named.append((name, str(policy.scope), steps, str(len(policy.rules)), policy.digest[:19]))
        print_rows(named)
        for point in weak:
            messages.print(point.sentence)
    if any(point.blocks for point in weak):
        raise typer.Exit(1)


def _places(quorum: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {role}" for role, count in sorted(quorum.items()))


@app.command(epilog="Example: handrail approvals policy diff new-config")
def diff(other: Other, model: Model = None, alias: Alias = "champion", as_json: AsJson = False) -> None:
    """Show what another folder's policy changes; ends with 1 if it changes something."""
    settings = load_settings()
    was, becomes = (
        rules.policy(model or settings.model_name, alias) for rules in (open_project_rules(settings), open_rules(other))
    )
    lines = list(differences(was, becomes))
    if as_json:
        print_json({"alias": alias, "differences": lines})
    else:
        for line in lines or [f"The two policies of {alias!r} say the same."]:
            typer.echo(line)
    if lines:
        raise typer.Exit(1)


@app.command(epilog="Example: handrail approvals policy simulate new-config")
def simulate(other: Other, alias: Alias = "champion", as_json: AsJson = False) -> None:
    """Judge every request about the alias by the changed policy and roles, on what was sent and decided then."""
    with open_records() as platform:
        rows = platform.approvals.simulate(alias, open_rules(other))
    if not rows:
        raise UnknownReference("request", f"about {alias}", "Ask for a promotion first, or name another --alias.")
    if as_json:
        return print_json([{name: getattr(row, name) for name in row.__slots__} for row in rows])
    listed = [("request", "what", "by today's", "by the other")]
    listed += [(row.request_id, row.label, str(row.before), str(row.after)) for row in rows]
    print_rows(listed)
    for row in rows:
        if row.before is not row.after:
            messages.print(f"{row.request_id}: {' '.join(row.reasons) or 'nothing stands against it any more.'}")
    changed = Counter(f"{row.before} → {row.after}" for row in rows if row.before is not row.after)
    said = ", ".join(f"{count} {what}" for what, count in sorted(changed.items())) or "none"
    return messages.print(f"Verdicts that change: {said} of {len(rows)}.")
