"""How the house looks: file lengths, a README in each room, what may lie at the top, no printing below the command line."""
import re

import house

TOP_LEVEL = {"meson.build", "meson_options.txt", *house.ROOMS, "README.md", "LICENSE", "CHANGELOG.md", "weft", "check"}
CODE = (".cpp", ".h", ".cu", ".cuh", ".py", ".sh", ".build")
LONGEST = 400
WITH_README = ("", "sim", "sim/core", "sim/engine", "sim/analysis", "sim/cli", "topology", "models", "workloads", "scenarios",
               "reports", "tests")
# bug() ends the program and says why on stderr: the one place below the command line that prints.
MAY_PRINT = ("sim/cli/", "sim/main.cpp", "tests/", "sim/core/error.cpp")
PRINTING = re.compile(r"\bstd::(cout|cerr|clog)\b|\b(?:f?printf|f?puts)\s*\(|\bfmt::print(?:ln)?\s*\(")
MACHINE_PATH = re.compile(r"(?<![\w.$}~-])/(?:home|root|work|Users|mnt|scratch)/\w")
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b|\bnot impl" r"emented\b|\bplace" r"holder\b|\bfor n" r"ow\b|\bdummy va" r"lue\b", re.I)


def length_violations(root):
    found = []
    for path in house.files(root, CODE):
        count = (root / path).read_text(encoding="utf-8").count("\n")
        if count > LONGEST:
            found.append(f"{path}: {count} lines, at most {LONGEST}: it wants to be two files")
    return found


def readme_violations(root):
    return [f"{folder or '.'}: has no README.md" for folder in WITH_README
            if (root / folder).is_dir() and not (root / folder / "README.md").is_file()]


def top_level_violations(names):
    return [f"{name}: only {', '.join(sorted(TOP_LEVEL))} and dotfiles lie at the top" for name in sorted(names)
            if not name.startswith(".") and name not in TOP_LEVEL]


def text_violations(root, pattern, why, suffixes, exempt=()):
    found = []
    for path in house.files(root, suffixes):
        if path.as_posix().startswith(exempt):
            continue
        for number, text in house.lines(root / path):
            if pattern.search(text):
                found.append(f"{path}:{number}: {why}: {text.strip()[:80]}")
    return found


def printing(root):
    return text_violations(root, PRINTING, "prints below the command line", (".cpp", ".h"), MAY_PRINT)


def machine_paths(root):
    return text_violations(root, MACHINE_PATH, "a path of one machine", (*CODE, ".md", ".json"))


def unfinished(root):
    return text_violations(root, UNFINISHED, "says that it is not finished", (*CODE, ".md", ".json"))


class Layout(house.HouseTest):
    def test_no_file_is_longer_than_400_lines(self):
        self.expect_none(length_violations(house.ROOT))

    def test_every_room_has_a_readme(self):
        self.expect_none(readme_violations(house.ROOT))

    def test_the_top_level_holds_only_what_it_may(self):
        tracked = house.git_files(house.ROOT)
        if tracked is None:
            self.skipTest("no git checkout, so nobody knows what belongs to it")
        self.expect_none(top_level_violations({name.split("/")[0] for name in tracked}))

    def test_nothing_below_the_command_line_prints(self):
        self.expect_none(printing(house.ROOT))

    def test_no_file_names_a_path_of_one_machine(self):
        self.expect_none(machine_paths(house.ROOT))

    def test_no_file_says_that_it_is_unfinished(self):
        self.expect_none(unfinished(house.ROOT))

    def test_the_launchers_can_be_run(self):
        for name in ("weft", "check", ".ci/run"):
            self.assertTrue((house.ROOT / name).stat().st_mode & 0o111, name)

    def test_planted_violations_are_found(self):
        self.plant("sim/long.cpp", "x\n" * 401)
        self.plant("sim/fits.cpp", "x\n" * 400)
        self.plant("topology/a.cpp", 'int x;\nvoid f() { std::cout << 1; }\nint n = snprintf(b, 3, "x");\n')
        self.plant("models/b.cpp", 'void g() { printf("x"); }\n')
        self.plant("sim/cli/c.cpp", 'void h() { std::cout << 1; }\n')
        self.plant("workloads/d.h", "// see /ho" "me/someone/file, not /workload/0 or build/work/x\n")
        self.plant("workloads/e.h", "// TO" "DO later\n")
        self.assertEqual([v.split(":")[0] for v in length_violations(self.folder)], ["sim/long.cpp"])
        self.assertEqual([v.rsplit(": prints", 1)[0] for v in printing(self.folder)], ["models/b.cpp:1", "topology/a.cpp:2"])
        self.assertEqual([v.split(": a path")[0] for v in machine_paths(self.folder)], ["workloads/d.h:1"])
        self.assertEqual([v.split(": says")[0] for v in unfinished(self.folder)], ["workloads/e.h:1"])
        self.assertIn("sim: has no README.md", readme_violations(self.folder))
        self.assertEqual(len(top_level_violations({"notes.txt", "sim", ".ci", "weft"})), 1)


if __name__ == "__main__":
    house.main()
