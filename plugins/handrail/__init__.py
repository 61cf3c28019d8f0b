"""Handrail: approval gates, lineage and feedback across the open-source ML stack.

Three plugins that users install it for, each useful alone, and one platform that opens them for a project:

    from handrail import open_platform

    with open_platform() as platform:
        print(platform.lineage.trace("mlflow://local/registered/orders/1753000000000/3"))

- `handrail.approvals`: who allowed exactly these bytes into production, by which rule, on what evidence.
- `handrail.lineage`: what made this prediction, and which predictions a bad file touched.
- `handrail.feedback`: how the model does, now that late, duplicate, corrected and missing outcomes are in.

Delivery and reproduction support them; `handrail.point_in_time` is behind the Feast offline store:

- `handrail.delivery`: what may be served, and where an environment points.
- `handrail.reproduction`: runs again what made a model, and compares every byte with the record.

What each tool loads or imports from Handrail:

- Feast: `handrail.feast.HandrailOfflineStore`, `handrail.feast.HandrailProvider`
- Great Expectations: `handrail.gx.HandrailAction`
- Prefect: `handrail.prefect.record`, `handrail.prefect.HandrailLineage`
- BentoML: `handrail.bentoml.recorded`
- Evidently: `handrail.evidently.add_run`, `handrail.evidently.Sources`
- MLflow: `handrail.mlflow.DvcDatasetSource`, `handrail.mlflow.FeastDatasetSource`; `mlflow server --app-name handrail`;
  `handrail.prompts.load` for prompts
- any ASGI server: `handrail.http.PredictionIds`, `handrail.http.feedback_app`, `handrail.http.lineage_app`

Stable are the names in the `__all__` of these modules, `handrail.errors`, `handrail.refs`, `handrail.settings`, the
command `handrail`, the HTTP routes, and every format on disk or on the wire. What lies in `entrypoints`, `bootstrap`,
`storage`, or below a plugin (`domain`, `service`, `adapters`) may change in any release.

Importing this package imports no tool.
"""

from typing import TYPE_CHECKING

from handrail.lazy import lazy_names
from handrail.version import __version__

if TYPE_CHECKING:
    from handrail.bootstrap import Platform, open_platform
    from handrail.bootstrap.feedback_subjects import subject_reference
    from handrail.bootstrap.serving import Served, record_deployment
    from handrail.settings import Settings, load_settings

__all__ = [
    "Platform",
    "Served",
    "Settings",
    "__version__",
    "load_settings",
    "open_platform",
    "record_deployment",
    "subject_reference",
]


__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "handrail.bootstrap": ("Platform", "open_platform"),
        "handrail.bootstrap.feedback_subjects": ("subject_reference",),
        "handrail.bootstrap.serving": ("Served", "record_deployment"),
        "handrail.settings": ("Settings", "load_settings"),
    },
)
