"""Data files and scenarios say where their numbers come from."""
import json
import re

import house

ORIGINS = ("published", "measured", "derived", "fitted", "assumed")
QUANTITY = re.compile(r"^-?\d[\d.,eE+-]*\s+\S+$")


def read(path):
    return json.loads(house.without_comments(path.read_text(encoding="utf-8")))


def constants_without_source(value, pointer=""):
    """Pointers of quantities that stand outside {value, origin, source}, or where one of these is missing or empty."""
    if isinstance(value, dict):
        if "value" in value:
            if value.get("origin") not in ORIGINS:
                yield pointer, f"\"origin\" is not one of {', '.join(ORIGINS)}"
            if not str(value.get("source", "")).strip():
                yield pointer, "has no \"source\""
            return
        for key, member in value.items():
            yield from constants_without_source(member, f"{pointer}/{key}")
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from constants_without_source(member, f"{pointer}/{index}")
    elif isinstance(value, str) and QUANTITY.match(value):
        yield pointer, f"\"{value}\" is a bare quantity; write value, origin and source"
    elif isinstance(value, float):
        yield pointer, f"{value} is a bare number; write value, origin and source"


def data_violations(root):
    found = []
    for path in house.files(root, (".json",)):
        if len(path.parts) > 2 and path.parts[1] in ("data", "hardware"):
            found += [f"{path}: {pointer}: {why}" for pointer, why in constants_without_source(read(root / path))]
    return found


def scenario_violations(root):
    found = []
    for path in house.files(root, (".json",)):
        if path.parts[0] != "scenarios" or len(path.parts) != 2:
            continue
        scenario = read(root / path)
        found += [f"{path}: has no \"{key}\"" for key in ("title", "question", "source")
                  if not str(scenario.get(key, "")).strip()]
    return found


class Data(house.HouseTest):
    def test_every_constant_has_an_origin_and_a_source(self):
        self.expect_none(data_violations(house.ROOT))

    def test_there_are_constants_to_look_at(self):
        self.assertGreater(len([p for p in house.files(house.ROOT, (".json",)) if "data" in p.parts]), 5)

    def test_every_scenario_says_its_title_question_and_source(self):
        self.expect_none(scenario_violations(house.ROOT))

    def test_planted_violations_are_found(self):
        self.plant("topology/data/nodes/a.json", '''{
            "title": "a node", "gpus": 8, // a count needs no unit
            "good": {"value": "50 GB/s", "origin": "published", "source": "https://example.org/x"},
            "bare": "50 GB/s", "number": 0.95,
            "nowhere": {"value": "1 us", "origin": "published", "source": " "},
            "origin": {"value": "1 us", "origin": "guessed", "source": "a page"}}''')
        self.plant("scenarios/a.json", '{"title": "t", "question": ""}')
        self.assertEqual([v.split(": ")[1] for v in data_violations(self.folder)], ["/bare", "/number", "/nowhere", "/origin"])
        self.assertEqual(scenario_violations(self.folder), ['scenarios/a.json: has no "question"', 'scenarios/a.json: has no "source"'])


if __name__ == "__main__":
    house.main()
