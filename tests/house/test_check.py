"""./check sets up like ./weft and hands the right tests to Meson; CI's closing line counts what Meson logged."""
import json
import sys

import house
import stand_ins

TESTS = "doctest-dev librapidcheck-dev libsimgrid-dev chromium"


class Check(stand_ins.SmallCheckout):
    def check(self, *arguments, **more):
        return self.start(*arguments, program="check", **{"INSTALLED": f"{stand_ins.ALL} {TESTS}", **more})

    def test_it_builds_everything_with_tests_and_runs_them(self):
        self.assertEqual(self.check().returncode, 0)
        setup, test = self.called("meson")
        self.assertIn("-Dtests=true", setup)
        self.assertTrue(test.startswith("meson test ") and "--print-errorlogs" in test, test)
        self.assertTrue(self.called("ninja")[0].endswith(" all"))

    def test_failing_tests_fail_it(self):
        self.assertEqual(self.check(TESTS_FAIL="3").returncode, 3)

    def test_packages_of_the_tests_are_missing_for_it_but_not_for_the_program(self):
        self.assertEqual(self.start().stdout, "program \n")
        answer = self.check(INSTALLED=stand_ins.ALL)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn("are missing for building and testing weft: doctest-dev librapidcheck-dev libsimgrid-dev chromium\n", answer.stderr)

    def test_a_build_folder_keeps_its_tests_when_the_program_is_started(self):
        self.check()
        self.start()
        self.assertEqual(sum(" setup " in c for c in self.called("meson")), 1)

    def test_a_room_is_a_suite_and_other_words_go_on_to_meson(self):
        (self.checkout / "tests/topology").mkdir(parents=True)
        self.check("topology", "--verbose", "mpft")
        self.assertTrue(self.called("meson")[-1].endswith("--suite topology --verbose mpft"), self.called("meson")[-1])

    def test_update_is_told_to_the_tests(self):
        self.assertIn("golden=1", self.check("--update").stdout)
        self.assertIn("golden=0", self.check().stdout)

    def test_sanitizers_have_a_build_folder_of_their_own(self):
        self.check("--sanitize")
        setup, test = self.called("meson")
        self.assertIn("-Db_sanitize=address,undefined", setup)
        self.assertIn("build-sanitize", setup)
        self.assertIn("build-sanitize", test)
        self.assertFalse((self.checkout / "build").exists())


class Count(house.HouseTest):
    def count(self, *logs):
        names = []
        for number, results in enumerate(logs):
            if results is None:
                names.append(self.folder / "none.json")
                continue
            names.append(self.plant(f"{number}.json", "".join(json.dumps({"name": "x", "result": r}) + "\n" for r in results)))
        answer = house.run(sys.executable, house.ROOT / ".ci/count.py", *names)
        return answer.stdout.strip().split("\n")[-1], answer.returncode

    def test_results_of_all_logs_are_added_up(self):
        self.assertEqual(self.count(["OK", "OK", "SKIP"], ["OK", "EXPECTEDFAIL"]), ("4 passed, 0 failed, 1 skipped", 0))

    def test_all_that_is_not_good_has_failed(self):
        self.assertEqual(self.count(["OK", "FAIL", "TIMEOUT", "ERROR", "UNEXPECTEDPASS"]), ("1 passed, 4 failed, 0 skipped", 1))

    def test_a_missing_or_empty_log_fails(self):
        self.assertEqual(self.count(["OK"], None), ("1 passed, 1 failed, 0 skipped", 1))
        self.assertEqual(self.count([]), ("0 passed, 0 failed, 0 skipped", 1))


if __name__ == "__main__":
    house.main()
