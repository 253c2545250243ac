"""The program that is measured on Presidio's side; its own environment's interpreter runs it, as a file.

    VENV/bin/python -I benchmarks/presidio_texts.py INPUT OUTPUT

The same input and output as of scrub_texts.py. Presidio's pattern recognizers, tuned: threshold 0.4, Chinese telephone
numbers among the regions, public IP addresses only. Names of persons would need a model; the language engine is blank
(it splits words, which the recognizers' context needs). Nothing is downloaded: the list of public suffixes is the one
that comes with tldextract. Only public classes are called; nothing of this project is imported.
"""

import ipaddress
import json
import sys
import time
from pathlib import Path
from typing import Any

import spacy
import tldextract
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import SpacyNlpEngine
from presidio_analyzer.predefined_recognizers import PhoneRecognizer

KINDS = {
    "EMAIL_ADDRESS": "EMAIL", "PHONE_NUMBER": "PHONE", "IP_ADDRESS": "IP_ADDRESS", "CREDIT_CARD": "CREDIT_CARD",
    "IBAN_CODE": "IBAN", "US_SSN": "US_SSN", "CRYPTO": "CRYPTO",
}  # fmt: skip
REGIONS = ("US", "GB", "DE", "FE", "IL", "IN", "CA", "BR", "CN")
THRESHOLD = 0.4


class BlankEngine(SpacyNlpEngine):
    """A language engine without a model."""

    def __init__(self) -> None:
        super().__init__(models=[{"lang_code": "en", "model_name": "blank"}])
        self.nlp = {"en": spacy.blank("en")}


def main(source: str, output: str) -> None:
    """Search all texts and write what was found."""
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())
    texts = [json.loads(line)["text"] for line in Path(source).open(encoding="utf-8")]
    analyzer = _analyzer()
    _spans(analyzer, "warm@example.com 8.8.8.8")
    started = time.process_time()
    found = [_spans(analyzer, text) for text in texts]
    cpu_seconds = time.process_time() - started
    with Path(output).open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"spans": spans}) + "\n" for spans in found)
    num_bytes = sum(len(text.encode("utf-8", "replace")) for text in texts)
    print(json.dumps({"cpu_seconds": cpu_seconds, "num_bytes": num_bytes}))


def _analyzer() -> AnalyzerEngine:
    registry = RecognizerRegistry(supported_languages=["en"])
    registry.load_predefined_recognizers(languages=["en"])
    registry.remove_recognizer("PhoneRecognizer")
    registry.add_recognizer(PhoneRecognizer(supported_regions=REGIONS))
    return AnalyzerEngine(registry=registry, nlp_engine=BlankEngine(), supported_languages=["en"])


def _spans(analyzer: AnalyzerEngine, text: str) -> list[dict[str, Any]]:
    results = analyzer.analyze(text, language="en", entities=list(KINDS), score_threshold=THRESHOLD)
    return [
        {"start": one.start, "end": one.end, "type": KINDS[one.entity_type]}
        for one in results
        if one.entity_type != "IP_ADDRESS" or _is_public(text[one.start : one.end])
    ]


def _is_public(value: str) -> bool:
    try:
        return ipaddress.ip_address(value).is_global
    except ValueError:
        return False


if __name__ == "__main__":
    main(*sys.argv[1:])
