"""Ids in every spelling that a store may understand: what is judged is what the store would act on."""

import contextlib
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mlflow.entities import LoggedModelStatus, RunStatus, RunTag
from mlflow.exceptions import MlflowException
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as Registry
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as Tracking

from handrail.entrypoints.mlflow.app.known_models import KnownModels
from handrail.entrypoints.mlflow.app.store_guards import GuardedRegistry, _wrapped
from handrail.entrypoints.mlflow.app.tracking_guard import GuardedTracking
from tests.fakes.approvals_world import World
from tests.fakes.effort import tried

PATIENT = tried(60)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A tracking store and a registry behind the guard, with one of everything, all of it held."""
    folder = tmp_path_factory.mktemp("stores")
    world, url = World(), f"sqlite:///{folder / 'mlflow.db'}"
    attributes = {"guard": world.guard, "known": KnownModels()}
    tracking = _wrapped(Tracking(url, "mlflow-artifacts:/"), (GuardedTracking,), attributes)
    registry = _wrapped(Registry(url), (GuardedRegistry,), attributes)
    for index in range(8):
        experiment = tracking.create_experiment(f"e{index}")
    run = tracking.create_run(experiment, "ada", 0, [RunTag("mlflow.source.git.commit", "c0ffee")], "r")
    run_id = run.info.run_id
    tracking.update_run_info(run_id, RunStatus.FINISHED, 5, None)
    model = tracking.create_logged_model(experiment, "m", run_id)
    tracking.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    registry.create_registered_model("Churn")
    registry.create_model_version("Churn", f"runs:/{run_id}/model", run_id)
    things = {"experiment": experiment, "run": run_id, "logged_model": model.model_id, "model": "Churn"}
    held = {**{(kind, key): "version 1" for kind, key in things.items()}, ("version", "Churn/1"): "v"}
    world.holds.things |= {thing: {"pr-1": label} for thing, label in held.items()}
    return SimpleNamespace(world=world, tracking=tracking, registry=registry, **things)


def _numbers(text):
    """Spellings of a number that `int()` or a database may take for it."""
    other = st.sampled_from(["٠١٢٣٤٥٦٧٨٩", "０１２３４５６７８９", "०१२३४५६७८९"])
    return st.one_of(
        st.builds(
            lambda before, zeros, after, sign: f"{before}{sign}{'0' * zeros}{text}{after}",
            st.sampled_from(["", " ", "\t", "\n", "\u00a0"]),
            st.integers(0, 3),
            st.sampled_from(["", " ", ".0", "\x00", "_"]),
            st.sampled_from(["", "+", "-"]),
        ),
        other.map(lambda digits: "".join(digits[int(digit)] for digit in text)),
        st.just("_".join(f"0{text}")),
        st.just(int(text)),
        st.just(float(text)),
    )


def _texts(text):
    flips = st.lists(st.booleans(), min_size=len(text), max_size=len(text))
    cased = flips.map(lambda up: "".join(c.upper() if u else c for c, u in zip(text, up, strict=True)))
    spelled = st.builds(
        lambda core, before, after: f"{before}{core}{after}",
        cased,
        st.sampled_from(["", " ", "\t"]),
        st.sampled_from(["", " ", "\n", "%", "\x00"]),
    )
    return st.one_of(st.just(text), spelled)


@PATIENT
@given(data=st.data())
@example(data=None)
def test_a_held_experiment_is_not_deleted_under_any_spelling(made, data):
    spelled = data.draw(_numbers(made.experiment)) if data else f"0{made.experiment}"

    with contextlib.suppress(MlflowException, ValueError, TypeError):
        made.tracking.delete_experiment(spelled)

    assert made.tracking.get_experiment(made.experiment).lifecycle_stage == "active"
    assert made.tracking.get_run(made.run).info.lifecycle_stage == "active"


@PATIENT
@given(data=st.data())
def test_a_held_run_stays_as_it_is_under_any_spelling(made, data):
    spelled, before = data.draw(_texts(made.run)), made.tracking.get_run(made.run).to_dictionary()
    tries = (
        lambda: made.tracking.delete_run(spelled),
        lambda: made.tracking.set_tag(spelled, RunTag("mlflow.source.git.commit", "dead")),
        lambda: made.tracking.delete_tag(spelled, "mlflow.source.git.commit"),
        lambda: made.tracking.log_batch(spelled, [], [], [RunTag("lineage.git.commit", "dead")]),
        lambda: made.tracking.update_run_info(spelled, RunStatus.RUNNING, None, None),
    )

    for attempt in tries:
        with contextlib.suppress(MlflowException):
            attempt()

    assert made.tracking.get_run(made.run).to_dictionary() == before


@PATIENT
@given(data=st.data())
def test_a_held_logged_model_and_a_held_version_stay_under_any_spelling(made, data):
    model, name = data.draw(_texts(made.logged_model)), data.draw(_texts("Churn"))
    version = data.draw(_numbers("1"))
    tries = (
        lambda: made.tracking.delete_logged_model(model),
        lambda: made.tracking.finalize_logged_model(model, LoggedModelStatus.FAILED),
        lambda: made.registry.delete_registered_model(name),
        lambda: made.registry.rename_registered_model(name, "other"),
        lambda: made.registry.delete_model_version(name, version),
        lambda: made.registry.delete_model_version_tag(name, version, "handrail.x"),
        lambda: made.registry.set_registered_model_alias(name, "champion", version),
    )

    for attempt in tries:
        with contextlib.suppress(MlflowException, ValueError, TypeError):
            attempt()

    assert made.tracking.get_logged_model(made.logged_model).status == LoggedModelStatus.READY
    found = made.registry.get_model_version("Churn", 1)
    assert (found.current_stage, made.registry.get_registered_model("Churn").aliases) == ("None", {})


def test_a_database_that_reads_names_without_case_gives_no_way_around(made):
    """MySQL and SQL Server compare so; here the store does what they would."""
    store, real = made.registry, type(made.registry).__mro__[2]

    class WithoutCase(real):
        def get_registered_model(self, name):
            return super().get_registered_model("Churn" if name.casefold() == "churn" else name)

    guarded = type("Guarded", (GuardedRegistry, WithoutCase), {"guard": made.world.guard, "known": KnownModels()})
    other = object.__new__(guarded)
    other.__dict__.update(store.__dict__)

    with pytest.raises(MlflowException, match="register a new version"):
        other.delete_registered_model("CHURN")
    with pytest.raises(MlflowException, match="register a new version"):
        other.rename_registered_model("cHURN", "x")
