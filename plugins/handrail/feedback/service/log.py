"""The use cases of feedback: record predictions and their outcomes, then compute on what is mature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from handrail.errors import InvalidInput, UnknownReference
from handrail.feedback.domain.amounts import sum_amounts
from handrail.feedback.domain.cohorts import Cohort, build_cohort
from handrail.feedback.domain.expected import Expected, expected_of
from handrail.feedback.domain.figures import Clusters, Figure, figure_of
from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.material import Scope
from handrail.feedback.domain.quarantine import Held
from handrail.feedback.domain.samples import Look, Overview, overview_of
from handrail.feedback.domain.values import Damage, DeploymentRecord, Feedback, Prediction, Receipt, Status
from handrail.feedback.service.health import Health, health_of
from handrail.feedback.service.labels import LabelTables
from handrail.feedback.service.quarantine import Quarantine
from handrail.feedback.service.receiving import Receiving, Row, check, find_kind
from handrail.feedback.service.said import said_about
from handrail.feedback.service.snapshots import SnapshotLog
from handrail.money import add_exactly


class FeedbackLog(SnapshotLog):
    """Predictions and their outcomes: append-only, order-free, safe to repeat."""

    @property
    def quarantine(self) -> Quarantine:
        """What could not be recorded."""
        return Quarantine(self._stores.quarantine)

    @property
    def labels(self) -> LabelTables:
        """Cohorts by columns, part by part: for more rows than fit into memory."""
        return LabelTables(self._stores, self._kinds)

    def receive(self, rows: Sequence[Row], origin: str | Sequence[str] = "") -> Receipt:
        """Record what is good of a batch and set aside what is not, each row for itself; see `Receiving.receive`."""
        return Receiving(self._stores.intake, self._kinds).receive(rows, origin)

    def receive_events(self, columns: Mapping[str, Sequence[Any]], origin: str = "") -> Receipt:
        """Record many events by columns: 10^5 rows as `receive` does, in a third of its time.

        Columns are those of `event_columns.sift_events`, of equal length; those with a default may be left out.

        Raises:
            InvalidInput: a column is missing, unknown, or of another length; nothing is recorded.
            Busy: too much waits to be written; nothing was taken.
            Unavailable: the store is not there.
        """
        return Receiving(self._stores.intake, self._kinds).receive_events(columns, origin)

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """The declared kinds of feedback by name."""
        return self._kinds

    def register_deployment(
        self,
        uri: str,
        tree_digest: str | None,
        model_version_uri: str,
        bento_uri: str | None = None,
        started_at: datetime | None = None,
    ) -> None:
        """Record which model a deployment serves, and its bytes if they are known. The same again changes nothing.

        A digest may come later than the model.

        Raises:
            Conflict: the deployment is recorded with other facts.
        """
        self._stores.deployments.register(DeploymentRecord(uri, tree_digest, model_version_uri, bento_uri, started_at))

    def deployments(self) -> tuple[DeploymentRecord, ...]:
        """Return every known deployment, sorted by URI."""
        return self._stores.deployments.all()

    def record_predictions(self, rows: Sequence[Prediction]) -> Receipt:
        """Record predictions durably, all or none. Repeating them changes nothing.

        Conflicting ones (same id, other body) are quarantined and named in the receipt; the others are kept.
        """
        return self._stores.predictions.append(rows) if rows else Receipt()

    def record_feedback(self, events: Sequence[Feedback]) -> Receipt:
        """Record feedback durably, all or none, before or after its predictions. Repeating it changes nothing.

        Only an earlier `received_at` is kept: of several the earliest counts, in whatever order they arrive.

        Conflicting events (same id, other body) are quarantined and named in the receipt; the others are kept.

        Raises:
            InvalidInput: a kind is not declared, or does not allow the value; nothing of the batch is kept.
        """
        for event in events:
            check(event, self._kinds)
        return self._stores.events.append(events) if events else Receipt()

    def kind(self, name: str) -> Kind:
        """Return the rules of a kind.

        Raises:
            UnknownReference: the kind is not declared.
        """
        return find_kind(name, self._kinds)

    def find_prediction(self, prediction_id: str) -> Prediction:
        """Return a prediction.

        Raises:
            UnknownReference: it was never recorded.
        """
        prediction = self._stores.predictions.find(prediction_id)
        if prediction is None:
            raise UnknownReference(
                "prediction", prediction_id, "Give the prediction_id of an answer whose spool has been drained."
            )
        return prediction

    def predictions_about(self, subject: str, most: int = 50) -> tuple[Prediction, ...]:
        """Return the latest predictions about a subject, up to `most`, newest first."""
        made = sorted(self._stores.predictions.rivals(subject), key=lambda rival: (rival[2], rival[0]), reverse=True)
        found = (self._stores.predictions.find(identifier) for identifier, *_ in made[:most])
        return tuple(each for each in found if each is not None)

    def made_by(self, prediction_id: str) -> str | None:
        """Return the URI of the deployment that made a prediction; None if there is no such prediction."""
        return self._stores.predictions.made_by(prediction_id)

    def feedback_about(self, prediction_id: str) -> tuple[Feedback, ...]:
        """Return what was said about a prediction, by id or by business key; of each kind the last one is current."""
        return said_about(prediction_id, self._stores, self._kinds)

    def count_predictions(self, deployments: Sequence[str]) -> Mapping[str, int]:
        """Return the number of predictions of each deployment URI; an unknown one has 0."""
        return self._stores.predictions.count(deployments) if deployments else {}

    def amounts(self, deployments: Sequence[str]) -> Mapping[str, Mapping[str, Decimal]]:
        """Return what feedback says that each deployment's predictions brought, by the currency of its kind; exact.

        Each prediction's current value of every kind with a unit counts; one that was retracted does not. A deployment
        about which nothing was said is left out.
        """
        totals: dict[str, dict[str, Decimal]] = {}
        for kind in self._kinds.values():
            if not kind.unit or not deployments:
                continue
            reported = self._stores.reader.events_about(kind.name, deployments, kind.matching)
            for uri, amount in sum_amounts(reported, kind.aggregation).items():
                held = totals.setdefault(uri, {})
                held[kind.unit] = add_exactly([held.get(kind.unit, Decimal(0)), amount])
        return totals

    def cohort(self, deployment: str | None, kind: str, start: datetime, end: datetime, as_of: datetime) -> Cohort:
        """Join predictions made in [start, end) with the labels known at `as_of` (aware moments, event time).

        `deployment` is a URI, or None for all.

        Raises:
            UnknownReference: the kind is not declared.
        """
        scope = Scope(kind, start, end, as_of, deployment)
        rules = self.kind(kind)
        reader = self._stores.reader
        return build_cohort(scope, rules, reader.read(scope, reader.mark(), rules.matching))

    def overview(
        self,
        kind: str,
        as_of: datetime,
        deployments: Sequence[str] | None = None,
        most: int = 8_000,
        drawn: int | None = None,
    ) -> Overview:
        """Return what up to `most` predictions say at `as_of`, or a sample of about `drawn` where there are more.

        It takes as long for a log of any size. `deployments` are URIs, or None for all.

        Raises:
            UnknownReference: the kind is not declared.
        """
        rules = self.kind(kind)
        look = Look(kind, as_of, None if deployments is None else tuple(deployments), most, rules.matching, drawn)
        return overview_of(look, rules, self._stores.sampler.sample(look))

    def expected(self, kind: str, metric: str, as_of: datetime, deployment: str | None = None) -> Expected | None:
        """Estimate a figure of the newest predictions before their labels come, from a sample of one deployment's.

        Without a `deployment` it is the one that answered last. None where nothing can be said, see `expected_of`.
        Needs NumPy.

        Raises:
            UnknownReference: the kind is not declared.
        """
        found = self.overview(kind, as_of, None if deployment is None else (deployment,)).corrected
        return expected_of(found.of_deployment(found.deployment[-1]), metric) if len(found) else None

    def due_window(self, kind: str, length: timedelta, as_of: datetime) -> tuple[datetime, datetime]:
        """Return the newest window of that length all of whose predictions are mature at `as_of`: [start, end).

        Raises:
            UnknownReference: the kind is not declared.
            InvalidInput: the length is not positive.
        """
        if length <= timedelta(0):
            raise InvalidInput("window", "it is not longer than nothing", "Give a length such as 30d or 12h.")
        try:
            end = self.kind(kind).matured_until(as_of)
            return end - length, end
        except OverflowError as err:
            raise InvalidInput("window", "it begins before the year 1", "Give a shorter length.") from err

    def figure(self, cohort: Cohort, metric: str, clusters: Clusters | None = None, draws: int = 1000) -> Figure:
        """Judge a cohort's mature, labelled predictions by a metric, with a 95 % interval over whole clusters.

        `metric` is a name of `handrail.statistics.METRICS_OF`; clusters are days in UTC if None. The draws are the same
        each time. Needs NumPy.

        Raises:
            InvalidInput: there is no such metric, or it judges labels 0 and 1 and there are others.
        """
        from handrail.statistics import Intervals

        return figure_of(cohort, metric, clusters or Clusters(), Intervals(draws, 0))

    def status(self) -> Status:
        """Count what the log holds."""
        return self._stores.auditor.status()

    def health(self, as_of: datetime, deployments: tuple[str, ...] | None = None) -> Health:
        """Return rates, coverage, delays and orphans at a moment, by kind and deployment, from a bounded sample.

        With `deployments` the summaries are about their predictions alone.
        """
        return health_of(self._stores, self._kinds, as_of, deployments)

    def damages(self) -> tuple[Damage, ...]:
        """Return every row that was altered since it was recorded, as far as its digest or another row shows it."""
        return self._stores.auditor.damages()

    def quarantined(self, limit: int = 20) -> tuple[Held, ...]:
        """Return what was set aside and waits for a person, newest first."""
        return self.quarantine.held(limit)
