"""Names of columns hold in Python, pydantic, SQL and YAML, whatever somebody wrote."""

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.scaffold.naming import LONGEST, TAKEN, fields_of, project_name, words_for

NAMES = st.lists(st.text(max_size=60), unique=True, max_size=40)


@given(NAMES)
def test_any_names_become_distinct_identifiers(names):
    fields = list(fields_of(names).values())

    assert len(set(fields)) == len(names)
    for field in fields:
        assert field.isidentifier()
        assert field.isascii()
        assert not keyword.iskeyword(field)
        assert not keyword.issoftkeyword(field)
        assert field not in TAKEN
        assert not field.startswith("_")
        assert "__" not in field
        assert len(field) <= LONGEST + 4


@given(NAMES)
def test_a_field_is_a_good_name_already(names):
    fields = list(fields_of(names).values())

    assert [each for each in fields if not each.endswith("_")] == [
        fields_of([each])[each] for each in fields if not each.endswith("_")
    ]


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("Price (€)", "price_euro_sign"),
        ("select", "select_"),
        ("class", "class_"),
        ("copy", "copy_"),
        ("day", "day_"),
        ("2nd", "column_2nd"),
        ("🚲", "bicycle"),
        ("Größe", "grosse"),
        ('it\'s "a" `name`', "it_s_a_name"),
        ("rate %", "rate_percent"),
        ("数", "column_"),
        ("x.y-z", "x_y_z"),
    ],
)
def test_a_name_keeps_what_can_be_kept(name, field):
    assert fields_of([name]) == {name: field}


def test_names_that_become_one_are_numbered_and_a_good_one_keeps_itself():
    assert fields_of(["a b", "a_b", "A-B"]) == {"a b": "a_b_2", "a_b": "a_b", "A-B": "a_b_3"}


@given(st.text(max_size=60))
def test_a_project_has_a_short_plain_name(name):
    found = project_name(name)

    assert found.isidentifier()
    assert found[0].isalpha()
    assert found == found.lower()
    assert 0 < len(found) <= LONGEST


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("customer_id", ("customer", "customers")),
        ("city_code", ("city", "cities")),
        ("box_no", ("box", "boxes")),
        ("id", ("row", "rows")),
        (None, ("row", "rows")),
    ],
)
def test_a_subject_has_words_for_one_and_many(subject, words):
    assert words_for(subject) == words
