"""The questions an auditor asks, and the answers in a few words, each with the section that holds the rest.

What GDPR (Art. 5, 15, 17, 30, 35), the EU AI Act (Art. 10 to 15, Annex IV) and ISO 27001 (A.8) ask of a trained model.
What was not measured or is recorded nowhere is answered so.
"""

from collections.abc import Iterator

from gptmodel.corpus.scrubbing.coverage import marked
from gptmodel.evidence.account import Evidence, Question
from gptmodel.page import number_text

_GONE = "not known: the account is gone"


def questions(evidence: Evidence) -> tuple[Question, ...]:
    """Answer what an auditor asks, in the order of the page."""
    asked = (*_of_the_model(evidence), *_of_the_data(evidence), *_of_the_search(evidence), *_of_its_use(evidence))
    return tuple(Question(asks=asks, section=section, answer=answer) for asks, section, answer in asked)


_Asked = Iterator[tuple[str, str, str]]


def _of_the_model(evidence: Evidence) -> _Asked:
    yield "Which model is this, and are these its files?", "identity", _files(evidence)
    yield "What code, libraries and settings made it?", "identity", _code(evidence)
    yield "What did it come from, and is that still there unchanged?", "lineage", _states(evidence)
    yield "Can it be rebuilt?", "check", "not tried for this folder; gptmodel reproduce tries it"
    yield "How good is it, and on what?", "quality", _scores(evidence)


def _of_the_data(evidence: Evidence) -> _Asked:
    sources = evidence.sources
    yield ("What was it trained on: whose text, which licence, what purpose, until when?", "sources",
           f"{_counted(len(sources), 'source')}, {_trained(evidence)}")  # fmt: skip
    yield "Does the text hold data about people, and on what legal basis?", "sources", _personal(evidence)
    yield "Is raw text kept longer than needed?", "lineage", _raw_text(evidence)
    yield "What was left out before training, and why?", "funnel", _dropped(evidence)
    yield "Is the text representative, and free of bias?", "limits", "not measured; sources and languages are counted"


def _of_the_search(evidence: Evidence) -> _Asked:
    search = evidence.search
    kinds = marked(search.not_searched, search.accepted, search.findings) if search else []
    yield ("Which personal data was searched for, and which not? Who accepted that?", "search",
           f"searched for {len(search.searched)} kinds; not searched: {', '.join(kinds) or 'none of those known here'}"
           if search else _GONE)  # fmt: skip
    yield "What took the place of what was found?", "search", "; ".join(search.replacing) if search else _GONE
    recall = search.self_test_sentence if search else _GONE
    yield "How well does the search find?", "recall", recall or "not measured"
    second, sample = evidence.second_scanner, evidence.human_sample
    yield "What is left in the text it was trained on?", "left-over", second.sentence if second else "not measured"
    yield "Did a person look?", "left-over", sample.sentence if sample else "no"
    yield "Can it be made to give its training text, or personal data, back?", "leak-test", _leaks(evidence)
    yield "Is it anonymous?", "limits", "nobody claims so"


def _of_its_use(evidence: Evidence) -> _Asked:
    yield "Who or what decided that it goes into service, and on what grounds?", "decisions", _decided(evidence)
    yield "Is it in service? Was it ever rolled back or retired?", "decisions", _service(evidence)
    yield "Could somebody have changed these records?", "decisions", _log(evidence)
    yield "Whose erasure requests concern it, and were they honoured?", "erasures", _requests(evidence)
    yield (
        "Which documents held a given person's data?",
        "check",
        "gptmodel find --values, also after the raw text is gone",
    )
    yield "What is it meant for, and what do its users do with it?", "limits", "recorded nowhere"
    yield "Bias, harmful output, attacks, energy?", "limits", "not measured"
    yield "How do I check all this myself?", "check", "with the commands there, and SHA256SUMS over this folder"


def _files(evidence: Evidence) -> str:
    identity = evidence.identity
    if identity is None:
        return "known from the registry only"
    changed = identity.changed_files
    return f"no: {changed}" if changed else f"yes, hashed again: {len(identity.files)} files as they were registered"


def _code(evidence: Evidence) -> str:
    made = evidence.identity.made_with if evidence.identity else None
    return f"{made.code}; Python {made.python}" if made else "not known"


def _states(evidence: Evidence) -> str:
    if not evidence.stages:
        return "not known here"
    counts = {state: sum(one.state == state for one in evidence.stages) for state in
              ("whole", "text deleted", "purged", "damaged", "gone")}  # fmt: skip
    told = [f"{number} {state}" for state, number in counts.items() if number]
    return f"{len(evidence.stages)} stages: {', '.join(told)}"


def _scores(evidence: Evidence) -> str:
    scores = evidence.evaluation
    if "bits_per_byte" not in scores:
        return "not known here"
    return f"{number_text(scores['bits_per_byte'])} bits per byte on {scores['num_documents']:,} documents held out"


def _trained(evidence: Evidence) -> str:
    return f"{_counted(sum(one.num_trained for one in evidence.sources), 'document')} trained on"


def _personal(evidence: Evidence) -> str:
    said = [f"{one.name}: {one.personal_data}" for one in evidence.sources]
    return f"{', '.join(said) or 'not known here'}; a legal basis is recorded nowhere"


def _raw_text(evidence: Evidence) -> str:
    raw = [one for one in evidence.stages if one.stage in ("ingest", "clean")]
    kept = [one.stage for one in raw if one.state == "whole"]
    if not raw:
        return "not known here"
    why = "every source says that it holds no data about people, or the config says corpus.keep_raw"
    return f"kept, for {why}: {', '.join(kept)}" if kept else "no: text from before scrubbing was deleted"


def _dropped(evidence: Evidence) -> str:
    if evidence.funnel is None:
        return _GONE if evidence.identity else "not known here"
    total = evidence.funnel.total
    return (
        f"{total.dropped.num_documents:,} of {total.documents.num_documents:,} documents; "
        f"{total.num_quarantined:,} of {total.num_read:,} files and records could not be read"
    )


def _leaks(evidence: Evidence) -> str:
    decision = evidence.privacy
    if decision is None:
        return _GONE
    exposure = evidence.leak_test.get("exposure", {})
    said = "the leak test passed" if decision.passed else "the leak test said no"
    return (
        said
        if exposure.get("can_see") or not decision.passed
        else f"{said}, but is too weak on this model to mean much"
    )


def _decided(evidence: Evidence) -> str:
    if not evidence.comparisons:
        return "not known"
    people = sorted(
        {one.by for one in evidence.chain.events if one.kind == "approved" and one.subject == evidence.model}
    )
    by = f"approved by {', '.join(name or 'a person' for name in people)}" if people else "no person asked"
    return f"{evidence.comparisons[-1].decision.reason}; {by}"


def _service(evidence: Evidence) -> str:
    answer = evidence.registry
    if not answer.is_asked:
        return "not known: the registry was not asked"
    serves = "it is the champion" if "champion" in answer.aliases else f"the champion is {answer.champion or 'nobody'}"
    back = any(one.kind == "rolled back" and one.subject == evidence.model for one in evidence.chain.events)
    return "; ".join([serves, *(["rolled back"] if back else []), *(["retired"] if answer.retired else [])])


def _log(evidence: Evidence) -> str:
    chain = evidence.chain
    if chain.problem:
        return f"yes: {chain.problem}"
    events = _counted(chain.num_events, "event")
    return f"{events}, the chain is unbroken; nothing is signed" if chain.num_events else "no event is on record"


def _requests(evidence: Evidence) -> str:
    out = sum(one.relation == "left out" for one in evidence.erasures)
    saw = sum(one.relation in ("saw", "may have seen") for one in evidence.erasures)
    if not out and not saw:
        return "none"
    return f"{out} left out before training; {saw} came later and concern documents that it saw or may have seen"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
