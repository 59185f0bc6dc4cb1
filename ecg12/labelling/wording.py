"""Normal spelling of text, phrases, and the keys of a look-up.

A *phrase* is what a person reads in the review file. A *key* is what is compared with the
vocabulary, in the manner of UMLS's program `norm` (Lexical Variant Generation): small letters,
without punctuation, stop words and plurals, one of several spellings, words in alphabetical order.
"""

import re

_REPLACED = (
    (re.compile(r"[\u2010-\u2015\u2212]"), "-"),
    (re.compile(r"['\u2018\u2019\u00b4`\"]"), ""),
    (re.compile(r"\bw/o\b"), "without"),
    (re.compile(r"\bw/"), "with "),
    (re.compile(r"\br/o\b"), "rule out"),
    (re.compile(r"\bst[-/ ]t\b"), "st and t"),
    (re.compile(r"\b([a-z])-([a-z])\b"), r"\1\2"),  # A-V, P-R
    (re.compile(r"\b(non|intra|supra|infra|sub|pre|post)-"), r"\1"),
    (re.compile(r"(?<=[a-z])/(?=[a-z])"), " or "),
    (re.compile(r"\bcan(?: not|not|t) (?:exclude|rule out)\b"), "cannot rule out"),
    (re.compile(r"[^\w\s,&<>=%.+]"), " "),
    (re.compile(r"\s+"), " "),
)
_PLACE = re.compile(r"\s*\bin (?:the |all )?(?:\w+ ){0,3}leads?\b(?: \w{1,4})*")
_AROUND = re.compile(
    r"^(?:the |there (?:is|are) (?:an? )?|evidence of )+"  # no bare "a": A-fib
    r"|(?: (?:is|are|was|were|now|present|noted|seen|evident))+$"
)
# No phrase of a diagnosis holds a date or a long number; an identifier does.
_PERSONAL = re.compile(r"\d{5}|\d{1,4}[-/. ]\d{1,2}[-/. ]\d{2,4}|\d[-/ ][a-z]{3}[-/ ]\d")

SPELLINGS = {
    "1st": "first", "2nd": "second", "3rd": "third", "atrioventricular": "av",
    "ischaemia": "ischemia", "ischaemic": "ischemic", "infarct": "infarction",
    "ekg": "ecg", "electrocardiogram": "ecg", "electrocardiographic": "ecg",
}  # fmt: skip
STOP_WORDS = frozenset("a an and are as at by for in is nos of on the to with".split())


def normalised(text: str) -> str:
    """Return text in small letters with one kind of hyphen, quote and blank."""
    text = text.lower()
    for pattern, replacement in _REPLACED:
        text = pattern.sub(replacement, text)
    return text.strip()


def phrase_of(text: str) -> str:
    """Return the phrase of a normalised part; "" for what is no finding or may identify a person.

    Leads, articles and "is present" are left out.
    """
    if _PERSONAL.search(text):
        return ""
    bare = _AROUND.sub("", _PLACE.sub("", text).strip(" ,.&+=%<>"))
    return bare.strip(" ,.&+=%<>") if re.search("[a-z]", bare) else ""


def key_of(phrase: str) -> str:
    """Return the key under which a phrase or a string of a vocabulary is looked up."""
    words = re.findall(r"\w+", normalised(phrase))
    singular = (SPELLINGS.get(word, _singular(word)) for word in words)
    return " ".join(sorted(word for word in singular if word not in STOP_WORDS))


def _singular(word: str) -> str:
    """Take a plural's ending off: complexes, abnormalities, waves; not sinus, axis, loss."""
    for ending, replacement in (("xes", "x"), ("ies", "y")):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return word.removesuffix(ending) + replacement
    if word.endswith("s") and len(word) > 3 and not word.endswith(("ss", "us", "is")):
        word = word.removesuffix("s")
    return SPELLINGS.get(word, word)
