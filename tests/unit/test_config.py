"""One voice for mistakes in configuration files: file, line, key, problem, remedy."""

from datetime import UTC, datetime
from typing import Annotated, Literal

import pytest
from pydantic import Field, model_validator

from handrail.config import Moment, Section, read_config, read_yaml
from handrail.errors import Misconfigured


class Limit(Section):
    at_least: float | None = None
    because: str = ""


class Group(Section):
    size: int = Field(ge=1)
    limits: list[Limit] = []

    @model_validator(mode="after")
    def _has_limits(self):
        if self.size > 9 and not self.limits:
            raise ValueError("A large group needs limits")
        return self


class File(Section):
    version: Literal[1]
    groups: dict[Annotated[str, Field(pattern="^[a-z]+$")], Group] = {}
    first: str = Field(default="", alias="from")


GOOD = """\
version: 1
groups:
  small: {size: 2}
  large:
    size: 4
    limits:
      - {at_least: 0.5}
      - at_least: 1
        because: it is so
from: here
"""


def write(folder, text):
    file = folder / "file.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def sentence(folder, text, **options):
    file = write(folder, text)
    with pytest.raises(Misconfigured) as caught:
        read_config(file, File, **options)
    return str(caught.value).replace(str(file), "file.yaml")


def test_a_good_file_is_its_model(tmp_path):
    found = read_config(write(tmp_path, GOOD), File)

    assert found.groups["large"].limits == [Limit(at_least=0.5), Limit(at_least=1, because="it is so")]
    assert found.first == "here"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("size: 4", "sise: 4", "file.yaml, line 5: 'groups.large.sise' is unknown. Did you mean 'size'?"),
        ("because: it", "becuase: it", "file.yaml, line 9: 'groups.large.limits[1].becuase' is unknown. Did you mean"),
        ("from: here", "form: here", "file.yaml, line 10: 'form' is unknown. Did you mean 'from'?"),
        ("from: here", "x: 1", "file.yaml, line 10: 'x' is unknown. Write one of: version, groups, from."),
        (
            "at_least: 1",
            "at_least: high",
            "line 8: 'groups.large.limits[1].at_least' is 'high', expected a number.",
        ),
        ("at_least: 1", "at_least: .nan", "line 8: 'groups.large.limits[1].at_least' is nan, expected a finite number"),
        (
            "size: 4",
            "size: 0",
            "line 5: 'groups.large.size' is 0, expected a number from 1 up.",
        ),
        ("version: 1", "version: 2", "file.yaml, line 1: 'version' is 2, expected 1. Correct it there."),
        ("version: 1\n", "", "file.yaml, line 1: 'version' is missing. Add it."),
        ("size: 2", "size: 10", "line 3: 'groups.small' cannot be used: a large group needs limits. Correct it there."),
        (
            "size: 4",
            "size: 4\n    size: 5",
            "line 6: the key 'size' is written twice. Remove one of the two.",
        ),
        ("from: here", "from: [", "file.yaml, line 11: it is not YAML"),
        (GOOD, "- 1", "file.yaml: it does not hold a mapping. Write 'key: value' lines."),
        (GOOD, "", "file.yaml: 'version' is missing. Add it."),
    ],
)
def test_a_mistake_names_file_line_key_and_remedy(tmp_path, old, new, says):
    assert says in sentence(tmp_path, GOOD.replace(old, new))


def test_a_number_that_yaml_reads_as_text_gets_a_hint(tmp_path):
    class Strict(Section):
        value: Annotated[float, Field(strict=True)]

    with pytest.raises(Misconfigured, match=r"'value' is '1e-5', .*YAML reads 1e-5 as text, write 1.0e-5"):
        read_config(write(tmp_path, "value: 1e-5"), Strict)


def test_a_secret_is_never_shown(tmp_path):
    assert "hunter2" not in sentence(tmp_path, GOOD.replace("at_least: 1", "at_least: hunter2"), secret=True)


def test_a_file_that_is_missing_or_is_not_text_says_so(tmp_path):
    with pytest.raises(Misconfigured, match="it is missing. Restore it"):
        read_yaml(tmp_path / "file.yaml", "config/file.yaml")
    (tmp_path / "file.yaml").write_bytes(b"a: \xff")
    with pytest.raises(Misconfigured, match="config/file.yaml: it is not UTF-8"):
        read_yaml(tmp_path / "file.yaml", "config/file.yaml")


def test_further_mistakes_are_counted(tmp_path):
    text = GOOD.replace("size: 4", "size: 0").replace("version: 1", "version: 2").replace("from", "form")

    assert "'form' is unknown (and 2 more). Did you mean 'from'?" in sentence(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[1, 2]: x", "line 1: it is not YAML: a key has to be a plain value"),
        ("{[1]: 2}: x", "line 1: it is not YAML: a key has to be a plain value"),
        ("a: !!int foo", "it holds a value that cannot be read"),
        ("a: !!bool foo", "it holds a value that cannot be read"),
        ("version: x", "'version' is 'x', expected 1"),
        ("a: 2023-13-45", "it holds a value that cannot be read: month must be in 1..12"),
        ("a: &a [*a]", ""),
        (f"a: {'9' * 5000}", "it holds a value that cannot be read"),
    ],
)
def test_yaml_that_python_cannot_hold_is_a_sentence(tmp_path, text, says):
    with pytest.raises(Misconfigured) as caught:
        read_config(write(tmp_path, text), File)

    assert says in str(caught.value)


def test_keys_may_be_taken_from_another_mapping(tmp_path):
    text = "version: 1\ngroups:\n  small: &small {size: 2}\n  large:\n    <<: *small\n    limits: [{at_least: 1}]\n"

    found = read_config(write(tmp_path, text), File)

    assert found.groups["large"].size == 2


def test_a_mistake_in_what_was_taken_over_is_named_by_the_line_that_counts(tmp_path):
    text = "version: 1\ngroups:\n  small: &small {size: 2}\n  large:\n    <<: *small\n    size: many\n"

    assert sentence(tmp_path, text).startswith("file.yaml, line 6: ")


@pytest.mark.parametrize("text", ["token: *hunter2", "token: !hunter2 x", "groups: {a: {size: 1hunter2}}", "a: '1e-5'"])
def test_a_file_with_secrets_is_never_quoted(tmp_path, text):
    assert "hunter2" not in sentence(tmp_path, text, secret=True)
    assert "1e-5" not in sentence(tmp_path, text, secret=True)


class _Timed(Section):
    at: Moment


def test_a_moment_in_yaml_is_read_as_utc_whether_quoted_or_not(tmp_path):
    file = tmp_path / "timed.yaml"

    for text in ("2013-08-01T06:00:00+02:00", "'2013-08-01T04:00:00Z'", "2013-08-01 04:00:00"):
        file.write_text(f"at: {text}\n")
        assert read_config(file, _Timed).at == datetime(2013, 8, 1, 4, tzinfo=UTC)

    file.write_text("at: yesterday\n")
    with pytest.raises(Misconfigured, match="expected an ISO 8601 moment such as"):
        read_config(file, _Timed)
