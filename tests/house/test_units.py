"""What must not compile does not: quantities of different dimensions do not add, ids of different kinds do not mix."""
import shlex
import os

import house

COMPILER = shlex.split(os.environ.get("WEFT_CXX", "c++"))
HEAD = '''#include "sim/core/ids.h"
#include "sim/core/placement.h"
#include "sim/core/units.h"
using namespace weft;
using namespace weft::core::literals;
void on_node(NodeId);
'''
COMPILES = [
    "static_assert((4_GiB / 2_GBps).value() > 0);",
    "Seconds s = Bytes(1) / BytesPerSecond(1);",
    "double ratio = Bytes(2) / Bytes(1);",
    "Bytes b = 1_KiB + 1_B;",
    "void f() { on_node(NodeId(1)); }",
    "void f(Placement p) { on_node(p.place(Rank(1)).node); }",
]
MUST_NOT_COMPILE = [
    "auto x = Bytes(1) + Seconds(1);",
    "auto x = Bytes(1) < Seconds(1);",
    "Seconds s = Bytes(1) * BytesPerSecond(1);",
    "Bytes b = 1.0;",
    "double d = Bytes(1);",
    "Seconds s = BytesPerSecond(1);",
    "Bytes b = Bytes(1) + 1.0;",
    "void f() { on_node(Rank(1)); }",
    "void f() { on_node(1); }",
    "bool same = Rank(1) == NodeId(1);",
    "Rank r = NodeId(1);",
    "Rank r = 1;",
    "std::uint32_t n = Rank(1);",
    "void f(Placement p) { p.place(NodeId(1)); }",
]


class Units(house.HouseTest):
    def compile(self, text):
        source = self.plant("snippet.cpp", HEAD + text + "\n")
        return house.run(*COMPILER, "-std=c++20", "-fsyntax-only", "-I", house.ROOT, source)

    def test_what_has_one_dimension_compiles(self):
        for text in COMPILES:
            with self.subTest(text):
                answer = self.compile(text)
                self.assertEqual(answer.returncode, 0, answer.stderr)

    def test_what_mixes_dimensions_or_ids_does_not_compile(self):
        for text in MUST_NOT_COMPILE:
            with self.subTest(text):
                answer = self.compile(text)
                self.assertNotEqual(answer.returncode, 0, "it compiled")
                # It fails for this line, not for a broken header.
                self.assertIn(f"snippet.cpp:{HEAD.count(chr(10)) + 1}:", answer.stderr)


if __name__ == "__main__":
    house.main()
