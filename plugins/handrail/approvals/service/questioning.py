"""Answering a question about a request, by those whom it is put to."""

from __future__ import annotations

from dataclasses import dataclass

from handrail.approvals.domain.errors import Closed, MovedMeanwhile, NotEligible
from handrail.approvals.domain.events import Answered, History
from handrail.approvals.domain.questions import Question, open_questions, questions_of
from handrail.approvals.domain.texts import plain_text
from handrail.approvals.ports import Ledger, RuleBook
from handrail.approvals.service.records import Approvals
from handrail.approvals.service.request_view import RequestView
from handrail.clock import Clock
from handrail.errors import InvalidInput, UnknownReference

ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Questions:
    """Takes answers; a question itself is a decision, to ask."""

    ledger: Ledger
    rules: RuleBook
    records: Approvals
    clock: Clock

    def answer(self, request_id: str, account: str, answer: str, number: int | None = None) -> RequestView:
        """Answer a question as whoever asks for the promotion or made the version; the clock goes on.

        Approvals stay as they are, and the alias is not moved by it: who asked sees the answer first, and whoever
        decides next, or repeats an approval, moves the alias if the quorum is met. Answering the same again changes
        nothing.

        Args:
            request_id: the request.
            account: whose person answers.
            answer: one line of text.
            number: of the question; the one that is open if None.

        Raises:
            UnknownReference: there is no such request or question.
            InvalidInput: several questions are open and none was named.
            NotEligible: this person neither asks for the promotion nor made the version.
            Closed: the request takes no decisions any more, or the question has ended.
        """
        answer = plain_text("answer", answer)
        for _ in range(ATTEMPTS):
            history = self.ledger.load(request_id)
            person = who_answers(self.rules, history, account)
            question = _named(history, number)
            if question.answered and question.answered.answer == answer:
                return self.records.view(history)
            view = self.records.view(history)
            if not question.is_open:
                how = "it was answered" if question.answered else f"{question.asked.person} has decided since"
                raise Closed(
                    request_id, str(view.judgement.verdict), (f"Question {question.number} is not open: {how}.",)
                )
            if not view.is_open:
                raise Closed(request_id, str(view.judgement.verdict), view.judgement.reasons)
            event = Answered(self.clock(), account, person, question.number, answer)
            try:
                return self.records.view(self.ledger.append(history, event))
            except MovedMeanwhile:
                continue
        raise MovedMeanwhile(request_id)


def who_answers(rules: RuleBook, history: History, account: str) -> str:
    """Return the name of the person behind an account that may answer questions about the request.

    Raises:
        NotEligible: this person neither asks for the promotion nor made the version.
    """
    request = history.request
    directory = rules.directory()
    person = directory.person_behind(account)
    if person is None or not directory.answers_for_one(person, [*request.authors, request.requester]):
        reason = f"{account!r} neither asks for the promotion nor made the version; one of those has to answer."
        raise NotEligible(account, request.request_id, reason)
    return person.name


def _named(history: History, number: int | None) -> Question:
    if number is not None:
        found = next((each for each in questions_of(history) if each.number == number), None)
        if found is None:
            raise UnknownReference("question", str(number), "Look at the request; it has them with their numbers.")
        return found
    asked = open_questions(history) or questions_of(history)[-1:]
    if not asked:
        raise UnknownReference("question", "1", "Nobody has asked anything about this request.")
    if len(asked) > 1:
        numbers = ", ".join(str(each.number) for each in asked)
        raise InvalidInput("question", f"the questions {numbers} are open", "Name the one that is answered.")
    return asked[0]
