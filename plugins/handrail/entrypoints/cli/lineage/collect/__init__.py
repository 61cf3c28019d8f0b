"""`handrail lineage collect`: record what a tool holds by itself. Each tool's command is in its own file."""

from __future__ import annotations

import typer

from handrail.entrypoints.cli.lineage.collect.bentoml import collect_bentoml
from handrail.entrypoints.cli.lineage.collect.dlt import collect_dlt
from handrail.entrypoints.cli.lineage.collect.dvc import collect_dvc
from handrail.entrypoints.cli.lineage.collect.evidently import collect_evidently
from handrail.entrypoints.cli.lineage.collect.mlflow import collect_mlflow
from handrail.entrypoints.cli.lineage.collect.prefect import collect_prefect

app = typer.Typer(
    no_args_is_help=True,
    help="Read what a tool holds by itself and record it; the tool is left as it is.",
    epilog="Example: handrail lineage collect dvc",
)
app.command("bentoml", epilog="Example: handrail lineage collect bentoml orders --json")(collect_bentoml)
app.command("dlt", epilog="Example: handrail lineage collect dlt ~/.dlt/pipelines --pipeline orders")(collect_dlt)
app.command("dvc", epilog="Example: handrail lineage collect dvc --commit v1.2")(collect_dvc)
app.command("evidently", epilog="Example: handrail lineage collect evidently .handrail/evidently")(collect_evidently)
app.command("mlflow", epilog="Example: handrail lineage collect mlflow --tracking-uri http://127.0.0.1:5000")(
    collect_mlflow
)
app.command("prefect", epilog="Example: handrail lineage collect prefect --check --flow train")(collect_prefect)
