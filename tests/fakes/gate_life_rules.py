"""Policies and roles that rule in random lives of a gate, as plain values in the keys of their files."""

from __future__ import annotations

from copy import deepcopy

from hypothesis import strategies as st

ACCOUNTS = {
    "Ada": ["ada", "ada-2"],
    "Ben": ["ben", "ben-2"],
    "Cleo": ["cleo"],
    "Dan": ["dan"],
    "Eve": ["eve"],
    "Fay": ["fay"],
}
ROLES = {
    "Ada": ["data-scientist"],
    "Ben": ["ml-engineer"],
    "Cleo": ["business-stakeholder"],
    "Dan": ["ml-engineer"],
    "Eve": ["business-stakeholder", "devops-engineer"],
    "Fay": ["devops-engineer", "ml-engineer"],
}
NAMES = sorted({role for roles in ROLES.values() for role in roles})


def shipped():
    """The rules that a life begins with."""
    rules = [{"measure": "evaluation.roc_auc", "at_least": 0.74, "level": "claimed"}]
    champion = {
        "version": 2,
        "alias": "champion",
        "steps": [{"ml-engineer": 1, "business-stakeholder": 1}],
        "rules": rules,
        "break_glass": ["devops-engineer"],
    }
    others = {"version": 2, "aliases": ["sh*"], "steps": [{"ml-engineer": 1}], "rules": rules, "permit_days": 5}
    persons = {name: {"accounts": list(ACCOUNTS[name]), "roles": list(roles)} for name, roles in ROLES.items()}
    services = {"robot": {"accounts": ["bot"], "owner": "Dan"}}
    return {"policies": {"champion": champion, "others": others}, "roles": {"persons": persons, "services": services}}


def _some(most):
    return st.lists(st.sampled_from(NAMES), min_size=1, max_size=most, unique=True)


STEP = st.dictionaries(st.sampled_from(("ml-engineer", "business-stakeholder")), st.integers(1, 2), min_size=1)


def demands():
    """What a policy demands, whatever it is about."""
    rule = st.builds(
        lambda bound: [{"measure": "evaluation.roc_auc", "at_least": bound, "level": "claimed"}],
        st.sampled_from((0.5, 0.74)),
    )
    return st.fixed_dictionaries(
        {"version": st.just(2), "steps": st.lists(STEP, min_size=1, max_size=2), "rules": rule},
        optional={
            "request": _some(2),
            "reject": _some(2),
            "revoke": _some(1),
            "roll_back": _some(2),
            "break_glass": _some(2),
            "break_glass_by_makers": st.just(True),
            "break_glass_hours": st.sampled_from((1, 72)),
            "request_days": st.sampled_from((1, 5)),
            "permit_days": st.sampled_from((1, 400)),
            "formats": st.just(["pickle"]),
            "change": STEP,
        },
    )


def edited_policies(policies):
    """Return a strategy for the policies after one of them was edited, added or removed."""
    scopes: dict[str, dict[str, list[str] | str]] = {
        "champion": {"alias": "champion"},
        "others": {"aliases": ["sh*"]},
        "parcels": {"aliases": ["champion"], "models": ["parcels"]},
    }

    def edited(name, said):
        after = deepcopy(policies)
        if said is None and len(after) > 1:
            after.pop(name, None)
        elif said is not None:
            after[name] = {**said, **scopes[name]}
        return after

    return st.builds(edited, st.sampled_from(sorted(scopes)), st.one_of(demands(), demands(), demands(), st.none()))


def edited_roles(roles):
    """Return a strategy for the roles after one person, or the owner of the service, was edited."""
    names = st.sampled_from(sorted(ROLES))

    def edited(name, held, account, owner):
        after = deepcopy(roles)
        if account:
            for said in after["persons"].values():
                said["accounts"] = [known for known in said["accounts"] if known != account] or ["nobody-" + name]
            after["persons"][name]["accounts"].append(account)
        elif owner:
            after["services"]["robot"]["owner"] = owner
        else:
            after["persons"][name]["roles"] = held
        return after

    account = st.sampled_from((None, None, None, "ada-2", "ben-2", "root"))
    return st.builds(edited, names, _some(2), account, st.one_of(st.none(), st.none(), names))
