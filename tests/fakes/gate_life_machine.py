"""What is done to a gate in its random lives, in any order: by people, programs, clocks, and ends of the process."""

from __future__ import annotations

import random
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from handrail.approvals.domain.errors import UnverifiedBytes
from handrail.approvals.domain.events import Choice
from handrail.approvals.domain.findings import Severity
from handrail.approvals.domain.subject import Purpose
from handrail.approvals.service import Opening, Report
from handrail.refs import Use
from tests.fakes.gate_life_rules import edited_policies, edited_roles
from tests.fakes.gate_life_versions import ACCOUNT, ALIAS, EVERYBODY, MODEL, PICK, VERSION, WORD, VersionsLife

LOADS_EVERY = 4


class GateLife(VersionsLife):
    """One life of a gate: people ask and decide, rules change, time passes, processes end, services load."""

    # Asking and deciding

    @rule(model=MODEL, version=VERSION, alias=ALIAS, account=ACCOUNT, quality=st.sampled_from((0.6, 0.8, 0.8)))
    def ask(self, model, version, alias, account, quality):
        self._open(model, version, alias, account, quality, None)

    @rule(model=MODEL, version=VERSION, alias=ALIAS, account=ACCOUNT)
    def roll_back(self, model, version, alias, account):
        self._open(model, version, alias, account, 0.0, Purpose.ROLLBACK)

    def _pick_promoted(self, pick):
        """Pick a promotion, and mostly one that the alias does not point at any more."""
        known = list(self.life.books.permits.values())
        old = [one for one in known if self.life.books.points.get((one["model"], one["alias"])) != one["version"]]
        known = old if old and pick % 4 else known
        return known[-1 - pick % len(known)] if known else None

    def _open(self, model, version, alias, account, quality, purpose):
        evidence = {} if purpose else {"evaluation": {"roc_auc": quality}}
        opening = Opening(model, str(version), alias, "better", evidence, purpose=purpose)
        with self.life.act(account=account, quality=quality):
            return self.life.world.gate.open_request(opening, account).history.request.request_id

    @rule(pick=PICK, alias=ALIAS, account=st.one_of(st.just("ada"), ACCOUNT), voters=EVERYBODY)
    def ask_everybody(self, pick, alias, account, voters):
        """Ask for what is not served yet, if there is something, and let everybody who may approve it."""
        books = self.life.books
        known = [key for key in books.versions if books.points.get((key[0], alias)) != key[1]]
        if not known:
            return
        model, version = known[pick % len(known)]
        request_id = self._open(model, version, alias, account, 0.8, None)
        for voter in voters if request_id else ():
            self._say(request_id, voter, "approve")

    @rule(pick=PICK, account=ACCOUNT, voters=EVERYBODY)
    def roll_back_by_everybody(self, pick, account, voters):
        if permit := self._pick_promoted(pick):
            target = permit["model"], permit["version"], permit["alias"]
            request_id = self._open(*target, account, 0.0, Purpose.ROLLBACK)
            for voter in voters if request_id else ():
                self._say(request_id, voter, "approve")

    @rule(hours=st.sampled_from((2, 80)), pick=PICK, voters=EVERYBODY, confirmed=st.booleans())
    def have_an_emergency(self, hours, pick, voters, confirmed):
        """Break the glass over something that is served, and let it be confirmed or reverted."""
        served = [key for key in self.life.books.versions if self.life.books.points.get((key[0], "champion"))]
        if not served:
            return
        model, version = served[pick % len(served)]
        opening = Opening(model, str(version), "champion", "it burns", {}, purpose=Purpose.BREAK_GLASS)
        before = len(self.life.books.asked)
        for account in ("eve", "fay"):
            with self.life.act(account=account, word="approve", quality=0.0):
                self.life.world.gate.glass.break_glass(opening, account)
        for voter in voters if confirmed and len(self.life.books.asked) > before else ():
            self._say(list(self.life.books.asked)[-1], voter, "approve")
        self.jump(hours)

    @rule(pick=PICK, alias=ALIAS, account=st.one_of(st.sampled_from(("eve", "fay")), ACCOUNT))
    def break_glass(self, pick, alias, account):
        if not self.life.books.versions:
            return
        model, version = list(self.life.books.versions)[pick % len(self.life.books.versions)]
        opening = Opening(model, str(version), alias, "it burns", {}, purpose=Purpose.BREAK_GLASS)
        with self.life.act(account=account, word="approve", quality=0.0):
            self.life.world.gate.glass.break_glass(opening, account)

    def _pick(self, pick):
        """Pick a request, mostly one of the newest."""
        known = list(self.life.books.asked)
        return known[-1 - pick % min(len(known), 4 if pick % 5 else len(known))] if known else None

    @rule(pick=PICK, account=ACCOUNT, word=WORD)
    def decide(self, pick, account, word):
        if request_id := self._pick(pick):
            self._say(request_id, account, word)

    @rule(pick=PICK, voters=EVERYBODY)
    def everybody_approves(self, pick, voters):
        for voter in voters if (request_id := self._pick(pick)) else ():
            self._say(request_id, voter, "approve")

    def _say(self, request_id, account, word):
        with self.life.act(account=account, word=word):
            self.life.world.gate.decide(request_id, account, Choice(word), "looked at it")

    @rule(pick=PICK, account=ACCOUNT)
    def answer(self, pick, account):
        if request_id := self._pick(pick):
            with self.life.act(account=account):
                number = 1 + pick % 2 if len(self.life.books.asked[request_id]["questions"]) > 1 else None
                self.life.world.gate.questions.answer(request_id, account, "none", number)

    @rule(pick=PICK, account=ACCOUNT)
    def renew(self, pick, account):
        if request_id := self._pick(pick):
            with self.life.act(account=account, quality=self.life.books.asked[request_id]["quality"]):
                self.life.world.gate.renewals.renew(request_id, account)

    @rule(pick=PICK, account=st.one_of(st.sampled_from(("ben", "dan", "fay")), ACCOUNT))
    def revoke(self, pick, account):
        if promoted := list(self.life.books.permits):
            request_id = promoted[-1 - pick % len(promoted)]
            with self.life.act(account=account, revokes=request_id):
                self.life.world.gate.revoker.revoke(request_id, account, "leaks the label")

    @rule(model=MODEL, version=st.one_of(st.none(), VERSION), alias=st.one_of(st.none(), ALIAS), account=ACCOUNT)
    def open_finding(self, model, version, alias, account):
        findings = self.life.books.findings
        if sum(finding["open"] for finding in findings.values()) < 2:
            report = Report(model, f"drift {self.serial}", Severity.LOW, version and str(version), alias)
            about = {"model": model, "version": version, "alias": alias, "open": True}
            with self.life.act(account=account):
                found = self.life.world.gate.findings.open(report, account)
                findings.setdefault(found.opened.finding_id, about)
            self._find_findings(about)

    def _find_findings(self, about):
        """Note a finding that was stored by a process that ended before it answered."""
        for found in self.life.world.gate.findings.listed():
            if found.opened.finding_id not in self.life.books.findings:
                self.life.books.findings[found.opened.finding_id] = about
            self.life.books.findings[found.opened.finding_id]["open"] = found.is_open

    @rule(account=st.sampled_from(("cleo", "dan", "eve", "fay", "bot", "ada")), pick=PICK)
    def close_finding(self, account, pick):
        known = [each for each, finding in self.life.books.findings.items() if finding["open"]]
        if known:
            finding_id = known[pick % len(known)]
            with self.life.act(account=account):
                closed = self.life.world.gate.findings.close(finding_id, account, "repaired").closed
                assert closed
                assert closed.person == self.life.books.person(account)
                self.life.met["finding closed"] += 1
            self._find_findings(None)

    # Policies and roles

    @rule(data=st.data())
    def edit_a_policy(self, data):
        self._edit(data.draw(edited_policies(self.life.files["policies"])), self.life.files["roles"])

    @rule(data=st.data())
    def edit_the_roles(self, data):
        self._edit(self.life.files["policies"], data.draw(edited_roles(self.life.files["roles"])))

    @rule()
    def restore_the_files(self):
        self._edit(self.life.books.rules["policies"], self.life.books.rules["roles"])

    def _edit(self, policies, roles):
        with self.life.act():
            self.life.files = {"policies": policies, "roles": roles}
            self.life.world.write_files(self.life.files)
            self.life.world.rule_changes.look()

    @rule(account=ACCOUNT)
    def propose(self, account):
        self._propose(account)

    def _propose(self, account):
        said = {"base": self.life.books.rules, "rules": self.life.files, "proposer": account, "log": []}
        with self.life.act():
            change_id = self.life.world.rule_changes.propose(account, "better").history.change.change_id
            self.life.books.changes.setdefault(change_id, said)
            return change_id

    @rule(account=ACCOUNT, voters=EVERYBODY, data=st.data())
    def propose_to_everybody(self, account, voters, data):
        if data.draw(st.booleans()):
            self._edit(data.draw(edited_policies(self.life.books.rules["policies"])), self.life.books.rules["roles"])
        change_id = self._propose(account)
        for voter in voters if change_id else ():
            self._rule(change_id, voter, "approve")

    @rule(pick=PICK, account=ACCOUNT, word=st.sampled_from(("approve", "approve", "reject")))
    def decide_on_rules(self, pick, account, word):
        if known := list(self.life.books.changes):
            self._rule(known[-1 - pick % len(known)], account, word)

    def _rule(self, change_id, account, word):
        log, person = self.life.books.changes[change_id]["log"], self.life.books.person(account)
        with self.life.act(account=account, word=word, decides=change_id, person=person):
            self.life.world.rule_changes.decide(change_id, account, Choice(word), "fine")
        stored = self.life.world.records.load(change_id).decided
        log[:] = [(one.account, one.person, str(one.choice)) for one in stored]

    @rule()
    def take_the_files(self):
        with self.life.act(takes=True):
            self.life.world.rule_changes.take("everybody has left")

    # Time, and ends of the process

    @rule(hours=st.sampled_from((1, 3, 48, 48, 48, 24 * 31, -1, -48)))
    def let_time_pass(self, hours):
        self.jump(hours)

    def jump(self, hours):
        self.life.world.clock.now += timedelta(hours=hours)
        with self.life.act():
            self.life.world.look_after()

    @rule()
    def restart(self):
        self.life.world.writes.end_in(None)
        self.life.start()

    @rule(moments=st.integers(0, 12))
    def end_soon(self, moments):
        self.life.world.writes.end_in(moments)

    # Loading

    @invariant()
    def nothing_loads_without_a_permit_for_that_use(self):
        self.steps += 1
        if self.steps % LOADS_EVERY or not self.life.books.permits:
            return
        life, draw = self.life, random.Random(self.steps)
        request_id = draw.choice(list(life.books.permits))
        permit = life.books.permits[request_id]
        model, alias, environment, files = permit["model"], permit["alias"], "local", permit["files"]
        if draw.random() < 0.4:
            model, alias = draw.choice(("flights", "parcels")), draw.choice(("champion", "shadow"))
            environment = draw.choice(("local", "cloud"))
        if draw.random() < 0.3:
            files = draw.choice(list(life.books.versions.values()) or [permit])["files"]
        allowed = life.books.may_load(request_id, files, (model, alias, environment), life.now)
        use, into = Use("local-1", model, alias, environment), Path(tempfile.mkdtemp(dir=life.place.name))
        refused = None
        try:
            life.world.loads(life.envelopes[request_id], files, use, into)
        except UnverifiedBytes as err:
            refused = str(err)
        finally:
            shutil.rmtree(into)
        # None near a boundary: then both answers will do.
        assert allowed is None or allowed == (refused is None), (refused, permit, use)
        life.met["not loaded" if refused else "loaded"] += 1
