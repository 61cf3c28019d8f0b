"""The `handrail` command: a noun, then a verb. Results go to stdout, messages to stderr.

Exit code 0: done; 1: refused, failed or interrupted, with one sentence; 2: misuse; 3: an alert of
`feedback figures`; 3 to 5: answers of `feedback compare`; 3 and 4: answers of `delivery step`.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING, NoReturn

import typer
from rich.markup import escape

from handrail.entrypoints.cli.output import messages
from handrail.errors import HandrailError
from handrail.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

_TYPER_INTERRUPTED = 130


@cache
def build() -> typer.Typer:
    """Assemble the command from the modules beside this one; each holds the `app` of a noun, or one command.

    Once a process: a second assembly would add to each noun's `app` the same commands again.
    """
    # Not at the top: the modules beside this one import it first.
    from handrail.entrypoints.cli import acquire, env, explain, init, lineage, reproduce, serve, sources

    app = typer.Typer(
        name="handrail",
        help="Approval gates, lineage and feedback across the ML stack.",
        epilog="Example: handrail lineage impact data/raw/orders/2013-03.csv",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    app.callback()(_root)
    app.command("init", epilog="Example: handrail init bikes --table bikes.csv --label bikers --time hour")(init.init)
    app.command("env", epilog='Example: eval "$(handrail env)"')(env.show)
    app.command("acquire", epilog=acquire.EXAMPLE)(acquire.acquire)
    app.add_typer(sources.app, name="sources")
    app.add_typer(_approvals(), name="approvals")
    app.add_typer(lineage.app, name="lineage")
    app.add_typer(_feedback(), name="feedback")
    app.add_typer(_delivery(), name="delivery")
    app.command("serve", epilog="Example: handrail serve")(serve.serve)
    app.command("explain", epilog=explain.EXAMPLE)(explain.explain)
    app.command("reproduce", epilog="Example: handrail reproduce orders@champion")(reproduce.reproduce)
    return app


def _feedback() -> typer.Typer:
    """Return the noun of feedback, with the commands that have modules of their own."""
    from handrail.entrypoints.cli import (
        compare,
        feedback,
        feedback_erase,
        feedback_import,
        feedback_link,
        feedback_reference,
        feedback_report,
        feedback_retain,
        feedback_reviews,
        figures,
    )

    feedback.app.command("erase", epilog=feedback_erase.EXAMPLE)(feedback_erase.erase)
    feedback.app.command("import", epilog=feedback_import.EXAMPLE)(feedback_import.import_rows)
    feedback.app.command("link", epilog=feedback_link.EXAMPLE)(feedback_link.make_link)
    feedback.app.command("reference", epilog=feedback_reference.EXAMPLE)(feedback_reference.show_reference)
    feedback.app.command("report", epilog=feedback_report.EXAMPLE)(feedback_report.report)
    feedback.app.command("retain", epilog=feedback_retain.EXAMPLE)(feedback_retain.retain)
    feedback.app.command("reviews", epilog=feedback_reviews.EXAMPLE)(feedback_reviews.show_reviews)
    feedback.app.command("figures", epilog=figures.EXAMPLE)(figures.show_figures)
    feedback.app.command("compare", epilog=compare.EXAMPLE)(compare.compare)
    return feedback.app


def _delivery() -> typer.Typer:
    """Return the noun of delivery, with the commands that have modules of their own."""
    from handrail.entrypoints.cli import (
        accounts,
        delivery,
        delivery_keys,
        delivery_package,
        delivery_rollback,
        delivery_step,
        delivery_targets,
    )

    delivery.app.command("step", epilog=delivery_step.EXAMPLE)(delivery_step.step)
    delivery.app.command("rollback", epilog=delivery_rollback.EXAMPLE)(delivery_rollback.rollback)
    package, targets = delivery_package.app, delivery_targets
    package.command("container", epilog=targets.CONTAINER)(targets.container)
    package.command("kubernetes", epilog=targets.KUBERNETES)(targets.kubernetes)
    package.command("balancer", epilog=targets.BALANCER)(targets.balancer)
    delivery.app.add_typer(delivery_keys.app, name="key")
    delivery.app.add_typer(package, name="package")
    accounts.let_accounts_log_in(delivery.app)
    return delivery.app


def _approvals() -> typer.Typer:
    """Return the noun of the gate, with the commands that have modules of their own."""
    from handrail.entrypoints.cli import (
        accounts,
        approvals,
        approvals_attest,
        approvals_bytes,
        approvals_changes,
        approvals_findings,
        approvals_keeper,
        approvals_leave,
        approvals_log,
        approvals_policy,
        approvals_rules,
        approvals_snapshots,
        approvals_urgent,
        approvals_witness,
    )

    approvals.app.command("nonce", epilog=approvals_attest.NONCE_EXAMPLE)(approvals_attest.nonce)
    approvals.app.command("attest", epilog=approvals_attest.ATTEST_EXAMPLE)(approvals_attest.attest)
    approvals.app.command("changes", epilog=approvals_changes.EXAMPLE)(approvals_changes.changes)
    approvals.app.add_typer(approvals_log.app, name="log")
    approvals.app.command("at", epilog=approvals_log.AT_EXAMPLE)(approvals_log.at)
    approvals.app.command("verify", epilog=approvals_bytes.EXAMPLE)(approvals_bytes.verify)
    approvals.app.command("fetch", epilog=approvals_bytes.FETCH_EXAMPLE)(approvals_bytes.fetch)
    approvals.app.add_typer(approvals_policy.app, name="policy")
    approvals.app.add_typer(approvals_rules.app, name="rules")
    approvals.app.add_typer(approvals_findings.app, name="finding")
    approvals.app.add_typer(approvals_snapshots.app, name="snapshots")
    commit = approvals_snapshots.commit_predictions
    approvals.app.command("commit-predictions", epilog=approvals_snapshots.COMMIT_EXAMPLE)(commit)
    approvals.app.command("rollback", epilog=approvals_urgent.ROLLBACK_EXAMPLE)(approvals_urgent.rollback)
    approvals.app.command("break-glass", epilog=approvals_urgent.EXAMPLE)(approvals_urgent.break_glass)
    approvals.app.command("leave", epilog=approvals_leave.EXAMPLE)(approvals_leave.leave)
    approvals.app.command("check", epilog=approvals_log.CHECK_EXAMPLE)(approvals_log.check)
    approvals.app.command("keeper", epilog=approvals_keeper.EXAMPLE)(approvals_keeper.keeper)
    approvals.app.command("witness", epilog=approvals_witness.EXAMPLE)(approvals_witness.witness)
    accounts.let_accounts_log_in(approvals.app)
    return approvals.app


@cache
def _command() -> Callable[[], object]:
    """Return what reads the command line. Typer would make it from the signatures of all commands at each call."""
    return typer.main.get_command(build())


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


def _root(
    _version: bool = typer.Option(
        False, "--version", help="Print the version and stop.", callback=_print_version, is_eager=True
    ),
) -> None:
    """Approval gates, lineage and feedback across the ML stack."""


def main() -> None:
    """Run the command; whatever is raised on purpose becomes one sentence and exit code 1."""
    try:
        _command()()
    except HandrailError as err:
        messages.print(f"[bold red]error:[/] {escape(str(err))}", markup=True, highlight=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        _say_interrupted()
    except SystemExit as end:
        # Typer turns Ctrl-C into this code without a word.
        if end.code != _TYPER_INTERRUPTED:
            raise
        _say_interrupted()


def _say_interrupted() -> NoReturn:
    messages.print("Interrupted. What was done stays done; run the command again to go on.")
    sys.exit(1)
