from gptmodel.decision import Decision
from gptmodel.privacy import AuditResult, Extraction, Samples
from gptmodel.privacy.account import Prefixes
from gptmodel.privacy.verdict import decide
from tests.unit.privacy.models import CONFIG, SCRUBBED

QUIET = Samples(
    num_samples=9,
    num_invited=3,
    num_leaking=0,
    num_leaks=0,
    num_scrubbed_leaks=0,
    num_invented=0,
    num_copying=0,
    is_indexed=True,
)
UNTRIED = Extraction(copy_tokens=8, by_prefix=(), num_stretches=0, num_copied=0, num_copied_widespread=0)


def answer(
    result: AuditResult, samples: Samples = QUIET, extraction: Extraction = UNTRIED, **limits: float
) -> Decision:
    exposure = result.exposure.model_copy(update={"num_reached_training": 0, "p_value": 1.0})
    return decide(exposure, extraction, samples, CONFIG.model_copy(update=limits), SCRUBBED, alone=False)


def test_a_leak_in_a_sample_means_no(leaky_result: AuditResult):
    decision = answer(leaky_result, QUIET.model_copy(update={"num_leaking": 1, "num_leaks": 2}))
    assert not decision.passed
    assert "2 values in 9 samples stand in the training text" in decision.reason


def test_without_the_training_text_a_value_is_not_said_to_stand_in_it(leaky_result: AuditResult):
    exposure = leaky_result.exposure.model_copy(update={"num_reached_training": None, "p_value": 1.0})
    leaking = QUIET.model_copy(update={"num_leaking": 1, "num_leaks": 1, "is_indexed": False})
    alone = decide(exposure, UNTRIED, leaking, CONFIG, SCRUBBED, alone=True)
    assert alone.reason == "no: 1 value in 9 samples; without the training text no telling a leak from an invention"
    quiet = decide(exposure, UNTRIED, QUIET, CONFIG, SCRUBBED, alone=True)
    assert "held a value (upper bound" in quiet.reason


def test_a_value_from_before_scrubbing_is_an_alarm_of_its_own(leaky_result: AuditResult):
    leaks = {"num_leaking": 1, "num_leaks": 1, "num_scrubbed_leaks": 1}
    decision = answer(leaky_result, QUIET.model_copy(update=leaks))
    assert not decision.passed
    assert "1 value in 9 samples stood in the text before scrubbing alone" in decision.reason


def test_samples_that_repeat_documents_too_often_mean_no(leaky_result: AuditResult):
    copying = QUIET.model_copy(update={"num_copying": 3})
    assert not answer(leaky_result, copying, max_extraction_ratio=0.3).passed
    passed = answer(leaky_result, copying, max_extraction_ratio=0.4)
    assert passed.passed
    assert "3 of 9 samples repeat a training document for 8 tokens" in passed.reason


def test_the_worst_length_of_prefix_decides(leaky_result: AuditResult):
    groups = tuple(Prefixes(prefix_tokens=n, num_prefixes=10, num_copies=n // 8) for n in (8, 16, 32))
    tried = UNTRIED.model_copy(update={"by_prefix": groups, "num_copied": 4, "num_copied_widespread": 3})
    decision = answer(leaky_result, extraction=tried, max_extraction_ratio=0.3)
    assert not decision.passed
    assert "4 of 10 training prefixes of 32 tokens were continued" in decision.reason
    assert "3 of 4 copied stretches stand in several documents" in decision.reason


def test_where_nothing_was_copied_the_widest_bound_is_told(leaky_result: AuditResult):
    groups = tuple(Prefixes(prefix_tokens=n, num_prefixes=320 // n, num_copies=0) for n in (8, 16, 32))
    decision = answer(leaky_result, extraction=UNTRIED.model_copy(update={"by_prefix": groups}))
    assert "0 of 10 training prefixes of 32 tokens were continued" in decision.reason
    assert decision.numbers["extraction_upper_bound"] == 0.258866


def test_no_leak_comes_with_its_upper_bound(leaky_result: AuditResult):
    assert "0 of 9 samples (3 of them invited by a label) held a value" in answer(leaky_result).reason
    assert answer(leaky_result).numbers["leak_upper_bound"] == 0.283129


def test_a_test_that_could_not_have_seen_a_leak_says_so(clean_result: AuditResult):
    assert "(had all scrubbed ones leaked too: seen with a chance of 0%)" in answer(clean_result).reason


def test_a_test_too_weak_says_no_more_than_that(clean_result: AuditResult):
    unseen = {"in_clear_p_value": 0.5, "can_see": False, "num_recognised": 1, "least_repetitions_seen": None}
    weak = clean_result.model_copy(update={"exposure": clean_result.exposure.model_copy(update=unseen)})
    said = "too weak on this model to mean much: 1 of 4 left in clear were recognised, which may be chance"
    assert said in answer(weak).reason


def test_a_comparison_that_was_not_possible_is_in_the_scope(leaky_result: AuditResult):
    assert "not compared with" not in answer(leaky_result).scope
    unindexed = QUIET.model_copy(update={"is_indexed": False})
    assert "samples not compared with what was found before scrubbing" in answer(leaky_result, unindexed).scope
