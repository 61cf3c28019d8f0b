"""What a column led to: by column lineage where it is known, by whole artifacts elsewhere."""

import pytest

from handrail.errors import InvalidInput, UnknownReference
from handrail.lineage.domain.facts import ColumnFact, Facts, Statement
from handrail.lineage.domain.names import artifact_at
from handrail.lineage.domain.vocabulary import Verb
from handrail.refs import ArtifactVersion
from tests.fakes.lineage import DEPLOYMENT, open_in_memory

ORDERS, TOTALS, DAYS, PLAIN, MODEL, LAST = (
    f"s3://lake/{name}@1" for name in ("orders", "totals", "days", "plain", "model", "last")
)


def job(number):
    return f"openlineage-run://00000000-0000-0000-0000-00000000000{number}"


def dataset(uri):
    return ArtifactVersion(uri, "dataset")


@pytest.fixture
def lineage():
    """Orders led to totals and days, whose columns are known, and to a plain copy, whose are not."""
    opened = open_in_memory({"p1": DEPLOYMENT.uri})
    opened.record_activity(job(1), "run", used=[dataset(ORDERS)], generated=[dataset(TOTALS), dataset(DAYS)])
    opened.record_activity(job(2), "run", used=[dataset(ORDERS)], generated=[dataset(PLAIN)])
    opened.record_activity(job(3), "run", used=[dataset(TOTALS)], generated=[dataset(MODEL)])
    opened.record_activity(job(4), "run", used=[dataset(DAYS)], generated=[dataset(LAST)])
    opened.record_activity(job(5), "run", used=[dataset(ORDERS)])
    columns = {
        ColumnFact(TOTALS, "total", ORDERS, "price", "DIRECT:AGGREGATION", "t"),
        ColumnFact(TOTALS, "tax", ORDERS, "price", "DIRECT:TRANSFORMATION", "t"),
        ColumnFact(DAYS, "day", ORDERS, "ordered_at", "DIRECT:IDENTITY", "t"),
        ColumnFact(MODEL, "weight", TOTALS, "total", "", "t"),
        ColumnFact(LAST, "", DAYS, "day", "INDIRECT:SORT", "t"),
    }
    say(opened, *columns)
    return opened


def say(lineage, *columns):
    """Record which columns came from which, of artifacts that are known."""
    held = lineage.recorded([uri for fact in columns for uri in (fact.effect, fact.cause)])
    lineage.record(Facts.union([held, Facts(columns=frozenset(columns))]))


@pytest.mark.parametrize(
    ("column", "reached", "columns"),
    [
        (
            "price",
            {TOTALS, MODEL, PLAIN, job(1), job(2), job(3), job(5)},
            {TOTALS: ("tax", "total"), MODEL: ("weight",)},
        ),
        ("ordered_at", {DAYS, LAST, PLAIN, job(1), job(2), job(4), job(5)}, {DAYS: ("day",)}),
    ],
)
def test_only_what_came_from_the_column_is_reached_where_that_is_known(lineage, column, reached, columns):
    found = lineage.touched(f"{ORDERS}#{column}")
    impact = lineage.impact(f"{ORDERS}#{column}")

    assert {node.uri for node in found.nodes} == reached | {ORDERS}
    assert (impact.column, impact.reached) == (column, len(reached))
    assert impact.columns == {ORDERS: (column,), **columns}
    assert set(impact.names["dataset"]) == {uri for uri in reached | {ORDERS} if uri.startswith("s3:")}


def test_a_column_goes_on_only_through_the_columns_that_were_made_of_it(lineage):
    assert {node.uri for node in lineage.touched(f"{TOTALS}#tax").nodes} == {TOTALS}
    assert {node.uri for node in lineage.touched(f"{TOTALS}#total").nodes} == {TOTALS, MODEL, job(3)}


def test_beyond_what_is_not_known_by_column_everything_is_reached(lineage):
    lineage.derive(artifact_at(DEPLOYMENT.uri), dataset(PLAIN))

    impact = lineage.impact(f"{ORDERS}#price")

    assert impact.predictions == {DEPLOYMENT.uri: 1}
    assert lineage.impact(f"{TOTALS}#total").predictions == {}


def test_the_whole_of_an_artifact_goes_on_through_each_of_its_columns(lineage):
    after = "s3://lake/after@1"
    lineage.record_activity(job(6), "run", used=[dataset(LAST), dataset(TOTALS)], generated=[dataset(after)])
    say(lineage, ColumnFact(after, "a", LAST, "any", "", "t"), ColumnFact(after, "b", TOTALS, "tax", "", "t"))

    assert lineage.impact(f"{ORDERS}#ordered_at").columns[after] == ("a",)


def test_another_name_of_an_artifact_has_its_columns(lineage):
    twin, after = "file:///lake/totals", "s3://lake/after@1"
    lineage.record_activity(job(6), "run", used=[dataset(twin)], generated=[dataset(after)])
    names = [Statement(one, other, Verb.ALTERNATE_OF, "t") for one, other in ((TOTALS, twin), (twin, TOTALS))]
    lineage.record(Facts.union([lineage.recorded([TOTALS, twin]), Facts(statements=frozenset(names))]))
    say(lineage, ColumnFact(after, "b", twin, "tax", "", "t"))

    found = lineage.impact(f"{ORDERS}#price").columns

    assert (found[twin], found[after]) == (("tax", "total"), ("b",))
    assert after not in lineage.impact(f"{TOTALS}#total").columns


def test_depth_kinds_and_pages_are_as_of_a_whole_artifact(lineage):
    price = f"{ORDERS}#price"

    assert MODEL not in {node.uri for node in lineage.touched(price, depth=2).nodes}
    assert set(lineage.impact(price, kinds=["dataset"]).names) == {"dataset"}
    first = lineage.touched(price, kinds=["dataset"], limit=2)
    rest = lineage.touched(price, kinds=["dataset"], after=first.next, limit=10)
    assert [node.uri for node in (*first.nodes, *rest.nodes)] == sorted({ORDERS, TOTALS, MODEL, PLAIN})
    assert rest.next is None
    with pytest.raises(InvalidInput, match="not a kind"):
        lineage.impact(price, kinds=["sausage"])


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        (f"{ORDERS}#prize", f"Column lineage names: ordered_at, price. Ask for {ORDERS} as a whole."),
        (f"{PLAIN}#price", "No column lineage is about it."),
        ("s3://nowhere#price", "s3://nowhere"),
        (f"{ORDERS}#", "#"),
    ],
)
def test_a_column_of_which_nothing_is_known_is_one_sentence_with_what_is(lineage, ref, said):
    for ask in (lineage.impact, lineage.touched):
        with pytest.raises(UnknownReference) as refused:
            ask(ref)
        assert said in str(refused.value)


def test_a_thing_of_that_very_name_comes_first(lineage):
    lineage.derive(artifact_at("s3://lake/c"), artifact_at(f"{ORDERS}#price"))

    impact = lineage.impact(f"{ORDERS}#price")

    assert (impact.column, impact.reached) == ("", 1)


def test_a_trace_has_the_columns_between_what_it_holds(lineage):
    found = lineage.columns_of(lineage.trace(MODEL))

    assert {(fact.column, fact.source) for fact in found} == {("weight", "total"), ("total", "price"), ("tax", "price")}
