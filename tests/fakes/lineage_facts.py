"""Random facts as tools record them: activities, derivations, memberships, over a few names without circles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from handrail.lineage.domain.facts import (
    ActivityDetails,
    Facts,
    activity_fact,
    describe_activity,
    describe_derivation,
    describe_membership,
)
from handrail.lineage.domain.logins import document_without_logins
from handrail.lineage.domain.names import kind_of
from handrail.refs import ArtifactVersion

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LAYERS = 4
ARTIFACTS = (
    "dvc://shop/data/{}@" + "ab" * 16,
    's3://lake/o\'dd "n\u00e4me"/../{}'.replace(" ", "%20"),
    "mlflow://registry/registered/flights/17/{}",
    "feast://shop/feature_view/v{}@" + "cd" * 32,
    "deploy://local/flights/{}",
    "openlineage://shop/a%20b/{}@1",
)
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
# What is called like a secret is masked on its way out, and would be another attribute there.
names = words.filter(lambda name: not document_without_logins({name: "x"})[1])
attributes = st.dictionaries(names, words, max_size=2)
digests = st.one_of(st.none(), st.sampled_from(["md5:aa", "md5:bb", "sha256:00", "git:11"]))
sources = st.sampled_from(["dvc", "mlflow", "feast"])
moments = st.one_of(st.none(), st.integers(-100, 100).map(lambda hours: NOON + timedelta(hours=hours)))


@st.composite
def artifacts(draw, layer):
    """An artifact of a layer; causes lie in lower ones."""
    uri = draw(st.sampled_from(ARTIFACTS)).format(layer)
    # Where the URI's form speaks of a kind, an event of another one would be refused by whom it is forwarded to.
    free = uri.startswith(("s3://", "openlineage://"))
    kind = draw(st.sampled_from(["data", "other"])) if free else kind_of(uri)
    return ArtifactVersion(uri, kind, draw(digests), draw(attributes))


@st.composite
def a_part(draw):
    """What one call to lineage says."""
    layer, source = draw(st.integers(1, LAYERS)), draw(sources)
    below = st.integers(0, layer - 1).flatmap(artifacts)
    if draw(st.booleans()):
        agreed = draw(digests)
        return describe_derivation(draw(artifacts(layer)), draw(below), source, agreed)
    uri = f"dvc-stage://shop/s{layer}@{draw(st.integers(0, 1))}"
    details = ActivityDetails(draw(moments), draw(moments), draw(attributes))
    activity = activity_fact(uri, "dvc-stage", details)
    agents = draw(st.lists(st.sampled_from(["actor://ldap/ann", "actor://ldap/bob"]), max_size=2))
    facts_of_run = describe_activity(
        activity,
        draw(st.lists(below, max_size=3)),
        draw(st.lists(artifacts(layer), max_size=3)),
        agents,
        source,
    )
    wholes = draw(st.lists(st.sampled_from(["prefect://s/flow-run/1", "prefect://s/flow-run/2"]), max_size=2))
    return facts_of_run | describe_membership(uri, wholes, source)


def facts():
    """What a few calls say together."""
    return st.lists(a_part(), max_size=4).map(Facts.union)
