"""./weft sets itself up, says what it does on stderr only, builds when sources changed, and adds little time.

The set-up is tried in a small checkout of its own with stand-ins for apt-get, sudo, Meson and ninja, so nothing is installed.
"""
import os
import pty
import re
import statistics
import subprocess
import time

import house
import stand_ins

BUILT = house.Path(os.environ.get("WEFT_BUILD_ROOT", house.ROOT / "build"))
ADDED_LIMIT_S = 0.050

class Launcher(stand_ins.SmallCheckout):
    def on_terminal(self, answer, **more):
        """Runs ./weft with a terminal as stdin and stderr, and types an answer."""
        try:
            ours, theirs = pty.openpty()
        except OSError:
            self.skipTest("this machine has no terminals to lend")
        process = subprocess.Popen([self.checkout / "weft", "run"], stdin=theirs, stderr=theirs, stdout=subprocess.PIPE,
                                   env=self.environment(INSTALLED="g++", **more), text=True)
        os.write(ours, answer + b"\n\x04")
        out, _ = process.communicate(timeout=60)
        os.close(theirs)
        said = b""
        try:
            while chunk := os.read(ours, 65536):
                said += chunk
        except OSError:  # the other end is closed and all is read
            pass
        os.close(ours)
        return process.returncode, out, said.decode()

    def test_the_first_start_builds_and_becomes_the_program(self):
        answer = self.start("run", "two words", "--json")
        self.assertEqual((answer.returncode, answer.stdout), (5, "program run two words --json\n"))
        self.assertEqual([len(self.called(t)) for t in ("apt-get", "meson", "ninja")], [0, 1, 1])
        self.assertIn("-Dtests=false", self.called("meson")[0])
        self.assertEqual(answer.stderr.count("\n"), 1, answer.stderr)

    def test_a_second_start_builds_nothing_and_says_nothing(self):
        self.start()
        answer = self.start("x")
        self.assertEqual((answer.stdout, answer.stderr), ("program x\n", ""))
        self.assertEqual(len(self.called("ninja")), 1)

    def test_changed_new_and_removed_sources_build_again_other_files_do_not(self):
        self.start()
        for number, change in enumerate([lambda: self.source.write_text("int b;\n", encoding="utf-8"),
                                         lambda: self.plant("checkout/topology/b.h", ""),
                                         lambda: os.utime(self.source, (1, 1)),
                                         lambda: (self.folder / "checkout/topology/b.h").unlink()], start=2):
            change()
            self.start()
            self.assertEqual(len(self.called("ninja")), number)
        self.plant("checkout/scenarios/mine.json", "{}")
        self.start()
        self.assertEqual(len(self.called("ninja")), 5)
        self.assertEqual(len(self.called("meson")), 1)

    def test_the_program_gets_standard_input_whole(self):
        answer = subprocess.run([self.checkout / "weft"], input="a scenario\n", text=True, capture_output=True,
                                env=self.environment(INSTALLED="g++"))
        self.assertEqual(answer.stdout, "program \na scenario\n")

    def test_missing_packages_are_named_and_installed_by_root_without_a_question(self):
        answer = self.start(INSTALLED=stand_ins.ALL.replace(" meson", "").replace(" libfmt-dev", ""))
        self.assertEqual((answer.returncode, answer.stdout), (5, "program \n"))
        self.assertIn("packages are missing for building weft: meson libfmt-dev\n", answer.stderr)
        self.assertTrue(any(c.endswith("install -y --no-install-recommends meson libfmt-dev") for c in self.called("apt-get")))
        self.assertEqual(self.called("sudo"), [])

    def test_others_than_root_use_sudo(self):
        answer = self.start("--yes", "x", INSTALLED="g++", FAKE_UID="1000")
        self.assertEqual((answer.returncode, answer.stdout), (5, "program x\n"))
        self.assertTrue(any("install" in c for c in self.called("sudo")))

    def test_without_the_right_to_install_the_exact_command_is_said(self):
        answer = self.start("x", INSTALLED=stand_ins.ALL.replace(" meson", ""), FAKE_UID="1000", NO_SUDO="1")
        self.assertEqual((answer.returncode, answer.stdout), (77, ""))
        self.assertIn("run: sudo apt-get install -y --no-install-recommends meson\n", answer.stderr)
        self.assertEqual(self.called("ninja"), [])

    def test_a_person_at_a_terminal_is_asked(self):
        code, out, said = self.on_terminal(b"n")
        self.assertEqual((code, out, self.called("apt-get")), (77, "", []))
        self.assertIn("[Y/n]", said)
        code, out, said = self.on_terminal(b"")
        self.assertEqual((code, out), (5, "program run\n"))

    def test_continuous_integration_is_not_asked(self):
        code, out, said = self.on_terminal(b"", CI="true")
        self.assertEqual((code, out.strip()), (5, "program run"))
        self.assertNotIn("[Y/n]", said)

    def test_a_failed_installation_is_tried_once_more_with_new_lists_and_then_explained(self):
        answer = self.start(INSTALLED="g++", APT_FAILS="100")
        self.assertEqual((answer.returncode, answer.stdout), (1, ""))
        self.assertEqual(sum(" install " in c for c in self.called("apt-get")), 2)
        self.assertTrue(any(c.endswith(" update") for c in self.called("apt-get")))
        self.assertIn("could not be installed", answer.stderr)

    def test_a_failed_build_shows_the_error_and_is_tried_again_next_time(self):
        for failure in ({"NINJA_FAILS": "1"}, {"MESON_FAILS": "1"}):
            answer = self.start(**failure)
            self.assertEqual((answer.returncode, answer.stdout), (1, ""))
            self.assertRegex(answer.stderr, "error: no such thing|ERROR: no compiler")
            self.assertIn(".log)", answer.stderr)
            self.source.write_text(str(failure), encoding="utf-8")
            (self.folder / "checkout/build/build.ninja").unlink(missing_ok=True)
        self.assertEqual(self.start().returncode, 5)

    def test_two_at_once_build_once(self):
        environment = self.environment(NINJA_TAKES="0.5")
        both = [subprocess.Popen([self.checkout / "weft", "x"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                 env=environment, text=True) for _ in range(2)]
        self.assertEqual([p.communicate(timeout=60)[0] for p in both], ["program x\n"] * 2)
        self.assertEqual(len(self.called("ninja")), 1)

    def test_a_moved_checkout_configures_anew_and_a_foreign_build_folder_is_left_alone(self):
        self.start()
        (self.folder / "checkout").rename(self.folder / "moved")
        self.checkout = self.folder / "moved"
        self.assertEqual(self.start("x").stdout, "program x\n")
        self.assertEqual(len(self.called("meson")), 2)
        other = self.plant("other/weft", (self.checkout / "weft").read_text(encoding="utf-8"))
        other.chmod(0o755)
        self.plant("other/sim/setup.sh", (house.ROOT / "sim/setup.sh").read_text(encoding="utf-8"))
        self.checkout = self.folder / "other"
        answer = self.start(WEFT_BUILD=str(self.folder / "moved/build"))
        self.assertEqual(answer.returncode, 1)
        self.assertIn("belongs to the checkout", answer.stderr)

    def test_a_link_to_the_launcher_works_from_anywhere(self):
        link = self.folder / "link"
        link.symlink_to(self.checkout / "weft")
        answer = house.run(link, "x", env=self.environment(), cwd="/")
        self.assertEqual(answer.stdout, "program x\n")

    def few_tools(self):
        """A PATH with the stand-ins and what the launcher needs itself: no ccache, no npm."""
        tools = self.folder / "tools"
        tools.mkdir()
        for tool in ("bash", "env", "find", "dirname", "readlink", "mkdir", "grep", "sed", "cat", "rm", "tail", "flock", "nproc",
                     "sleep", "chmod", "mv"):
            (tools / tool).symlink_to(house.run("which", tool).stdout.strip())
        return f"{self.folder / 'bin'}:{tools}"

    def test_a_ccache_that_is_gone_configures_anew(self):
        self.start()
        (self.folder / "checkout/build/build.ninja").write_text("rule c\n command = ccache c++\n", encoding="utf-8")
        self.source.write_text("changed", encoding="utf-8")
        answer = self.start(PATH=self.few_tools())
        self.assertEqual(answer.returncode, 5, answer.stderr)
        self.assertIn("configuring", answer.stderr)

    def test_npm_is_installed_where_there_is_none(self):
        answer = self.start(PATH=self.few_tools())
        self.assertEqual(answer.returncode, 5, answer.stderr)
        self.assertIn("packages are missing for the page of weft report: npm\n", answer.stderr)
        self.assertTrue(any(c.endswith("install -y --no-install-recommends npm") for c in self.called("apt-get")))

    def test_weft_is_built_without_npm_where_it_cannot_be_had_and_asks_once(self):
        path = self.few_tools()
        answer = self.start(PATH=path, FAKE_UID="1000", NO_SUDO="1")
        self.assertEqual((answer.returncode, answer.stdout), (5, "program \n"))
        self.assertIn("going on without npm", answer.stderr)
        self.source.write_text("changed", encoding="utf-8")
        self.assertNotIn("npm", self.start(PATH=path, FAKE_UID="1000", NO_SUDO="1").stderr)

    def test_a_chart_library_that_could_not_be_fetched_is_tried_again_when_weft_is_built(self):
        self.start()
        self.plant("checkout/build/reports/web/npm/missing", "no network")
        template = self.plant("checkout/build/reports/web/page_template.cpp", "")
        self.start("x")
        self.assertTrue(template.exists())   # nothing changed: nothing is built
        self.source.write_text("changed", encoding="utf-8")
        self.start("x")
        self.assertFalse(template.exists())


class AddedTime(house.HouseTest):
    def median(self, *command):
        took = []
        for _ in range(5):
            begin = time.perf_counter()
            self.assertEqual(house.run(*command).returncode, 0)
            took.append(time.perf_counter() - begin)
        return statistics.median(took)

    def test_the_launcher_adds_less_than_50_ms_when_all_is_built(self):
        if not (BUILT / "weft-options").exists():
            self.skipTest(f"{BUILT} was not set up by ./weft or ./check")
        os.environ["WEFT_BUILD"] = str(BUILT)
        first = house.run(house.ROOT / "weft", "--version")
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertTrue(re.match(r"weft \d+\.\d+", first.stdout), first.stdout)
        added = self.median(house.ROOT / "weft", "--version") - self.median(BUILT / "sim/cli/weft", "--version")
        print(f"the launcher adds {added * 1e3:.1f} ms")
        self.assertLess(added, ADDED_LIMIT_S)


if __name__ == "__main__":
    house.main()
