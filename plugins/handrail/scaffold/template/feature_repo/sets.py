"""What each feature set consists of, as sets.yaml says it. Imports no Feast, so that stages may ask."""

# pydantic reads the annotations at run time, so they stay real.

from pathlib import Path

from pydantic import RootModel

from handrail.config import Section, read_config
from handrail.errors import Misconfigured
from handrail.use_case import UseCase, read_use_case

PROJECT = Path(__file__).resolve().parents[1]
FILE = "feature_repo/sets.yaml"


class FeatureSet(Section):
    """A set: `request` are fields of a request, `history` the entities whose past labels count."""

    request: tuple[str, ...] = ()
    history: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that travel through Feast; an entity is a key there already."""
        return tuple(name for name in self.request if name not in USE_CASE.entities)

    @property
    def keys(self) -> tuple[str, ...]:
        """The entities that the model sees by name."""
        return tuple(name for name in self.request if name in USE_CASE.entities)


class SetsFile(RootModel[dict[str, FeatureSet]]):
    """The whole file, by the name of the feature service."""


def history_features(entity: str) -> tuple[str, ...]:
    """Return the features of an entity's past: how many labels, their mean or the share of each class."""
    classes = USE_CASE.label.classes
    of = ("mean",) if classes is None else tuple(f"share_{code}" for code in range(len(classes)))
    return tuple(f"{entity}_{part}_28d" for part in ("labels", *of))


def read_sets(project: Path, use_case: UseCase) -> dict[str, FeatureSet]:
    """Read `project`/feature_repo/sets.yaml.

    Raises:
        Misconfigured: a set of config/use_case.yaml is missing in it, is empty, or names what is not there.
    """
    sets = read_config(project / FILE, SetsFile, shown=FILE).root
    for service in use_case.features.sets.values():
        if service not in sets:
            raise Misconfigured(FILE, f"it lacks {service!r}, which config/use_case.yaml names", "Add it.")
    for name, of in sets.items():
        for known, given, what in (
            (set(use_case.request) - {use_case.subject.column}, of.request, "a field of the request"),
            (set(use_case.entities), of.history, "an entity"),
        ):
            if wrong := [each for each in given if each not in known]:
                raise Misconfigured(FILE, f"{name}: {wrong[0]!r} is not {what} in config/use_case.yaml", "Correct it.")
        if not of.request and not of.history:
            raise Misconfigured(FILE, f"{name}: it holds no feature", "Name at least one.")
    return sets


USE_CASE = read_use_case(PROJECT)
SETS = read_sets(PROJECT, USE_CASE)
