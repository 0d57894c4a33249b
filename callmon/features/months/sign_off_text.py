"""The sentences of the sign-off: the state of a revision, who signed, what callmon refuses. Pure."""

from callmon.store.sign_off import SignatureCheck, SignedRevision, SignOffError, StepSignature
from callmon.text.formatter import Formatter


class SignOffFormatter(Formatter):
    """The same sentences for the pages and the commands."""

    def state(self, revision: SignedRevision) -> str:
        """« approuvée »; « préparée »; « remplacée par la révision 2 »."""
        is_over = revision.superseded_by is not None
        state = "altered" if revision.is_altered else "superseded" if is_over else revision.step
        return self.word("sign_off", state).format(later=revision.superseded_by)

    def signed(self, signature: StepSignature) -> str:
        """« préparée par g.lavoie, 3 décembre 2026, 9 h 14 min 05 s »."""
        at = f"{self.day(signature.at)}, {self.second(signature.at)}"
        return self.word("signed_by", signature.step).format(who=signature.who, at=at)

    def refusal(self, error: SignOffError) -> str:
        given, revision = error.signature, error.revision
        sentence = self.word("sign_off_refusal", error.why).format(
            number=revision and revision.number,
            later=revision and revision.superseded_by,
            state=revision and self.state(revision),
            signed=given and self.signed(given),
        )
        return self.typeset(sentence)

    def checked(self, name: str, check: SignatureCheck) -> str:
        found = check.revision
        return self.word("file_check", check.result).format(
            file=name,
            number=found and found.number,
            month=found and found.month,
            later=found and found.superseded_by,
        )
