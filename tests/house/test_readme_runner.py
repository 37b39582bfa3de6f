"""The runner of the README's commands notices what it should."""
import house
import readme_commands

PROGRAM = '''#!/usr/bin/env bash
case $1 in
  hello) echo "hello ${2:-world}"; echo "said to stderr" >&2 ;;
  table) printf 'a  b\\n1  2\\n3  4\\n5  6\\n' ;;
  fail) echo "no" ; exit 3 ;;
esac
'''


class ReadmeRunner(house.HouseTest):
    def problems(self, text):
        program = self.plant("weft-program", PROGRAM)
        program.chmod(0o755)
        return readme_commands.check(self.plant("README.md", text), program, self.folder)

    def test_output_that_is_as_written_passes(self):
        text = ("# x\n```console\n$ ./weft hello\nhello world\n\n$ ./weft hello \\\n    you | tr a-z A-Z\nHELLO YOU\n```\n"
                "<!-- not run -->\n```console\n$ rm -rf everything\n```\n```sh\n$ false\n```\n"
                "```console\n$ ./weft fail\nno\n[exit 3]\n$ ./weft table\na  b\n...\n5  6\n$ ./weft hello\n```\n")
        self.assertEqual(self.problems(text), ([], 5))

    def test_another_output_or_exit_code_is_a_problem_at_its_line(self):
        for block in ("$ ./weft hello\nhello moon\n", "$ ./weft fail\nno\n", "$ ./weft hello\nhello world\nmore\n",
                      "$ ./weft table\na  b\n...\n7  8\n", "$ ./weft hello\nhello world\n[exit 1]\n", "$ ./weft hello\n \nhello world\n"):
            problems, count = self.problems("one\n```console\n" + block + "```\n")
            self.assertEqual((len(problems), count), (1, 1), block)
            self.assertTrue(problems[0].startswith("README.md:3: $ ./weft"), problems[0])


if __name__ == "__main__":
    house.main()
