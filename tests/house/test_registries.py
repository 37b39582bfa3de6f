"""A name in a list of meson.build has its file and a test that names it; a test file stands in its list."""
import re

import house

# meson.build, its list, where NAME.cpp lies, the room of its test.
REGISTRIES = [
    ("topology", "topology_names", "topology/kinds", "topology"),
    ("models", "reader_names", "models/calibration/readers", "models"),
    ("models", "kernel_names", "models/kernels/families", "models"),
    ("workloads", "workload_names", "workloads/kinds", "workloads"),
    ("workloads", "trace_names", "workloads/traces", "workloads"),
    ("workloads", "schedule_names", "workloads/training/schedules", "workloads"),
    ("scenarios", "analysis_names", "scenarios/kinds", "scenarios"),
    ("reports", "format_names", "reports/formats", "reports"),
]


def registry_violations(root):
    found = []
    for folder, list_name, kinds, room in REGISTRIES:
        names = house.meson_list(root / folder / "meson.build", list_name)
        if not names:
            found.append(f"{folder}/meson.build: the list {list_name} is missing or empty")
        for name in names:
            if not (root / kinds / f"{name}.cpp").is_file():
                found.append(f"{folder}/meson.build: {name} has no {kinds}/{name}.cpp")
            test = root / "tests" / room / f"test_{name}.cpp"
            if not test.is_file():
                found.append(f"{folder}/meson.build: {name} has no tests/{room}/test_{name}.cpp")
            elif not re.search(rf"\b{name}\b", test.read_text(encoding="utf-8")):
                found.append(f"tests/{room}/test_{name}.cpp: never names {name}")
        build = root / folder / "meson.build"
        for path in sorted((root / kinds).glob("*.cpp")):
            if path.stem not in names and path.name not in build.read_text(encoding="utf-8"):
                found.append(f"{kinds}/{path.name}: {folder}/meson.build does not compile it")
    return found


def test_list_violations(root):
    found = []
    for room in sorted(p for p in (root / "tests").iterdir() if p.is_dir()):
        build = room / "meson.build"
        text = build.read_text(encoding="utf-8") if build.is_file() else ""
        for path in sorted([*room.glob("test_*.cpp"), *room.glob("test_*.py")]):
            name = path.stem.removeprefix("test_")
            if f"'{name}'" not in text:
                found.append(f"tests/{room.name}/{path.name}: stands not in the list of tests/{room.name}/meson.build")
    return found


class Registries(house.HouseTest):
    def test_every_registered_name_has_its_file_and_a_test_that_names_it(self):
        self.expect_none(registry_violations(house.ROOT))

    def test_every_test_file_stands_in_its_list(self):
        self.expect_none(test_list_violations(house.ROOT))

    def test_planted_violations_are_found(self):
        lists = {}
        for folder, list_name, kinds, room in REGISTRIES:
            lists[folder] = lists.get(folder, "") + f"{list_name} = ['one', 'two']\n"
            self.plant(f"{folder}/meson.build", lists[folder])
            self.plant(f"{kinds}/one.cpp", "")
            self.plant(f"{kinds}/three.cpp", "")
            self.plant(f"tests/{room}/test_one.cpp", "one, not oneself")
            self.plant(f"tests/{room}/test_two.cpp", "twofold")
            self.plant(f"tests/{room}/meson.build", "names = ['one']\n")
        found = registry_violations(self.folder)
        for _, _, kinds, room in REGISTRIES:
            self.assertIn(f"tests/{room}/test_two.cpp: never names two", found)
            self.assertTrue(any(v.startswith(f"{kinds}/three.cpp: ") for v in found))
            self.assertTrue(any(v.endswith(f"two has no {kinds}/two.cpp") for v in found))
        self.assertEqual(len(found), 3 * len(REGISTRIES), found)
        self.assertEqual(len(test_list_violations(self.folder)), len({room for *_, room in REGISTRIES}))


if __name__ == "__main__":
    house.main()
