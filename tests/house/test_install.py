"""`meson install` gives a program that finds its data from anywhere, without the checkout's help."""
import json
import os
import shutil

import house

BUILT = house.Path(os.environ.get("WEFT_BUILD_ROOT", house.ROOT / "build"))


class Install(house.HouseTest):
    def setUp(self):
        super().setUp()
        if not (BUILT / "sim/cli/weft").exists():
            self.skipTest(f"nothing is built in {BUILT}")
        answer = house.run("meson", "install", "-C", BUILT, "--no-rebuild", "--destdir", self.folder)
        self.assertEqual(answer.returncode, 0, answer.stdout + answer.stderr)
        programs = list(self.folder.rglob("bin/weft"))
        self.assertEqual(len(programs), 1, programs)
        self.program = programs[0]
        self.data = self.program.parents[1] / "share/weft"
        # A home, a working folder and an environment that know nothing of the checkout.
        self.elsewhere = self.folder / "elsewhere"
        self.elsewhere.mkdir()
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("WEFT_")}

    def start(self, *arguments):
        answer = house.run(self.program, *arguments, cwd=self.elsewhere, env=self.environment)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        return answer.stdout

    def test_every_data_file_and_scenario_is_installed_as_it_is(self):
        expected = [p for p in house.files(house.ROOT, (".json",)) if p.parts[1] == "data" or p.parts[0] == "scenarios"]
        self.assertGreater(len(expected), 10)
        self.expect_none([f"{p}: not in {self.data}" for p in expected
                          if not (self.data / p).is_file() or (self.data / p).read_bytes() != (house.ROOT / p).read_bytes()])

    def test_the_installed_program_reads_the_installed_data(self):
        # A price list that only the installed prefix has: finding it elsewhere is impossible.
        lists = self.data / "topology/data/prices"
        any_list = sorted(lists.glob("*.json"))[0]
        shutil.copy(any_list, lists / "only_installed.json")
        (self.elsewhere / "mine.json").write_text(json.dumps({
            "title": "a small cluster", "question": "what does it cost?", "source": "a test",
            "cluster": {"node": "h800", "nodes": 4, "topology": {"kind": "single_switch"}, "prices": "only_installed"},
            "workload": [{"id": "price", "kind": "price"}]}), encoding="utf-8")
        result = json.loads(self.start("run", "mine.json", "--format", "json"))
        self.assertEqual([row["workload"] for row in result["result"]["rows"]], ["price"])

    def test_the_manual_page_is_installed_and_is_what_the_program_says(self):
        page = self.program.parents[1] / "share/man/man1/weft.1"
        self.assertEqual(page.read_text(encoding="utf-8"), self.start("help", "--man"))

    def test_the_installed_program_completes_and_explains_without_the_checkout(self):
        self.assertIn("mpft_vs_mrft", self.start("completion", "bash"))
        self.assertIn("WEFT_DATA", self.start("help", "environment"))

    def test_the_installed_program_says_its_version(self):
        self.assertRegex(self.start("--version"), r"^weft \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    house.main()
