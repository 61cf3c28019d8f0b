"""What the template makes of a draft: YAML that says what was meant, whatever somebody's columns are called."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.approvals.adapters.policy_file import rules_of_objectives
from handrail.approvals.rule_ports import RuleText
from handrail.errors import Misconfigured, MissingFile
from handrail.scaffold.draft import Column, Draft
from handrail.scaffold.machinery import machinery
from handrail.scaffold.naming import fields_of, project_name
from handrail.scaffold.record import FILE, read_draft, recorded
from handrail.scaffold.rendering import TEMPLATE, as_yaml, machinery_root, rendered
from handrail.use_case import UseCase

LIVE = datetime(2021, 9, 1, tzinfo=UTC)
DRAFT = Draft(
    name="orders", question="Will it?", source="shop.csv", rows=400,
    subject=None, one="row", many="rows", time=None, known=None, zone="UTC", entities=(),
    label=Column("returned", "returned", "truth", nullable=False, example=True), kind="binary",
    positive="yes", negative="no", classes=(),
    features=(Column("price", "price", "number", nullable=False, low=0.0, high=9.5, example=1.5),), left_out=(),
    train_from=date(2021, 1, 1), train_until=date(2021, 7, 1), validate_until=date(2021, 9, 1),
    go_live=LIVE, live_until=datetime(2022, 1, 1, tzinfo=UTC), outcomes_until=datetime(2022, 1, 2, tzinfo=UTC),
    main_metric="roc_auc", limit=0.6, handrail="handrail[project]==0.1.0", notes=("Guessed.",),
)  # fmt: skip

LONGEST_LINE = 120
QUICK = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


@given(VALUES)
def test_a_value_is_one_line_that_reads_as_itself(value):
    text = as_yaml(value)

    assert "\n" not in text
    assert yaml.safe_load(text) == value
    assert yaml.safe_load(f"key: {text}\n") == {"key": value}


def test_a_moment_is_a_text_in_utc():
    assert as_yaml([LIVE, date(2021, 9, 1)]) == '["2021-09-01T00:00:00Z", "2021-09-01"]'


@settings(max_examples=15)
@given(st.lists(st.text(min_size=1, max_size=40), unique=True, min_size=2, max_size=8), st.text(max_size=30))
def test_any_column_names_make_a_use_case_that_is_accepted(names, project):
    fields = fields_of(names)
    label, *others = names
    draft = replace(
        DRAFT,
        name=project_name(project),
        question=f"Will {label!r} be?",
        positive=f"is {label}",
        negative=f"is not {label}",
        label=replace(DRAFT.label, name=label, field=fields[label]),
        features=tuple(replace(DRAFT.features[0], name=name, field=fields[name]) for name in others),
    )

    files = {path.as_posix(): content for path, content in rendered(draft, TEMPLATE)}
    use_case = UseCase.model_validate(yaml.load(files["config/use_case.yaml"], QUICK))

    assert use_case.label.column == fields[label]
    assert set(use_case.request) >= {fields[name] for name in others}
    for path, content in files.items():
        if path.endswith((".yaml", ".yml")):
            yaml.load(content, QUICK)
        if path.endswith(".py"):
            compile(content, path, "exec")


def test_a_policy_can_require_the_objectives_of_a_new_project():
    files = {path.as_posix(): content for path, content in rendered(DRAFT, TEMPLATE)}
    text = RuleText("config/objectives.yaml", files["config/objectives.yaml"])

    rules = rules_of_objectives(text, ["quality", "no-regression"], "config/policies/champion.yaml")

    policy = yaml.load(files["config/policies/champion.yaml"], QUICK)
    written = {(rule["measure"], rule.get("at_least"), rule.get("at_most")) for rule in policy["rules"]}
    assert {(rule.measure, rule.at_least, rule.at_most) for rule in rules} <= written


def test_code_keeps_its_form_whatever_a_project_and_its_subjects_are_called():
    draft = replace(DRAFT, name=40 * "n", one=39 * "s", many=40 * "s")

    texts = [content.decode() for path, content in rendered(draft, TEMPLATE) if path.suffix == ".py"]
    lines = [line for text in texts for line in text.splitlines()]

    assert any(draft.many in line for line in lines)
    assert [line for line in lines if len(line) > LONGEST_LINE] == []


def test_the_template_has_no_file_of_the_machinery():
    files = {path.as_posix() for path, _ in rendered(DRAFT, TEMPLATE)}

    assert not files & set(machinery(machinery_root()))
    assert not [name for name in files if ".jinja" in name or "dot." in name or "__name__" in name]


def test_hidden_files_and_the_name_find_their_place(tmp_path):
    (tmp_path / "dot.x" / "__name__").mkdir(parents=True)
    (tmp_path / "dot.x" / "__name__" / "dot.y.yaml.jinja").write_text("n: {{ draft.rows | yaml }}\n")
    (tmp_path / "plain.txt").write_text("{{ kept }}")

    files = {path.as_posix(): content for path, content in rendered(DRAFT, tmp_path)}

    assert files == {".x/orders/.y.yaml": b"n: 400\n", "plain.txt": b"{{ kept }}"}


def test_a_draft_is_read_as_it_was_recorded(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / FILE).write_bytes(recorded(DRAFT))

    assert read_draft(tmp_path) == DRAFT


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"version": 2}', b'{"version": 1}', b'{"version": 1, "draft": {}}'])
def test_an_altered_record_is_one_sentence(tmp_path, content):
    (tmp_path / "config").mkdir()
    (tmp_path / FILE).write_bytes(content)

    with pytest.raises(Misconfigured, match=r"config/init\.json"):
        read_draft(tmp_path)


def test_a_missing_record_is_named():
    with pytest.raises(MissingFile, match="handrail init wrote"):
        read_draft(Path("nowhere"))


@pytest.mark.parametrize(
    ("kind", "low", "rules"),
    [
        ("count", 0.0, {"at_least": 0, "whole": True}),
        ("regression", 0.0, {"at_least": 0}),
        ("regression", -4.0, {}),
        ("binary", None, {"values": [0, 1]}),
    ],
)
def test_feedback_allows_what_the_label_can_be(kind, low, rules):
    label = replace(
        DRAFT.label, type="truth" if kind == "binary" else "number", low=low, high=None if low is None else 9.0
    )
    main = "roc_auc" if kind == "binary" else "rmse"

    files = {
        path.as_posix(): text
        for path, text in rendered(replace(DRAFT, kind=kind, label=label, main_metric=main), TEMPLATE)
    }
    found = yaml.safe_load(files["config/feedback.yaml"])["kinds"]["ground_truth"]

    assert {name: value for name, value in found.items() if name in ("at_least", "at_most", "whole", "values")} == rules
