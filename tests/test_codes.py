"""Do the shipped event codes hang together, mean what the datasets mean by them, and say what is lost between schemes?"""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
import shutil
from pathlib import Path

import pytest
import yaml

from app.codes import load
from app.errors import ChanceryError

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "seed" / "codes"
DATA = ROOT / os.environ.get("CHANCERY_TEST_DATA", "../shared/data")
QUOTED_MOST = 6  # words in a row that a definition may share with anybody's codebook by chance


@pytest.fixture(scope="module")
def codes():
    return load(FOLDER)


def given(*parts: str) -> Path:
    """A file of the test data; the test is skipped where it is absent."""
    file = DATA.joinpath(*parts)
    if not file.exists():
        pytest.skip(f"{file} is not here; CHANCERY_TEST_DATA names the folder that has {parts[0]}/")
    return file


def lines(file: Path) -> list[str]:
    read = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    return read.decode("utf-8", "replace").splitlines()


# ── What hangs together ─────────────────────────────────────────────────────────────────────────────────────────────


def test_every_code_stands_under_one_of_twenty_roots(codes):
    cameo = codes.by_scheme["cameo"]

    assert [code for code, one in cameo.items() if one.kind == "root"] == [f"{root:02d}" for root in range(1, 21)]
    assert {codes.ancestors(code)[-1] for code, one in cameo.items() if one.kind != "root"} == {
        f"{root:02d}" for root in range(1, 21)
    }
    assert len(cameo) == 318


def test_the_way_up_and_the_way_down_are_the_same(codes):
    assert codes.ancestors("0234") == ("023", "02")
    assert codes.children("023") == ("0231", "0232", "0233", "0234")
    assert codes.within("023") == ("023", "0231", "0232", "0233", "0234")
    assert codes.leaves("023") == ("0231", "0232", "0233", "0234")
    assert codes.leaves("0234") == ("0234",)
    assert codes.within("9") == codes.ancestors("9") == codes.children("9") == codes.leaves("9") == ()
    assert codes.ancestors("ASSAULT-drone", "plover") == ("ASSAULT",)


def test_a_zero_at_the_front_makes_another_code(codes):
    assert codes.cameo("010").label == "Make statement"
    assert codes.cameo("10").label == "Demand"
    assert codes.cameo("234") is None


def test_a_code_has_the_quad_class_of_its_root(codes):
    classes = {code: one.quad for code, one in codes.by_scheme["cameo"].items()}

    assert {code: quad for code, quad in classes.items() if quad != classes[code[:2]]} == {}
    assert [root for root in classes if len(root) == 2 and classes[root] == 2] == ["06", "07", "08"]
    assert (codes.quad("091"), codes.quad("141"), codes.quad("0234"), codes.quad("nothing")) == (3, 4, 1, None)


def test_gdelt_puts_investigations_and_protests_into_classes_of_its_own(codes):
    assert (codes.quad("091", "gdelt"), codes.quad("1411", "gdelt")) == (2, 3)
    assert (codes.quad("091", "icews"), codes.quad("1411", "icews")) == (3, 4)


def test_weights_lie_between_war_and_peace(codes):
    weights = [value for weight in codes.weights.values() for value in weight.by_dataset.values()]
    scores = [one.score for one in codes.by_scheme["plover"].values() if one.score is not None]

    assert (min(weights), max(weights)) == (-10, 10)
    assert (min(scores), max(scores)) == (-10, 10)
    assert codes.weights.keys() == codes.by_scheme["cameo"].keys()


def test_gdelt_and_icews_weigh_four_codes_otherwise(codes):
    weighed = {code: (codes.goldstein(code, "gdelt"), codes.goldstein(code, "icews")) for code in codes.weights}

    assert {code: pair for code, pair in weighed.items() if None not in pair and pair[0] != pair[1]} == {
        "016": (-2.0, -5.0),
        "022": (3.2, 3.4),
        "164": (-7.0, -6.5),
        "165": (-6.5, -7.0),
    }
    assert codes.goldstein("016", "tkg") == -5.0
    assert codes.goldstein("155", "gdelt") is codes.goldstein("nothing", "icews") is None


def test_every_definition_is_one_sentence_of_our_own_for_one_code(codes):
    found = [(one.code, one.definition) for scheme in codes.by_scheme.values() for one in scheme.values()]

    assert [code for code, words in found if not re.fullmatch(r"[A-Z][^.]*\.", words)] == []
    assert len({one.definition for one in codes.by_scheme["cameo"].values()}) == 318


# ── PLOVER and the way there ────────────────────────────────────────────────────────────────────────────────────────


def test_plover_has_sixteen_types_in_four_classes(codes):
    types = [one for one in codes.by_scheme["plover"].values() if one.kind == "type"]
    by_quad = {quad: [one.code for one in types if one.quad == quad] for quad in (1, 2, 3, 4)}

    assert by_quad == {
        1: ["AGREE", "CONSULT", "SUPPORT", "CONCEDE"],
        2: ["COOPERATE", "AID", "RETREAT"],
        3: ["REQUEST", "ACCUSE", "REJECT", "THREATEN"],
        4: ["PROTEST", "SANCTION", "MOBILIZE", "COERCE", "ASSAULT"],
    }
    assert sum(one.kind == "context" for one in codes.by_scheme["plover"].values()) == 37


def test_what_the_manual_contradicts_itself_on_is_decided(codes):
    assert codes.plover("SANCTION").quad == 4
    assert codes.plover("ACCUSE").score == -3


def test_cooperation_scores_above_and_conflict_below_or_at_zero(codes):
    scored = [
        one for one in codes.by_scheme["plover"].values() if one.score is not None and one.code != "REQUEST-assist"
    ]

    assert [one.code for one in scored if (one.score > 0) != (one.quad in (1, 2))] == []


def test_statements_and_appeals_have_no_counterpart_and_say_so(codes):
    without = [code for code, crossing in codes.crossings.items() if crossing.plover is None]

    assert {code[:2] for code in without} == {"01", "02", "08"}
    assert [code for code in without if code.startswith("08")] == ["08"]
    assert [code for code in without if not codes.losses(code)] == []


def test_a_root_leads_where_most_of_its_codes_lead(codes):
    leaving = {
        code: crossing.plover
        for code, crossing in codes.crossings.items()
        if (root := codes.crossings[code[:2]].plover) is not None and crossing.plover != root
    }

    assert leaving == {"163": "COERCE", "1712": "ASSAULT", "175": "ASSAULT", "191": "COERCE", "192": "COERCE"}


def test_codes_that_become_the_same_name_each_other(codes):
    assert codes.alike("042") == ("043",)
    assert codes.alike("043") == ("042",)
    assert codes.alike("016") == ()
    assert "War, other violence" in codes.losses("195")[-1]


def test_what_a_plover_code_comes_from_leads_back_to_it(codes):
    assert codes.cameo_of("COERCE-curfew") == ("1723",)
    assert codes.cameo_of("ASSAULT-crowd-control") == ()
    assert {codes.plover_of(code).plover for code in codes.cameo_of("CONSULT")} == {"CONSULT"}


# ── Labels ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dataset", ["icews", "tkg", "gdelt"])
def test_every_label_that_a_dataset_has_leads_back_to_its_code(codes, dataset):
    labels = {code: codes.label(code, dataset) for code in codes.by_scheme["cameo"]}

    lost = {code: label for code, label in labels.items() if label and codes.code_of(label, dataset) != code}
    assert lost == {}
    assert sum(label is not None for label in labels.values()) == {"icews": 312, "tkg": 312, "gdelt": 311}[dataset]


@pytest.mark.parametrize(
    ("label", "dataset", "code"),
    [
        ("CONSULT", "icews", "04"),
        ("Consult", "icews", "040"),
        ("consult", None, "040"),
        ("Meet_at_a_'third'_location", "tkg", "044"),
        ("Meet at a “third” location", None, "044"),
        ("fight_with_artillery_and_tanks", "tkg", "194"),
        ("Appeal, not specified below", "gdelt", "020"),
        ("Demand mediation", "icews", "108"),
        ("Demand mediation", "gdelt", "105"),
        ("Demand mediation", None, "108"),
        ("Demand withdrawal", None, "106"),
        ("Dance", None, None),
        ("Demand withdrawal", "icews", None),
        ("Consult", "polecat", None),
    ],
)
def test_a_label_means_what_its_dataset_means_by_it(codes, label, dataset, code):
    assert codes.code_of(label, dataset) == code


# ── Against the data of others ──────────────────────────────────────────────────────────────────────────────────────


def test_every_relation_of_the_knowledge_graphs_has_a_code(codes):
    names = {
        line.split("\t")[0]
        for graph in ("icews14", "icews05-15")
        for line in lines(given("tkg", graph, "relation2id.txt"))
    }

    assert len(names) == 255
    assert {name for name in names if codes.code_of(name, "tkg") is None} == set()
    assert len({codes.code_of(name, "tkg") for name in names}) == 255
    assert {name for name in names if codes.label(codes.code_of(name, "tkg"), "tkg") != name} == set()


def test_real_icews_rows_bear_out_codes_labels_and_weights(codes):
    head, *rows = (line.split("\t") for line in lines(given("icews_raw", "events.2018.sample.tab.gz")))
    seen = {(row[5], row[6], row[7]) for row in rows}

    assert head[5:8] == ["Event Text", "CAMEO Code", "Intensity"]
    assert {one for one in seen if codes.code_of(one[0], "icews") != one[1]} == set()
    assert {one for one in seen if codes.label(one[1], "icews") != one[0]} == set()
    assert {one for one in seen if codes.goldstein(one[1], "icews") != float(one[2])} == set()


@pytest.mark.parametrize(
    "name", ["20180101000000.export.CSV.gz", "20190121220000.export.CSV.gz", "gdelt1_sample_57_and_58_cols.csv.gz"]
)
def test_real_gdelt_rows_bear_out_weights_and_quad_classes(codes, name):
    seen = {(row[26], row[29], row[30]) for row in (line.split("\t") for line in lines(given("gdelt", name)))}

    assert {one for one in seen if codes.quad(one[0], "gdelt") != int(one[1])} == set()
    assert {one for one in seen if codes.goldstein(one[0], "gdelt") != float(one[2])} == set()


def test_the_hands_that_are_sound_list_no_code_that_we_lack(codes):
    icews = {row["code"]: row for row in csv.DictReader(lines(given("codes", "icewsR_goldstein_mappings.csv")))}
    others = {line.split(",")[0] for line in lines(given("codes", "tenthe_cameo.csv"))}
    gdelt = {line.split("\t")[0] for line in lines(given("codes", "gdelt_CAMEO.eventcodes.txt"))[1:]}

    known = codes.by_scheme["cameo"].keys()
    assert (icews.keys() | others | gdelt) - known == set()
    assert {code for code, row in icews.items() if codes.goldstein(code, "icews") != float(row["goldstein"])} == set()
    assert {code for code, row in icews.items() if codes.label(code, "icews") != row["name"]} == set()
    assert known - icews.keys() - others == {"1214"}


def test_our_types_are_those_of_the_published_table(codes):
    rows = [re.match(r"(\d{3,4}):\s*([A-Z]+)", line) for line in lines(given("codes", "CAMEO2PLOVER-2021.txt"))]
    table = {row[1]: row[2] for row in rows if row}

    assert {code: kind for code, kind in table.items() if codes.plover_of(code).plover != kind} == {}
    ours = {code for code in codes.by_scheme["cameo"] if len(code) > 2 and code[:2] not in ("01", "02")}
    assert ours - table.keys() == {"155", "176", "1834", "1951", "1952"}


def test_the_types_of_the_gold_sentences_are_ours_or_of_the_older_draft(codes):
    gold = "\n".join(lines(given("gold", "PLOVER_GSR_CAMEO.json.txt.gz")))
    types = set(re.findall(r'"event": *"([A-Z]+)"', gold))

    # Draft 0.5 had types that were renamed or merged since; DOCUMENT is the file's own preface.
    renamed = {"DEMAND": "REQUEST", "DISAPPROVE": "ACCUSE", "INVESTIGATE": "ACCUSE", "FIGHT": "ASSAULT"}
    assert {one for one in types - {"DOCUMENT"} if codes.plover(renamed.get(one, one)) is None} == set()


def test_no_words_of_ours_are_those_of_a_codebook():
    theirs: set[tuple[str, ...]] = set()
    for file in sorted(given("codes").iterdir()):
        theirs |= runs("\n".join(lines(file)))
    ours = [words for file in sorted(FOLDER.glob("*.yaml")) for words in sentences(yaml.safe_load(file.read_text()))]

    assert len(ours) > 450
    assert [words for words in ours if runs(words) & theirs] == []


def runs(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"[^\W_]+", text.lower())
    return set(zip(*(words[start:] for start in range(QUOTED_MOST + 1)), strict=False))


def sentences(value: object) -> list[str]:
    """Every definition, note and loss in a document."""
    if isinstance(value, dict):
        own = [words for key, words in value.items() if key in ("definition", "note", "loss") and words]
        return own + [words for inner in value.values() for words in sentences(inner)]
    return [words for inner in value for words in sentences(inner)] if isinstance(value, list) else []


# ── Damaged files ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("cameo", 'code: "0234"', 'code: "234"', "234 stands before 23"),
        ("cameo", 'code: "0234"', 'code: "0233"', "0233 stands twice"),
        ("cameo", 'label: "Consult", quad: 1', 'label: "Consult", quad: 5', "04 has quad 5"),
        ("goldstein", "gdelt: -2.0, icews: -5.0", "gdelt: -20, icews: -5.0", "016 has gdelt -20"),
        ("goldstein", 'code: "016"', 'code: "999"', "999 is not in cameo.yaml"),
        ("plover", "mode: visit", "mode: third-party", "CONSULT-third-party stands twice"),
        ("plover", "recipient: optional", "recipient: null", "AGREE needs recipient"),
        ("crosswalk", "mode: phone", "mode: fax", "041 leads to CONSULT-fax"),
        ("crosswalk", '  - {code: "016", plover: null', '#  - {code: "016", plover: null', "no line for 016"),
        ("crosswalk", "rows:", "rows: [", "cannot be read as YAML"),
        ("crosswalk", "rows:", "lines:", "needs a list of lines under rows"),
    ],
)
def test_a_damaged_file_is_refused_with_its_place(tmp_path, file, old, new, said):
    shutil.copytree(FOLDER, tmp_path / "codes")
    damaged = tmp_path / "codes" / f"{file}.yaml"
    text = damaged.read_text(encoding="utf-8")
    assert old in text
    damaged.write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(ChanceryError, match=re.escape(said)) as refused:
        load(tmp_path / "codes")
    assert f"{file}.yaml" in refused.value.detail


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ChanceryError, match=r"cameo\.yaml"):
        load(tmp_path)


# ── Over HTTP ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_code_is_shown_with_its_place_weights_counterpart_and_losses(seeded):
    shown = seeded.json("/v1/codes/cameo/164")

    assert (shown["code"], shown["parent"], shown["ancestors"], shown["quad"]) == ("164", "16", ["16"], 4)
    assert (shown["goldstein"]["gdelt"], shown["goldstein"]["icews"]) == (-7.0, -6.5)
    assert shown["crosswalk"]["type"] == "SANCTION"
    assert shown["crosswalk"]["indistinguishable"] == ["161", "165"]
    assert shown["events"] == "/v1/events?code=164"


def test_a_code_without_a_counterpart_says_what_is_lost(seeded):
    crosswalk = seeded.json("/v1/codes/cameo/014")["crosswalk"]

    assert crosswalk["type"] is crosswalk["mode"] is None
    assert len(crosswalk["losses"]) == 2


def test_schemes_codes_and_links_lead_from_one_to_the_next(seeded):
    schemes = {one["scheme"]: one for one in seeded.json("/v1/codes")["items"]}
    below = seeded.json(f"{schemes['cameo']['items']}?parent=023")["items"]

    assert schemes["cameo"]["n"] == len(seeded.json(schemes["cameo"]["items"])["items"]) == 318
    assert [one["code"] for one in below] == ["0231", "0232", "0233", "0234"]
    shown = seeded.json(below[1]["self"].replace("0232", "0332"))
    assert [seeded.json(link)["code"] for link in shown["crosswalk"]["codes"]] == ["AGREE", "military"]


def test_every_code_of_both_schemes_is_answered(seeded):
    for scheme in ("cameo", "plover"):
        for one in seeded.json(f"/v1/codes/{scheme}")["items"]:
            shown = seeded.json(one["self"])
            assert {name: shown[name] for name in one} == one


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v1/codes/cameo/234", "Perhaps 0234 is meant."),
        ("/v1/codes/cameo/Make%20statement", "Perhaps 010 is meant."),
        ("/v1/codes/plover/consult", "Perhaps CONSULT is meant."),
        ("/v1/codes/cameo/%F0%9F%8E%88", "There is no such code in cameo. /v1/codes/cameo lists them."),
        ("/v1/codes/weis", "There are: cameo, plover."),
        ("/v1/codes/weis/01", "There are: cameo, plover."),
    ],
)
def test_a_code_that_does_not_exist_is_404_with_what_was_probably_meant(seeded, path, said):
    refused = seeded.get(path)

    assert refused.status_code == 404
    assert refused.headers["content-type"] == "application/problem+json"
    assert said in refused.json()["detail"]


def test_a_parent_that_does_not_exist_and_an_unknown_parameter_are_refused(seeded):
    for path, name in (
        ("/v1/codes/cameo?parent=23", "parent"),
        ("/v1/codes/cameo?parents=023", "parents"),
        ("/v1/codes/cameo/0234?as_of=999999", "as_of"),
    ):
        refused = seeded.get(path)
        assert refused.status_code == 422
        assert name in json.dumps(refused.json())


def test_codes_are_revalidated_by_what_is_shipped_and_not_by_the_revision(own_seeded):
    before = own_seeded.get("/v1/codes/cameo/0234")
    own_seeded.put(
        ("topic", {"id": "a-topic", "label": "A topic", "definition": None, "broader": None, "evidence": []})
    )
    after = own_seeded.get("/v1/codes/cameo/0234", if_none_match=before.headers["etag"])

    assert after.status_code == 304
    assert before.headers["cache-control"] == "public, no-cache"
    assert int(after.headers["kb-revision"]) == int(before.headers["kb-revision"]) + 1


def test_head_answers_as_get_does_without_the_body(seeded):
    got, headed = seeded.get("/v1/codes/cameo/0234"), seeded.client.head("/v1/codes/cameo/0234")

    assert (headed.status_code, headed.content) == (200, b"")
    assert headed.headers["etag"] == got.headers["etag"]
