"""Who may include whom: the table of README.md, enforced. A broken rule is named as file:line."""
import re

import house

LOWER = ("sim/core", "topology", "models", "workloads", "sim/engine", "sim/analysis")
# Library (folder): folders of ours that it may include. The longest matching folder counts.
MAY_INCLUDE = {
    "sim/core": ("sim/core",),
    "topology": ("topology", "sim/core"),
    "models": ("models", "sim/core"),
    "models/calibration": ("models/calibration", "models", "sim/core"),
    "workloads": ("workloads", "models", "sim/core"),
    "sim/engine": ("sim/engine", "topology", "workloads", "sim/core"),
    # The bound is computed from Fabric and Program alone, apart from any engine.
    "sim/analysis": ("sim/analysis", "sim/engine", "topology", "workloads", "sim/core"),
    # Running a scenario gives a Report, and what a page draws of it; how they are rendered is not known here.
    "scenarios": ("scenarios", "reports/report.h", "reports/page/page.h") + LOWER,
    "reports": ("reports", "sim/core", "sim/engine", "sim/analysis"),
    "sim/cli": ("sim/cli", "scenarios", "reports") + LOWER,
    "sim/main.cpp": ("sim/cli", "scenarios", "reports") + LOWER,
    "tests": ("tests", "sim/cli", "scenarios", "reports") + LOWER,
}
# Third party by the beginning of its include: where it may stand, and whether headers of ours may hold it.
EVERYWHERE = ("",)
THIRD_PARTY = [
    ("nlohmann/json_fwd.hpp", EVERYWHERE, True),
    ("nlohmann/", EVERYWHERE, False),          # the parser is sim/core's; its values cross rooms as core::Json
    ("fmt/", EVERYWHERE, False),
    ("boost/graph/", ("topology", "tests/topology"), False),
    ("boost/property_map/", ("topology", "tests/topology"), False),
    ("boost/random/", ("sim/core", "workloads"), False),
    ("Eigen/", ("models",), False),
    ("CLI/", ("sim/cli", "sim/main.cpp"), False),
    ("zlib.h", ("reports/trace", "workloads/inference/requests", "tests"), False),
    ("simgrid/", ("sim/engine/simgrid",), True),
    ("xbt/", ("sim/engine/simgrid",), True),
    ("cuda", ("models/calibration",), True),
    ("cublas", ("models/calibration",), True),
    ("doctest/", ("tests",), True),
    ("rapidcheck", ("tests",), True),
    ("benchmark/", ("tests",), True),
]
# What others may include of the SimGrid engine: neither uses SimGrid.
SIMGRID_OPEN = ("sim/engine/simgrid/simgrid.h", "sim/engine/simgrid/machine.h")
# A precompiled header exists to hold what no other header may.
PRECOMPILED = re.compile(r"(^|/)pch/")
STANDARD = re.compile(r"^([a-z_0-9]+|sys/[a-z_]+\.h|(unistd|fcntl|fnmatch|dlfcn|poll|signal|stdint|termios|spawn)\.h)$")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def below(name, folder):
    return folder == "" or name == folder or name.startswith(folder + "/")


def library_of(name):
    return max((lib for lib in MAY_INCLUDE if below(name, lib)), key=len, default=None)


def judge_own(name, target, root):
    """Why a file may not include a path of ours; None when it may."""
    if target.split("/")[0] not in house.ROOMS or ".." in target:
        return "an include of ours starts at the repository root"
    if not target.endswith(".inc") and not (root / target).is_file():
        return "there is no such file"
    library = library_of(name)
    if library is None:
        return "this folder is in no library of the table"
    if not any(below(target, folder) for folder in MAY_INCLUDE[library]):
        return f"{library} may include only {', '.join(MAY_INCLUDE[library])}"
    if below(target, "sim/engine/simgrid") and not below(name, "sim/engine/simgrid") and target not in SIMGRID_OPEN:
        return "what uses SimGrid stays in sim/engine/simgrid"
    return None


def judge_foreign(name, target):
    if STANDARD.match(target):
        return None
    for start, folders, in_headers in THIRD_PARTY:
        if not target.startswith(start):
            continue
        if not any(below(name, folder) for folder in folders):
            return f"only {', '.join(folders)} may include it"
        shared = name.endswith((".h", ".hpp")) and not below(name, "tests") and not PRECOMPILED.search(name)
        if shared and not in_headers:
            return "not in a header: it costs every file that includes it"
        return None
    return "an unknown library; name it in tests/house/test_include_rules.py with its room"


def violations(root):
    found = []
    for path in house.files(root, (".h", ".hpp", ".cpp", ".cu", ".cuh")):
        name = path.as_posix()
        for number, text in house.lines(root / path):
            match = INCLUDE.match(text)
            if not match:
                continue
            quote, target = match.groups()
            why = judge_own(name, target, root) if quote == '"' else judge_foreign(name, target)
            if why:
                found.append(f"{name}:{number}: {target}: {why}")
    return found


class IncludeRules(house.HouseTest):
    def test_every_library_includes_only_what_the_table_allows(self):
        self.expect_none(violations(house.ROOT))

    def test_the_checkout_has_files_to_look_at(self):
        self.assertGreater(len(house.files(house.ROOT, (".h", ".cpp"))), 30)

    def expect_violation(self, name, text, where):
        for header in ("topology/a.h", "workloads/a.h", "sim/core/a.h", "sim/engine/a.h", "sim/engine/simgrid/a.h",
                       "reports/a.h"):
            self.plant(header, "")
        self.plant(name, text)
        found = violations(self.folder)
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(where), found[0])
        (self.folder / name).unlink()

    def test_planted_violations_are_named_with_file_and_line(self):
        self.expect_violation("topology/b.cpp", '#include <vector>\n#include "workloads/a.h"\n', "topology/b.cpp:2: ")
        self.expect_violation("workloads/b.cpp", '#include "topology/a.h"\n', "workloads/b.cpp:1: ")
        self.expect_violation("sim/core/b.cpp", '#include "sim/engine/a.h"\n', "sim/core/b.cpp:1: ")
        self.expect_violation("reports/b.cpp", '#include "topology/a.h"\n', "reports/b.cpp:1: ")
        self.expect_violation("sim/engine/b.cpp", '#include "sim/engine/simgrid/a.h"\n', "sim/engine/b.cpp:1: ")
        self.expect_violation("sim/engine/b.cpp", "#include <simgrid/s4u.hpp>\n", "sim/engine/b.cpp:1: ")
        self.expect_violation("workloads/b.cpp", "#include <boost/graph/graphml.hpp>\n", "workloads/b.cpp:1: ")
        self.expect_violation("topology/b.h", "\n#include <boost/graph/adjacency_list.hpp>\n", "topology/b.h:2: ")
        self.expect_violation("topology/b.h", "#include <nlohmann/json.hpp>\n", "topology/b.h:1: ")
        self.expect_violation("sim/cli/b.h", "#include <CLI/CLI.hpp>\n", "sim/cli/b.h:1: ")
        self.expect_violation("scenarios/b.cpp", '#include "reports/a.h"\n', "scenarios/b.cpp:1: ")
        self.expect_violation("topology/b.cpp", '#include "a.h"\n', "topology/b.cpp:1: ")
        self.expect_violation("topology/b.cpp", '#include "topology/../topology/a.h"\n', "topology/b.cpp:1: ")
        self.expect_violation("topology/b.cpp", '#include "topology/gone.h"\n', "topology/b.cpp:1: ")
        self.expect_violation("topology/b.cpp", "#include <absl/strings.h>\n", "topology/b.cpp:1: ")

    def test_what_the_table_allows_passes(self):
        self.plant("topology/a.h", "#include <nlohmann/json_fwd.hpp>\n")
        self.plant("topology/b.cpp", '#include "topology/a.h"\n#include <boost/graph/graphml.hpp>\n#include <vector>\n')
        self.plant("sim/engine/simgrid/c.cpp", "#include <simgrid/s4u.hpp>\n")
        self.plant("sim/cli/pch/cli11.h", "#include <CLI/CLI.hpp>\n")
        self.expect_none(violations(self.folder))


if __name__ == "__main__":
    house.main()
