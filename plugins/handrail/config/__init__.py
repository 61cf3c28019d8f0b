"""One way from a YAML file to a pydantic model, and one form for its errors: file, line, key, problem, remedy."""

from handrail.config.mistakes import REMEDY, Location, Mistake, explained, mistaken
from handrail.config.reading import (
    STRICT,
    Moment,
    Section,
    YamlSource,
    as_moment,
    parse_config,
    parse_yaml,
    read_config,
    read_text,
    read_yaml,
    spelled,
)

__all__ = [
    "REMEDY",
    "STRICT",
    "Location",
    "Mistake",
    "Moment",
    "Section",
    "YamlSource",
    "as_moment",
    "explained",
    "mistaken",
    "parse_config",
    "parse_yaml",
    "read_config",
    "read_text",
    "read_yaml",
    "spelled",
]
