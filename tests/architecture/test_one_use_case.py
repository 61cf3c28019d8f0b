"""What knows the use case lies in four places; everything else reads config/use_case.yaml and names nothing of it."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MACHINERY = ("flows", "infra", "plugins")
KNOWS = ("flows/steps/data/", "flows/steps/modelling/candidates.py")
WORDS = re.compile(
    r"(?<![a-z])(flights?|carriers?|airports?|airlines?|aircraft|tailnum|land(ing|ed)s?|departures?|weather|punctual)"
    r"(?![a-z0-9])|new york|flight_id|[\"']late[\"']",
    re.IGNORECASE,
)
ALLOWED = {
    # The registered model of an installation that names none: older stores and permits hold it.
    "plugins/handrail/settings.py": 'default="flights"',
}


def lines_that_know(file, name):
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if WORDS.search(line) and ALLOWED.get(name, "\0") not in line:
            yield f"{name}:{number}: {line.strip()}"


def test_the_machinery_names_nothing_of_the_flights():
    listed = subprocess.run(
        ["git", "ls-files", *MACHINERY], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    names = [name for name in listed.splitlines() if name.endswith(".py") and not name.startswith(KNOWS)]

    found = [line for name in names for line in lines_that_know(ROOT / name, name)]

    assert len(names) > 200
    assert found == []
