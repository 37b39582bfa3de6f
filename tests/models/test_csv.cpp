// The csv reader: named columns, units that are said, and every kind of broken line.
#include <doctest/doctest.h>

#include "tests/models/reading_measurements.h"

using namespace weft;
using namespace weft::models;

TEST_CASE("a table with named columns gives a measurement a row") {
  const Measurements m = measurements_in("family,variant,m,n,k,sms,time_us,device,label\n"
                                         "gemm,fp8_block,64,2112,7168,,9.41,NVIDIA H800,q_a\n"
                                         "launch,,,,,,3,,\n");
  REQUIRE(m.rows.size() == 2);
  CHECK(m.rows[0].family == "gemm");
  CHECK(m.rows[0].variant == "fp8_block");
  CHECK(m.rows[0].shape == std::map<std::string, double>{{"m", 64}, {"n", 2112}, {"k", 7168}});
  CHECK(m.rows[0].time_us == 9.41);
  CHECK(m.rows[0].device == "NVIDIA H800");
  CHECK(m.rows[0].label == "q_a");
  CHECK(says(m.rows[0].place, "file.txt:2"));
  CHECK(m.rows[1].shape.empty());
  CHECK(m.rows[1].variant == "empty");   // the only one of its family
}

TEST_CASE("a row that is no kernel of its family is refused with its line") {
  const std::string head = "family,variant,m,n,k,time_us\n";
  CHECK(says(refusal(head + "gem,fp8_block,1,1,1,1\n"), "file.txt:2: there is no kernel family \"gem\" (did you mean \"gemm\""));
  CHECK(says(refusal(head + "gemm,fp4,1,1,1,1\n"), "file.txt:2: gemm has no variant \"fp4\""));
  CHECK(says(refusal(head + "gemm,fp8_block,1,,1,1\n"), "file.txt:2: gemm needs n"));
  CHECK(says(refusal(head + "gemm,fp8_block,1.5,1,1,1\n"), "file.txt:2: gemm: m has to be a count"));
  CHECK(says(refusal(head + "gemm,fp8_block,0,1,1,1\ngemm,fp8_block,1,0,1,1\n"), "file.txt:3: gemm: n has to be"));
  CHECK(says(refusal("family,m,n,k,depth,time_us\ngemm,1,1,1,1,1\n"), "file.txt:2: gemm has no field \"depth\""));
}

TEST_CASE("the unit in the column's name scales the time to microseconds") {
  CHECK(measurements_in("family,time_ms\nlaunch,2\n").rows[0].time_us == 2000);
  CHECK(measurements_in("family,time_s\nlaunch,2\n").rows[0].time_us == 2e6);
}

TEST_CASE("a time without a unit is refused with a hint, never guessed") {
  const std::string words = refusal("family,m,n,k,latency\ngemm,1,1,1,5\n");
  CHECK(says(words, ":1: the column \"latency\" does not say its unit"));
  CHECK(says(words, "time_us, time_ms or time_s"));
  CHECK(says(refusal("family,m\ngemm,1\n"), "no column with the measured time"));
  CHECK(says(refusal("family,time_us,time_ms\ngemm,1,1\n"), "both time_us and time_ms"));
}

TEST_CASE("quotes, blanks, CRLF, a byte order mark, comments and empty lines are read as spreadsheets write them") {
  const Measurements m = measurements_in("\xef\xbb\xbf" "family,time_us,label\r\n"
                                         "# measured on Monday\r\n"
                                         "\r\n"
                                         "launch, 2.5 ,\"one, \"\"two\"\"\"\r\n"
                                         "launch,3,\"over\ntwo lines\"\r\n"
                                         "launch,4,last\r\n");
  REQUIRE(m.rows.size() == 3);
  CHECK(m.rows[0].label == "one, \"two\"");
  CHECK(m.rows[0].time_us == 2.5);
  CHECK(m.rows[1].label == "over\ntwo lines");
  // Line 1 header, 2 comment, 3 empty, 4, 5 and 6 one record, 7.
  CHECK(says(m.rows[2].place, "file.txt:7"));
}

TEST_CASE("times that cannot be are refused with the line that holds them") {
  const std::string head = "family,time_us\nlaunch,1\nlaunch,";
  CHECK(says(refusal(head + "-3\n"), "file.txt:3: time_us: the time is negative: -3 us"));
  CHECK(says(refusal(head + "0\n"), "file.txt:3: time_us: the time is zero"));
  CHECK(says(refusal(head + "nan\n"), "file.txt:3: time_us: the time is not a number (NaN)"));
  CHECK(says(refusal(head + "inf\n"), "file.txt:3: time_us: the time is not finite"));
  CHECK(says(refusal(head + "1e999\n"), "file.txt:3: time_us: the time is not finite"));
  CHECK(says(refusal(head + "fast\n"), "file.txt:3: time_us: expected a time, got \"fast\""));
  CHECK(says(refusal("family,m,time_us\ngemm,nan,1\n"), "file.txt:2: m: expected a number, got \"nan\""));
}

TEST_CASE("ragged, cut off and empty tables are refused in words") {
  CHECK(says(refusal(""), "the file is empty"));
  CHECK(says(refusal(" \n\n"), "the file is empty"));
  CHECK(says(refusal("family,time_us\n"), "a header and no row"));
  CHECK(says(refusal("family,m,time_us\ngemm,1,1\ngemm,1\n"), "file.txt:3: 2 cells where the header has 3 columns"));
  CHECK(says(refusal("family,m,time_us\ngemm,1,1,1\n"), "file.txt:2: 4 cells where the header has 3 columns"));
  CHECK(says(refusal("family,time_us\ngemm,\"1"), "file.txt:2: a quote that never ends"));
  CHECK(says(refusal("family,m,m,time_us\ngemm,1,1,1\n"), "\"m\" stands here twice"));
}

TEST_CASE("all problems of a file come at once, ten at most") {
  std::string text = "family,time_us\n";
  for (int i = 0; i < 30; ++i) text += "launch,-1\n";
  const std::string words = refusal(text);
  CHECK(says(words, "file.txt:2:"));
  CHECK(says(words, "file.txt:11:"));
  CHECK_FALSE(says(words, "file.txt:12:"));
}

TEST_CASE("what is written as CSV is read back the same") {
  Measurements m;
  m.rows.push_back({"gemm", "fp8_block", {{"m", 64}, {"n", 2112}, {"k", 7168}}, 9.41, "NVIDIA H800", "attn(F) \"o\", forward", ""});
  m.rows.push_back({"launch", "empty", {{"count", 1}}, 2.0 / 3, "", "# no comment", ""});
  const Measurements back = measurements_in(measurements_csv(m));
  REQUIRE(back.rows.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(back.rows[i].shape == m.rows[i].shape);
    CHECK(back.rows[i].time_us == m.rows[i].time_us);
    CHECK(back.rows[i].label == m.rows[i].label);
    CHECK(back.rows[i].device == m.rows[i].device);
  }
}

TEST_CASE("the digest is FNV-1a, 64 bits, of the bytes as they lie in the file") {
  // Computed apart, by a program that gives the authors' 85944171f73967e8 for "foobar".
  CHECK(measurements_in("family,time_us\nlaunch,1\n").digest == "fnv1a64:9b4166d52c150cf3");
  CHECK(measurements_in("family,time_us\nlaunch,2\n").digest != "fnv1a64:9b4166d52c150cf3");
}

TEST_CASE("an unknown file and an unknown format name what is known") {
  CHECK(says(refusal("hello\n"), "no reader knows this file"));
  CHECK(says(refusal("hello\n"), "aiconfigurator"));
  CHECK(says(refusal("family,time_us\nlaunch,1\n", "cvs"), "did you mean \"csv\""));
  CHECK(says(refusal("\x1f\x8b\x08"), "gunzip"));
}
