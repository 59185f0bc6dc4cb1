"""Statements become phrases, phrases codes, codes their scored ancestors, case by case."""

import csv

import pytest

from ecg12.io.classes import WEIGHTS, code_of, load_weights
from ecg12.labelling import indexes
from ecg12.labelling.hierarchy import scored_ancestors
from ecg12.labelling.indexes import EDGES, TERMS, open_index, relationship_entries, umls_entries
from ecg12.labelling.lookup import Mapper
from ecg12.labelling.splitting import CONNECTIVES, PAPER, Splitting, phrases_of
from ecg12.labelling.wording import key_of
from ecg12.runtime.errors import InputError

CLASSES = load_weights(WEIGHTS)
CERTAIN = Splitting(uncertain=False)


def split(*segments, **options):
    return phrases_of(segments, Splitting(**options))


# Phrases


@pytest.mark.parametrize(
    ("segment", "phrases"),
    [
        ("ST and T wave abnormality", ["st abnormality", "t wave abnormality"]),
        ("ST & T wave abnormality", ["st abnormality", "t wave abnormality"]),
        ("Nonspecific ST-T changes", ["nonspecific st changes", "t changes"]),
        ("Left and right axis shift", ["left axis shift", "right axis shift"]),
        ("Axis shift to the left, RBBB", ["axis shift to the left", "rbbb"]),
        ("Low voltage QRS and right axis", ["low voltage qrs", "right axis"]),
        ("Inferior/lateral infarct", ["inferior infarct", "lateral infarct"]),
        ("Anterior, septal and lateral injury",
         ["anterior injury", "septal injury", "lateral injury"]),
        ("Junctional or ventricular rhythm", ["junctional rhythm", "ventricular rhythm"]),
        ("First or second degree A-V block", ["first degree av block", "second degree av block"]),
        ("Left axis deviation and RBBB", ["left axis deviation", "rbbb"]),
    ],
)  # fmt: skip
def test_a_shared_head_noun_is_given_back(segment, phrases):
    assert split(segment) == phrases


@pytest.mark.parametrize("word", list(CONNECTIVES))
def test_every_connective_of_the_table_cuts_and_only_if_chosen(word):
    segment = f"wide QRS {word} pauses"
    assert split(segment) == ["wide qrs", "pauses"]
    rest = tuple(other for other in CONNECTIVES if other != word)
    assert split(segment, connectives=rest) != ["wide qrs", "pauses"]


def test_the_papers_four_connectives():
    assert PAPER == ("and", "with", "likely", "frequent")  # section 2.1
    said = split("Flutter, likely atrial, with frequent pauses", connectives=PAPER)
    assert said == ["flutter", "atrial", "pauses"]


def test_words_that_hold_a_connective_are_not_cut():
    assert split("Standing wave") == ["standing wave"]


def test_an_unknown_connective_is_an_error_that_lists_the_table():
    with pytest.raises(InputError, match="unknown connective 'plus'; choices: 'and', 'with'"):
        Splitting(connectives=("plus",))


@pytest.mark.parametrize(
    ("segment", "phrases"),
    [
        ("Possible flutter", []),
        ("Sinus rhythm with possible flutter or junctional rhythm", ["sinus rhythm"]),
        ("Wide QRS, consider hyperkalemia, low voltage", ["wide qrs", "low voltage"]),
        ("Cannot rule out anterior infarct", []),
        ("Anterior infarct cannot be ruled out", []),
        ("Flutter", ["flutter"]),
    ],
)
def test_what_is_uncertain_can_be_dropped(segment, phrases):
    assert phrases_of([segment], CERTAIN) == phrases


def test_what_is_uncertain_is_kept_as_in_the_paper():
    assert split("Anterior infarct cannot be ruled out") == ["anterior infarct"]
    assert split("Can't exclude anterior infarct") == ["anterior infarct"]


@pytest.mark.parametrize(
    ("segment", "phrases"),
    [
        ("No ST elevation or T wave inversion", []),
        ("No evidence of acute ischemia", []),
        ("Sinus rhythm without pauses", ["sinus rhythm"]),
        ("Sinus rhythm w/o pauses", ["sinus rhythm"]),
        ("Sinus rhythm w/ pauses", ["sinus rhythm", "pauses"]),
        ("No pauses, dropped beats or escapes", []),
        ("No pauses, sinus rhythm", ["sinus rhythm"]),
        ("Escapes and pauses are no longer present", []),
        ("Left bundle branch block is no longer present", []),
        ("Sinus rhythm with pauses no longer seen", ["sinus rhythm"]),
        ("Flutter is absent", []),
        ("Absent P waves", []),
        ("Acute infarct ruled out. Sinus rhythm", ["sinus rhythm"]),
        ("P waves not evident, bradycardia", ["bradycardia"]),
        ("Sinus rhythm has replaced flutter", ["sinus rhythm"]),
        ("Flutter replaced by sinus rhythm", ["sinus rhythm"]),
        ("No flutter, but bradycardia", ["bradycardia"]),
        ("Nonspecific notching", ["nonspecific notching"]),
        ("Notching with normal axis", ["notching", "normal axis"]),
    ],
)
def test_what_is_denied_is_no_phrase(segment, phrases):
    assert split(segment) == phrases


@pytest.mark.parametrize(
    ("segment", "phrases"),
    [
        # forms: a name and its value
        ("Sinus rhythm: yes. Atrial fibrillation: no. Atrial flutter: absent.",
         ["sinus rhythm", "yes"]),
        ("Atrial flutter: not seen", []),
        ("Atrial flutter:NO", []),
        ("Atrial flutter: not detected; pauses: negative; escapes: none found", []),
        ("Atrial flutter: n/a", []),
        ("Flutter: no\nPauses: absent\nEscapes: present", ["escapes", "present"]),
        ("Flutter:\n no evidence of", []),
        ("Flutter: no since last ECG", []),
        ("AF: no, AFL: yes", ["afl", "yes"]),
        ("AF: no, AFL: no, pauses: yes", ["pauses", "yes"]),
        ("AF: no, AFL or pauses: yes", ["afl", "pauses", "yes"]),
        ("AF: no and AFL: no", []),
        ("AF, AFL: none", []),
        ("AF or AFL: none", []),
        ("Rhythm: sinus, AF: no", ["rhythm", "sinus"]),
        ("AF: none with sinus rhythm", ["sinus rhythm"]),
        ("Left bundle branch block - none", []),
        ("Flutter - no, sinus rhythm", ["sinus rhythm"]),
        # parentheses
        ("LBBB (none)", []),
        ("1st degree AV block (ruled out)", []),
        ("Atrial fibrillation (no longer present)", []),
        ("Flutter (now resolved), RBBB", ["rbbb"]),
        ("Sinus rhythm with flutter (resolved)", ["sinus rhythm"]),
        ("Sinus rhythm, flutter (none)", ["sinus rhythm"]),
        ("Atrial fibrillation (AF): no", []),
        ("Atrial fibrillation (AF (paroxysmal)): no", []),
        ("Atrial fibrillation (AF) is no longer present", []),
        ("Sinus rhythm. AF): no", ["sinus rhythm"]),
        ("(AF): no", []),
        ("Tracing (AF: no): pauses", ["tracing", "pauses"]),
        # a sentence, and "but"
        ("Flutter. Not present. Pauses", ["pauses"]),
        ("Sinus rhythm with flutter, but no longer seen", ["sinus rhythm"]),
        # after a comma
        ("AF, resolved", []),
        ("Sinus rhythm, AF, no longer seen today", ["sinus rhythm"]),
        ("Sinus rhythm with pauses and AF, not present", ["sinus rhythm"]),
        ("Flutter, replaced by sinus rhythm", ["sinus rhythm"]),
        ("AF, P waves absent", ["af"]),
        # headings
        ("Absent: AF", []),
        ("Sinus rhythm. Absent: AF, LBBB. Pauses", ["sinus rhythm", "pauses"]),
        ("Not seen:\nAF (atrial fibrillation), flutter; pauses", ["pauses"]),
        ("Ruled out: AF - paroxysmal", []),
        ("Absent: AF. Not seen", []),
        ("No: AF; absent: LBBB; present: PAC", ["present", "pac"]),
        # other marks
        ("AF? No", []),
        ("AF \u2013 no", []),
        ("Pauses, AF = none", ["pauses"]),
    ],
)  # fmt: skip
def test_a_clause_that_only_denies_speaks_of_the_one_before(segment, phrases):
    assert split(segment) == phrases


@pytest.mark.parametrize(
    ("segment", "phrases"),
    [
        ("Rhythm: sinus", ["rhythm", "sinus"]),
        ("Sinus rhythm: yes", ["sinus rhythm", "yes"]),
        ("Conclusion: no AF", ["conclusion"]),
        ("AF (no ST changes)", ["af"]),
        ("AF: no change", ["af"]),
        ("AF (not rapid)", ["af"]),
        ("AF: no longer rapid", ["af"]),
        ("ECG: normal - no change since last", ["ecg", "normal"]),
        ("ECG: normal - no change", ["ecg", "normal"]),
        ("No - AF", ["af"]),
        ("AF: not excluded", ["af"]),
        ("AF: cannot be ruled out", ["af"]),
        ("AF (P waves: absent)", ["af"]),
        ("Sinus rhythm. None.", ["sinus rhythm", "none"]),  # an empty field more
        ("Sinus rhythm. No. 5", ["sinus rhythm"]),
        ("Regular rhythm no frequent pauses", ["regular rhythm"]),
    ],
)
def test_what_names_its_own_finding_denies_nothing_before_it(segment, phrases):
    assert split(segment) == phrases


def test_forms_are_denied_whatever_the_connectives():
    said = split("AF: no, AFL: yes. LBBB (none). Pauses - absent", connectives=PAPER)
    assert said == ["afl", "yes"]


@pytest.mark.parametrize(
    "comparison",
    [
        "When compared with ECG of 12-MAR-2008 10:11,",
        "As compared to the tracing of yesterday",
        "Since previous tracing, no change",
        "In comparison with an earlier one",
    ],
)
def test_a_comparison_and_all_that_follows_is_dropped(comparison):
    assert split("Flutter", comparison, "Sinus rhythm is new") == ["flutter"]
    assert split(f"Flutter. {comparison}", "Sinus rhythm is new") == ["flutter"]


def test_who_confirmed_is_dropped():
    assert split("Confirmed by SMITH, JOHN (123)", "Flutter") == ["flutter"]


@pytest.mark.parametrize(
    ("segment", "phrases"),
    [
        ("T wave inversion in V1 - V3 leads", ["t wave inversion in v1", "v3 leads"]),
        ("T wave inversion in lateral leads", ["t wave inversion"]),
        ("T wave inversion in the inferior leads II III aVF", ["t wave inversion"]),
        ("There is a wide QRS present", ["wide qrs"]),
        ("The A-flutter", ["a flutter"]),
        ("Flutter; Flutter", ["flutter", "flutter"]),
        ("Flutter (coarse)", ["flutter", "coarse"]),
        ("MRN 1234567 flutter", []),
        ("Flutter, born 03/09/1950", ["flutter"]),
        ("Flutter, born 9-Mar-1950", ["flutter"]),
        ("--- , 120", []),
    ],
)
def test_phrases_hold_a_finding_and_nothing_else(segment, phrases):
    assert split(segment) == phrases


# Keys


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1st degree A-V block", "First degree atrioventricular block"),
        ("Low voltage QRS", "QRS, low voltage"),
        ("Abnormalities of the T-wave", "T wave abnormality"),
        ("Premature complexes", "complex, premature"),
        ("Non-specific delay", "Nonspecific delays"),
    ],
)
def test_spellings_of_one_phrase_share_a_key(one, other):
    assert key_of(one) == key_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("left axis", "right axis"), ("sinus", "sinu"), ("ST elevation", "ST depression")],
)
def test_other_phrases_have_other_keys(one, other):
    assert key_of(one) != key_of(other)


# Scored ancestors


def graph(*edges):
    parents = {}
    for edge in edges:
        child, parent = edge.split(">")
        parents.setdefault(child, []).append(parent)
    return lambda code: parents.get(code, ())


@pytest.mark.parametrize(
    ("edges", "nearest", "every"),
    [
        (["x>A"], "A", "A"),  # depth 1
        (["x>y", "y>A"], "A", "A"),  # depth 2
        (["x>y", "y>z", "z>A"], "A", "A"),  # depth 3
        (["x>A", "A>B"], "A", "AB"),  # another scored class between
        (["x>A", "x>B"], "AB", "AB"),  # two nearest parents
        (["x>y", "x>z", "y>A", "z>A"], "A", "A"),  # a diamond below a class
        (["x>A", "x>y", "y>B", "A>B"], "AB", "AB"),  # one path meets A first, another does not
        (["x>A", "A>y", "y>B"], "A", "AB"),
        (["x>y", "y>z", "z>x", "z>A"], "A", "A"),  # a cycle
        (["x>x", "x>A", "A>x"], "A", "A"),  # a loop, and a way back
        (["x>y", "y>z"], "", ""),
        (["A>B"], "", ""),
    ],
)
def test_the_scored_ancestors(edges, nearest, every):
    assert scored_ancestors("x", graph(*edges), {"A", "B"}) == set(nearest)
    assert scored_ancestors("x", graph(*edges), {"A", "B"}, all_ancestors=True) == set(every)


def test_a_scored_code_ends_the_search():
    assert scored_ancestors("A", graph("A>B"), {"A", "B"}) == {"A"}
    assert scored_ancestors("A", graph("A>B"), {"A", "B"}, all_ancestors=True) == {"A", "B"}


@pytest.mark.parametrize(
    ("code", "nearest", "every"),
    [
        ("SB", ["SB"], ["SB", "Brady", "NSR"]),  # 426177001 is below 426627000 and 426783006
        ("STach", ["STach"], ["STach", "NSR"]),
        ("PAC", ["PAC"], ["PAC", "SVPB"]),
        ("AF", ["AF"], ["AF"]),
        ("LAnFB", ["LAnFB"], ["LAnFB", "LBBB"]),  # 445118002 is below 164909002
        ("233917008", [], []),  # atrioventricular block: above IAVB, below no scored class
        ("6374002", [], []),  # bundle branch block
        ("164898000", [], []),
    ],
)
def test_the_ancestors_on_the_papers_figure_4(shared, code, nearest, every):
    parents = {}
    with (shared / "reference" / "mcircc_figure4_hierarchy.csv").open() as file:
        for row in csv.DictReader(file):
            parents.setdefault(row["child_snomed_ct"], []).append(row["parent_snomed_ct"])
    start = code if code.isdigit() else code_of(code)
    for all_ancestors, expected in ((False, nearest), (True, every)):
        found = scored_ancestors(
            start, lambda c: parents.get(c, ()), CLASSES.columns, all_ancestors=all_ancestors
        )
        assert found == {code_of(name) for name in expected}


# Release files


def conso(cui, code, text, *, language="ENG", source="SNOMEDCT_US", suppress="N"):
    """Return a line of MRCONSO.RRF: 18 fields, each ended by a bar."""
    return (
        f"{cui}|{language}|P|L1|PF|S1|Y|A1||{code}||{source}|PT|{code}|{text}|9|{suppress}|256|\n"
    )


def relation(child, parent, *, active="1", kind="116680003"):
    """Return a line of sct2_Relationship_Snapshot: ten columns."""
    cells = ["1", "20200301", active, "9", child, parent, "0", kind, "9", "9"]
    return "\t".join(cells) + "\r\n"


HEADER = relation("sourceId", "destinationId", active="active", kind="typeId")


@pytest.fixture
def make_mapper(tmp_path):
    """Return a function that makes a mapper from lines of release files."""

    def make(strings=(), relations=(), **options):
        strings, relations = [conso("C0", "1", "Else"), *strings], [relation("1", "2"), *relations]
        (tmp_path / "MRCONSO.RRF").write_text("".join(strings))
        (tmp_path / "sct2.txt").write_bytes((HEADER + "".join(relations)).encode())
        terms = open_index(tmp_path / ".u", tmp_path / "MRCONSO.RRF", TERMS, umls_entries)
        edges = open_index(tmp_path / ".h", tmp_path / "sct2.txt", EDGES, relationship_entries)
        return Mapper(CLASSES, terms, edges, **options)

    return make


def codes(mapper, phrase):
    return set(mapper.propose(phrase).codes)


AF, PACED = code_of("AF"), code_of("PR")


def test_a_phrase_is_found_by_any_string_of_its_concept(make_mapper):
    strings = [
        conso("C1", "777", "Quivering atria"),
        conso("C1", AF, "Atria that quiver (finding)"),
    ]
    mapper = make_mapper(strings)
    assert codes(mapper, "atria quivering") == {AF}
    assert codes(mapper, "that quiver atria") == {AF}
    assert mapper.propose("quivering atria").why == f"auto: C1, scored as {AF}"


@pytest.mark.parametrize(
    "left_out", [{"language": "FRE"}, {"source": "MSH"}, {"suppress": "O"}, {"suppress": "Y"}]
)
def test_other_languages_sources_and_withdrawn_strings_are_left_out(make_mapper, left_out):
    mapper = make_mapper([conso("C1", AF, "Quivering atria", **left_out)])
    assert mapper.propose("quivering atria").codes == ()
    assert mapper.propose("quivering atria").why == "auto: not in the vocabulary"


def test_prefixes_of_ecg_findings_and_halves_of_acronyms_are_names_too(make_mapper):
    mapper = make_mapper(
        [conso("C1", AF, "ECG: quivering (finding)"), conso("C2", PACED, "XQ - Box")]
    )
    assert codes(mapper, "quivering") == {AF}
    assert codes(mapper, "xq") == codes(mapper, "box") == {PACED}


def test_codes_that_are_not_scored_have_scored_ancestors(make_mapper):
    relations = [relation("777", "778"), relation("778", AF), relation("777", PACED)]
    mapper = make_mapper([conso("C1", "777", "Odd rhythm")], relations)
    assert codes(mapper, "odd rhythm") == {AF, PACED}
    assert mapper.propose("odd rhythm").why == "auto: C1, ancestor of 777"


def test_a_scored_code_of_the_concept_ends_the_search(make_mapper):
    strings = [conso("C1", "777", "Odd rhythm"), conso("C1", AF, "Odd rhythm")]
    assert codes(make_mapper(strings, [relation("777", PACED)]), "odd rhythm") == {AF}


@pytest.mark.parametrize("left_out", [{"active": "0"}, {"kind": "363698007"}])
def test_inactive_edges_and_other_relationships_are_not_followed(make_mapper, left_out):
    mapper = make_mapper([conso("C1", "777", "Odd rhythm")], [relation("777", AF, **left_out)])
    assert mapper.propose("odd rhythm").codes == ()
    assert mapper.propose("odd rhythm").why == "auto: C1 has no scored ancestor"


def test_equivalent_classes_get_both_codes(make_mapper):
    mapper = make_mapper([conso("C1", code_of("RBBB"), "Odd block")])
    assert codes(mapper, "odd block") == {code_of("RBBB"), code_of("CRBBB")}


def test_every_ancestor_on_request(make_mapper):
    lines = [conso("C1", code_of("SB"), "Slow sinus")], [relation(code_of("SB"), code_of("NSR"))]
    assert codes(make_mapper(*lines), "slow sinus") == {code_of("SB")}
    mapper = make_mapper(*lines, all_ancestors=True)
    assert codes(mapper, "slow sinus") == {code_of("SB"), code_of("NSR")}


def test_the_challenges_own_names_are_known_without_any_vocabulary():
    mapper = Mapper(CLASSES)
    assert codes(mapper, "atrial flutter") == {code_of("AFL")}
    assert mapper.propose("sa").codes == ()  # abbreviations are ambiguous


def test_an_index_is_built_once_and_again_when_its_source_changes(
    make_mapper, tmp_path, monkeypatch
):
    read = []
    entries = indexes._entries

    def counted(source, parse):
        read.append(source.name)
        return entries(source, parse)

    monkeypatch.setattr(indexes, "_entries", counted)
    strings = [conso("C1", AF, "Quivering atria")]
    make_mapper(strings)
    assert read == ["MRCONSO.RRF", "sct2.txt"]
    read.clear()
    source = tmp_path / "MRCONSO.RRF"
    open_index(tmp_path / ".u", source, TERMS, umls_entries)
    assert read == []
    with source.open("a") as file:
        file.write(conso("C2", PACED, "Box"))
    index = open_index(tmp_path / ".u", source, TERMS, umls_entries)
    assert read == ["MRCONSO.RRF"]
    assert index["box"] == [("C2", PACED)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"C1|ENG|SNOMEDCT_US|\n", r"MRCONSO.RRF, line 2: 4 fields, but MRCONSO.RRF has 18"),
        (conso("C1", AF, "@").encode().replace(b"@", b"\xff"), r"MRCONSO.RRF, line 2: not UTF-8"),
    ],
)
def test_a_file_of_another_format_is_an_error_that_names_the_line(tmp_path, line, message):
    source = tmp_path / "MRCONSO.RRF"
    source.write_bytes(conso("C1", AF, "Quivering atria").encode() + line)
    with pytest.raises(InputError, match=message):
        open_index(tmp_path / ".u", source, TERMS, umls_entries)
    assert list(tmp_path.iterdir()) == [source]  # no half of an index


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("MRCONSO.RRF", "", "MRCONSO.RRF: no line of it is of use"),
        ("MRCONSO.RRF", conso("C1", AF, "x", source="MSH"), "is it the right file"),
        ("sct2_Relationship_Full_INT.txt", "", "a Full release holds withdrawn entries"),
        ("sct2_Relationship_Delta_INT.txt", "", "a Delta release holds withdrawn entries"),
    ],
)
def test_a_file_without_anything_of_use_is_an_error(tmp_path, name, line, message):
    (tmp_path / name).write_text(line)
    with pytest.raises(InputError, match=message):
        open_index(tmp_path / ".u", tmp_path / name, TERMS, umls_entries)


def test_a_damaged_index_is_built_again(tmp_path):
    source = tmp_path / "MRCONSO.RRF"
    source.write_text(conso("C1", AF, "Quivering atria"))
    (tmp_path / ".u").write_bytes(b"no index" * 100)
    assert open_index(tmp_path / ".u", source, TERMS, umls_entries)["atria quivering"]
