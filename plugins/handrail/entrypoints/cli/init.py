"""`handrail init`: a working project for somebody's table, and later templates for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.prompt import Prompt

from handrail.entrypoints.cli.output import AsJson, messages, print_json, results
from handrail.errors import InvalidInput
from handrail.label_kinds import KINDS
from handrail.scaffold.options import Options, Question, take_guesses
from handrail.settings import load_settings

if TYPE_CHECKING:
    from handrail.scaffold.adding import Taken
    from handrail.scaffold.creating import Created
    from handrail.scaffold.draft import Draft

FEW_CHOICES = 6
MOST_REASONS = 12


def init(  # noqa: PLR0913 - one parameter for each flag
    context: typer.Context,
    folder: Annotated[Path | None, typer.Argument(metavar="DIR", help="The project: new or empty.")] = None,
    table: Annotated[Path | None, typer.Option(help="CSV (also .gz or .zst) or Parquet.", metavar="FILE")] = None,
    label: Annotated[str | None, typer.Option(help="The column to predict.", metavar="COLUMN")] = None,
    subject: Annotated[str | None, typer.Option(help="Identifies a row, or none.", metavar="COLUMN")] = None,
    time: Annotated[str | None, typer.Option(help="When an answer is needed, or none.", metavar="COLUMN")] = None,
    known_at: Annotated[str | None, typer.Option(help="When the label is known, or none.", metavar="COLUMN")] = None,
    entity: Annotated[list[str] | None, typer.Option(help="What comes again; its history counts.")] = None,
    kind: Annotated[str | None, typer.Option(help=f"One of {', '.join(KINDS)}.")] = None,
    positive: Annotated[str | None, typer.Option(help="Which value of a binary label is looked for.")] = None,
    leave_out: Annotated[list[str] | None, typer.Option(help="A column to ignore, or a pattern: 'raw_*'.")] = None,
    keep: Annotated[list[str] | None, typer.Option(help="A column to use although it looks like a leak.")] = None,
    text: Annotated[list[str] | None, typer.Option(help="A column to take as text, whatever it looks like.")] = None,
    name: Annotated[str | None, typer.Option(help="Of project, bento and model; as DIR if unset.")] = None,
    zone: Annotated[str | None, typer.Option(help="Of moments without an offset, and of days; UTC if unset.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Take every guess, and ask nothing.")] = False,
    update: Annotated[bool, typer.Option("--update", help="Bring this Handrail's template into a project.")] = False,
    into: Annotated[Path | None, typer.Option(help="A project that takes new rows of --table.", metavar="DIR")] = None,
    as_json: AsJson = False,
) -> None:
    """Look at a table, explain what is guessed about it, and write a project: from training to monitoring.

    Asks on a terminal; elsewhere, and with --yes, the guesses count. Each guess has a flag that overrules it.
    With --into DIR, the project in DIR takes the new rows of --table instead.
    """
    if into is not None:
        return _take_in(into, table, context)
    if folder is not None and update:
        return _update(folder, context)
    if folder is None or table is None or label is None:
        missing = "DIR" if folder is None else "--table" if table is None else "--label"
        raise typer.BadParameter("it is missing; see --help.", param_hint=missing)
    options = Options(
        label=label, subject=subject, time=time, known_at=known_at, entities=tuple(entity or ()), kind=kind,
        positive=positive, leave_out=tuple(leave_out or ()), keep=tuple(keep or ()), text=tuple(text or ()),
        name=name or folder.resolve().name, zone=zone,
    )  # fmt: skip
    _check(options)
    from handrail.scaffold.creating import Dialogue, create

    is_asked = not yes and sys.stdin.isatty() and messages.is_terminal
    with _progress() as progress:
        created = create(table, folder, options, Dialogue(_ask if is_asked else take_guesses, progress))
    return _report(created, as_json)


def _check(options: Options) -> None:
    if options.kind is not None and options.kind not in KINDS:
        raise InvalidInput("--kind", f"{options.kind!r} is unknown", f"Write one of {', '.join(KINDS)}.")
    try:
        ZoneInfo(options.zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError) as err:
        remedy = "Write one such as Europe/Berlin or UTC."
        raise InvalidInput("--zone", f"{options.zone!r} is not a time zone", remedy) from err


def _update(folder: Path, context: typer.Context) -> None:
    if others := _given(context, "folder", "update"):
        remedy = "to correct a guess, remove the folder and run init again, or edit the project's files"
        raise typer.BadParameter(f"it goes without {', '.join(others)}; {remedy}.", param_hint="--update")
    from handrail.scaffold.git import TEMPLATE_BRANCH
    from handrail.scaffold.updating import update

    if update(folder):
        results.print(f"The branch {TEMPLATE_BRANCH} holds the template of this Handrail. Merge it, in {folder}:")
        results.print(f"  git merge {TEMPLATE_BRANCH}", highlight=False)
    else:
        results.print("Nothing to do: the project has the template of this Handrail.")


def _given(context: typer.Context, *names: str) -> list[str]:
    """Return the flags that were given beside those of these names."""
    return [
        each.opts[0]
        for each in context.command.params
        if each.name not in names and context.params[each.name or ""] not in (None, False, [], ())
    ]


def _take_in(folder: Path, table: Path | None, context: typer.Context) -> None:
    if others := _given(context, "into", "table", "leave_out", "yes", "as_json"):
        remedy = "the project decided that already"
        raise typer.BadParameter(f"it goes without {', '.join(others)}; {remedy}.", param_hint="--into")
    if table is None:
        raise typer.BadParameter("it is missing; --into takes its rows.", param_hint="--table")
    from handrail.bootstrap.acquisition_files import record_taken
    from handrail.bootstrap.lineage import path_artifact
    from handrail.scaffold.adding import take_in
    from handrail.scaffold.rendering import SOURCE

    source = folder / SOURCE
    settings = load_settings(folder)
    before = path_artifact(settings, settings.project, SOURCE.as_posix()) if source.is_file() else None
    with _progress() as progress:
        taken = take_in(table, folder, tuple(context.params["leave_out"] or ()), progress)
    if before is not None and taken.added + taken.skipped:
        record_taken(settings, source, before, table)
    if context.params["as_json"]:
        return print_json({"folder": str(folder), **asdict(taken)})
    for line in _taken(taken, table, folder):
        results.print(line, markup=False, highlight=False, soft_wrap=True)
    return None


def _taken(taken: Taken, table: Path, folder: Path) -> Iterator[str]:
    from handrail.scaffold.rendering import as_yaml

    already = f"{taken.skipped:,} were there already"
    blank = f"; {taken.unlabelled:,} have no {taken.label!r} and are left out" if taken.unlabelled else ""
    yield f"Took {taken.added:,} new rows of {table.name} into {folder}; {already}{blank}. It has {taken.rows:,} now."
    if taken.moved is None:
        yield "Windows:    they stay, as the table reaches no further, or by less than a month where they end with one."
    else:
        yield f"Windows:    the table reaches {taken.moved.by} further. These keys move together, by as much:"
        yield "  params.yaml"
        yield from (f"    {key}: {as_yaml(value)}" for key, value in taken.moved.params.items())
        if taken.moved.replay is not None:
            yield "  config/use_case.yaml"
            yield f"    replay: {as_yaml(taken.moved.replay)}"
    yield f"Next:       cd {folder}, write the keys if they move, git commit --all, and make demo or dvc repro."


def _ask(question: Question) -> str:
    """Ask on the terminal; the guess is what a bare Enter means."""
    choices = list(question.choices) or None
    return Prompt.ask(
        question.text,
        console=messages,
        choices=choices,
        default=question.guess,
        show_choices=choices is not None and len(choices) <= FEW_CHOICES,
    )


@contextmanager
def _progress() -> Iterator[Any]:
    """Give what shows how far a file has been read: a bar on a terminal, nothing elsewhere."""
    if not messages.is_terminal:
        # Not a disabled bar: the oldest rich that is supported ends one with an empty line.
        yield lambda _: None
        return
    columns = (
        TextColumn("Reading the table"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=messages, transient=True)
    task = bar.add_task("", total=1.0)

    def show(part: float) -> None:
        if not bar.live.is_started:
            bar.start()
        bar.update(task, completed=part)
        if part >= 1:
            bar.stop()

    try:
        yield show
    finally:
        bar.stop()


def _report(created: Created, as_json: bool) -> None:
    draft = created.draft
    if as_json:
        return print_json({"folder": str(created.folder), "files": created.files, **asdict(draft)})
    for note in (*draft.notes, *_reasons(draft)):
        messages.print(note, markup=False, highlight=False)
    for line in _lines(created):
        results.print(line, markup=False, highlight=False, soft_wrap=True)
    return None


def _reasons(draft: Draft) -> Iterator[str]:
    """Yield why columns are left out, of at most MOST_REASONS of them: what a person left out comes last."""
    from handrail.scaffold.types import UNWANTED

    ordered = sorted(draft.left_out, key=lambda each: each[1] == UNWANTED)
    for column, reason in ordered[:MOST_REASONS]:
        yield f"{column.name!r} is left out: {reason}."
    if len(ordered) > MOST_REASONS:
        yield f"More columns are left out: {len(ordered) - MOST_REASONS}; README.md of the project has their reasons."


def _lines(created: Created) -> Iterator[str]:
    draft = created.draft
    kept = "git (main, and handrail-template for updates)" if created.in_git else "no git, as it is not installed"
    yield f"Wrote {created.folder}: {created.files} files, and {draft.rows:,} rows below data/source (DVC); {kept}."
    yield f"Question:   {draft.question}"
    yield f"Label:      {draft.label.name}, {_label(draft)}"
    yield f"Subject:    {draft.subject.name if draft.subject else 'rows are numbered'}"
    time = draft.time.name if draft.time else "made by a seeded shuffle"
    known = draft.known.name if draft.known else "a day later"
    yield f"Time:       {time}; the label is known: {known}; entities: {_names(draft.entities)}"
    yield f"Windows:    train {draft.train_from}, validate {draft.train_until}, go-live {draft.validate_until}"
    yield f"Features:   {len(draft.features)}: {_names(draft.features)}"
    yield f"Left out:   {len(draft.left_out)}: {_names([column for column, _ in draft.left_out])}"
    yield "Reasons:    above, and in README.md; change what you like in config/use_case.yaml."
    yield f"Next:       cd {created.folder} && make demo"


def _label(draft: Draft) -> str:
    if draft.kind == "binary":
        return f"binary: {draft.positive!r} is looked for, not {draft.negative!r}"
    return f"{draft.kind}: {', '.join(draft.classes)}" if draft.classes else draft.kind


def _names(columns: Any) -> str:
    return ", ".join(column.name for column in columns) or "none"
