"""`handrail delivery rollback`: the champion of a running service goes back to the deployment before it."""

from __future__ import annotations

import getpass

from handrail.bootstrap import open_records
from handrail.bootstrap.delivery import open_swapper
from handrail.entrypoints.cli.delivery import By, Reason, Service
from handrail.entrypoints.cli.output import AsJson, print_json, results
from handrail.use_case import read_use_case

EXAMPLE = "Example: handrail delivery rollback --reason 'late arrivals are missed since noon'"


def rollback(reason: Reason, service: Service = None, by: By = None, as_json: AsJson = False) -> None:
    """Point the slot at the deployment before the present one whose permit holds for exactly its bytes."""
    with open_records() as platform:
        name = service or read_use_case(platform.settings.project).name
        swap = open_swapper(platform, name).roll_back(by or getpass.getuser(), reason)
    if as_json:
        return print_json({"slot": swap.slot.pointer, "from": swap.deployment, "to": swap.other, "at": swap.at})
    sentence = f"{swap.slot.pointer} went back from {swap.deployment} to {swap.other}."
    results.print(f"{sentence} A running service follows within seconds.", highlight=False, markup=False)
    return None
