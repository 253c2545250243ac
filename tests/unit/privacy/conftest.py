import pytest

from gptmodel.config import TokenizerConfig
from gptmodel.corpus.scrubbing import PLACEHOLDERS
from gptmodel.privacy import AuditResult, audit
from gptmodel.store import Workspace
from gptmodel.tokenizer import Tokenizer, learn
from tests.unit.privacy.models import CONFIG, SCRUBBED, UNSCRUBBED, corpus, real_documents, workspace


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return learn([document.text for document in real_documents()], TokenizerConfig(vocab_size=400), PLACEHOLDERS)


@pytest.fixture(scope="session")
def leaky(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Workspace:
    return workspace(tmp_path_factory.mktemp("leaky"), tokenizer, corpus(UNSCRUBBED))


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Workspace:
    return workspace(tmp_path_factory.mktemp("clean"), tokenizer, corpus(SCRUBBED))


@pytest.fixture(scope="session")
def leaky_result(leaky: Workspace) -> AuditResult:
    return audit(leaky, CONFIG, UNSCRUBBED)


@pytest.fixture(scope="session")
def clean_result(clean: Workspace) -> AuditResult:
    return audit(clean, CONFIG, SCRUBBED)
