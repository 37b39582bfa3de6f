// Points files: what survives, what is redone, and what does not belong there.
#include <doctest/doctest.h>

#include <sys/resource.h>

#include "reports/render.h"
#include "scenarios/studies/collected_points.h"
#include "scenarios/studies/point_result.h"
#include "tests/scenarios/sweep_support.h"

using namespace weft;
using namespace weft::scenarios;
using namespace weft::scenarios::test;

namespace {

const DataPlaces& data() {
  static const DataPlaces places = DataPlaces::standard();
  return places;
}

std::string csv(const Sweep& s, const SweepOptions& options) { return reports::render(sweep(s, data(), options).listing, "csv"); }

SweepOptions into(const std::string& file, const std::string& shard = "1/1") {
  SweepOptions o;
  o.points_file = file;
  o.shard = parse_shard(shard, "--shard");
  return o;
}

const std::vector<std::string> kAxes = {"/cluster/nodes=1:6:1", "/cluster/topology/kind=mpft,mrft"};

}  // namespace

TEST_CASE("a result is the same after its way through a line") {
  PointResult p;
  reports::Table t{"a2a", "all_to_all", "title", {{"gpus", "ranks"}}, {{"time_us", "time", true}, {"fits", "whether"}}, {}};
  Row r;
  t.rows.push_back(r.set("variant", "v \"x\"\n").set("gpus", std::int64_t{16}).set("time_us", 0.1 + 0.2).set("fits", true));
  p.tables.push_back(t);
  p.warnings = {"careful"};
  const auto [point, back] = read_line(to_line(17, p), "f");
  CHECK(point == 17);
  CHECK(back.tables[0].rows[0].cells() == t.rows[0].cells());
  CHECK(back.tables[0].columns[0].detail);
  CHECK(back.tables[0].kind == "all_to_all");
  CHECK(back.warnings == p.warnings);
  PointResult failed;
  failed.error = "why\nnot";
  CHECK(read_line(to_line(3, failed), "f").second.error == "why\nnot");
  for (const char* broken : {"", "[]", "{}", "{\"point\":-1,\"error\":\"x\"}", "{\"point\":1,\"tables\":7,\"warnings\":[]}", "{\"point\":1,\"tables\":[{\"id\":1}],\"warnings\":[]}",
                             "{\"point\":1,\"tables\":[{\"id\":\"a\",\"labels\":[],\"columns\":[[\"x\"]],\"rows\":[]}],\"warnings\":[]}",
                             "{\"point\":1,\"tables\":[{\"id\":\"a\",\"labels\":[],\"columns\":[],\"rows\":[{\"x\":null}]}],\"warnings\":[]}"}) {
    CAPTURE(broken);
    CHECK_THROWS_AS(read_line(broken, "f"), UserError);
  }
}

TEST_CASE("a file torn at any byte is gone on with, and the result is the same to the byte") {
  const Folder folder;
  const Sweep s = small_sweep({"/cluster/nodes=1,2,3"});
  const std::string file = folder.file("p.jsonl"), whole = csv(s, into(file)), text = text_of(file);
  const std::size_t last = text.rfind('\n', text.size() - 2) + 1, header = text.find('\n') + 1;
  CHECK(csv(s, SweepOptions()) == whole);
  // Every length of the last line, none of it and all but the line break among them; and a few of the header.
  std::vector<std::size_t> cuts = {0, 1, 20, header - 1, header, header + 1};
  for (std::size_t cut = last; cut < text.size(); ++cut) cuts.push_back(cut);
  for (const std::size_t cut : cuts) {
    write_text(file, text.substr(0, cut));
    std::string note;
    SweepOptions o = into(file);
    o.note = [&](const std::string& n) { note = n; };
    CHECK(csv(s, o) == whole);
    CHECK(text_of(file) == text);
    if (cut > header) CHECK(note.find(cut == last ? "2 of 3 points" : "a line that was not finished is redone") != std::string::npos);
  }
}

TEST_CASE("shares together are the whole, in any order of files and lines") {
  const Folder folder;
  const Sweep s = small_sweep(kAxes);
  const std::string whole = csv(s, SweepOptions());
  std::vector<std::string> files;
  for (const char* shard : {"3/3", "1/3", "2/3"}) {
    files.push_back(folder.file(std::string("part") + shard[0] + ".jsonl"));
    sweep(s, data(), into(files.back(), shard));
  }
  CHECK(reports::render(read_points(files), "csv") == whole);
  CHECK(reports::render(read_points({folder.path()}), "csv") == whole);
  const CollectedPoints two = collect_points({files[0], files[1]});
  CHECK(two.missing() == 4);
  const reports::Listing status = status_of(two);
  CHECK(status.tables[0].rows[1].number("done") == 4);
  CHECK(std::get<std::string>(*status.tables[0].rows[1].find("shard")) == "1/3");
  CHECK(status.tables[1].rows[0].number("left") == 4);
  // The same points twice are one, as long as they agree.
  sweep(s, data(), into(folder.file("all.jsonl")));
  CHECK(reports::render(read_points({folder.path()}), "csv") == whole);
  std::string text = text_of(files[0]);
  const std::size_t price = text.find("\"switches\":") + 11;
  text[price] = text[price] == '9' ? '8' : '9';
  write_text(files[0], text);
  CHECK(words_of([&] { read_points({folder.path()}); }).find("with another result") != std::string::npos);
}

TEST_CASE("a points file of something else is refused, and what differs is said") {
  const Folder folder;
  const std::string file = folder.file("p.jsonl");
  const Sweep s = small_sweep(kAxes);
  sweep(s, data(), into(file));
  const std::string text = text_of(file);
  const auto refused = [&](const Sweep& other, SweepOptions o) {
    const std::string words = words_of([&] { sweep(other, data(), o); });
    CHECK(text_of(file) == text);
    return words;
  };
  SweepOptions seed = into(file);
  seed.run.seed = 2;
  CHECK(refused(s, seed).find("another study than this one: seed is 1 there and 2 here") != std::string::npos);
  CHECK(refused(small_sweep({"/cluster/nodes=1:7:1"}), into(file)).find("the axes are") != std::string::npos);
  CHECK(refused(small_sweep(kAxes, R"(, "variants": [{"name": "v"}])"), into(file)).find("the scenario is not the same") != std::string::npos);
  CHECK(refused(s, into(file, "1/2")).find("holds share 1/1, not 1/2") != std::string::npos);
  Sweep set = s;
  set.settings.push_back(parse_setting("/cluster/node/nic_rate=200 Gbps", "--set"));
  CHECK(refused(set, into(file)).find("set is [] there and [\"/cluster/node/nic_rate") != std::string::npos);
}

TEST_CASE("another version, another file and a broken line are told") {
  const Folder folder;
  const std::string file = folder.file("p.jsonl");
  const Sweep s = small_sweep({"/cluster/nodes=1,2"});
  sweep(s, data(), into(file));
  const std::string text = text_of(file);
  const auto words = [&](const std::string& changed) {
    write_text(file, changed);
    const std::string read = words_of([&] { read_points({file}); }), gone_on = words_of([&] { sweep(s, data(), into(file)); });
    CHECK(read == gone_on);
    CHECK(text_of(file) == changed);
    return read;
  };
  std::string other = text;
  other.replace(text.find("weft-sweep/1"), 12, "weft-sweep/2");
  CHECK(words(other).find("is written as weft-sweep/2, this weft reads weft-sweep/1") != std::string::npos);
  other = text;
  other.replace(text.find("\"seed\":1"), 8, "\"seed\":3");
  CHECK(words(other).find("changed by hand") != std::string::npos);
  CHECK(words("my notes\n").find("expected the header of a points file") != std::string::npos);
  CHECK(words("my notes").find("expected the header of a points file") != std::string::npos);
  CHECK(words("{\"schema\":\"weft-result/1\"}\n").find("got schema \"weft-result/1\"") != std::string::npos);
  other = text;
  other[text.rfind('[')] = 'x';
  CHECK(words(other).find("p.jsonl: line 3") != std::string::npos);
  CHECK(words(text + "{\"point\":2,\"error\":\"x\"}\n").find("point 2 is none of share 1/1 of 2 points") != std::string::npos);
  CHECK(words(text + "{\"point\":1,\"error\":\"x\"}\n").find("point 1 stands in line 3 too, with another result") != std::string::npos);
  write_text(file, "");
  CHECK(words_of([&] { read_points({file}); }).find("has no whole first line") != std::string::npos);
}

TEST_CASE("a broken line says its line once, with its column or its key") {
  const Folder folder;
  const std::string file = folder.file("p.jsonl");
  sweep(small_sweep({"/cluster/nodes=1,2"}), data(), into(file));
  const std::string text = text_of(file), header = text.substr(0, text.find('\n') + 1);
  write_text(file, header + "{\"point\":0,}\n");
  const std::string words = words_of([&] { read_points({file}); });
  CHECK(words.find("p.jsonl: line 2, column 12: this is not JSON") != std::string::npos);
  CHECK(words.find("line 1") == std::string::npos);
  write_text(file, header + "{\"point\":-1,\"error\":\"x\"}\n");
  CHECK(words_of([&] { read_points({file}); }).find("p.jsonl: line 2: /point: ") != std::string::npos);
}

TEST_CASE("a file that cannot be read to its end is left alone") {
  // The first page of a process's memory is an error to whoever reads it.
  CHECK_THROWS_WITH_AS(read_points_file("/proc/self/mem"), doctest::Contains("cannot read /proc/self/mem"), RunError);
  CHECK_THROWS_AS(only_begun("/proc/self/mem"), RunError);
  const Folder folder;
  const std::string file = folder.file("p.jsonl");
  sweep(small_sweep({"/cluster/nodes=1,2"}), data(), into(file));
  CHECK(read_points_file(file).bytes == text_of(file).size());
  write_text(file, text_of(file) + "{\"poi");
  const PointsFile torn = read_points_file(file);
  CHECK(torn.bytes == torn.whole_bytes + 5);
}

TEST_CASE("words and data: a headline changes no study, and axes are blamed for themselves alone") {
  const Folder folder;
  const std::string file = folder.file("p.jsonl");
  sweep(small_sweep(kAxes), data(), into(file));
  CHECK(csv(small_sweep(kAxes, R"(, "headline": "so it is", "question": "q", "source": "s")"), into(file)) == csv(small_sweep(kAxes), SweepOptions()));
  const std::string axes = words_of([&] { sweep(small_sweep({"/cluster/nodes=2:6:1", kAxes[1]}), data(), into(file)); });
  CHECK(axes.find("the axes are") != std::string::npos);
  CHECK(axes.find("behind the names") == std::string::npos);
  Sweep titled = small_sweep(kAxes);   // without variants the title is the variant's name, and in the rows
  Json document = *titled.document;
  document["title"] = "u";
  titled.document = std::make_shared<const Json>(document);
  const std::string scenario = words_of([&] { sweep(titled, data(), into(file)); });
  CHECK(scenario.find("the scenario is not the same") != std::string::npos);
  CHECK(scenario.find("behind the names") == std::string::npos);
  PointsHeader there = read_points_file(file).header, here = there;
  Json run = *here.run;
  run["input_digest"] = "another";
  here.run = std::make_shared<const Json>(run);
  CHECK(words_of([&] { check_same_study(there, file, here, "this one"); }).find("the data behind the names are not the same") != std::string::npos);
}

TEST_CASE("a points file given as a scenario says what reads it") {
  const Folder folder;
  const std::string file = folder.file("p.jsonl");
  sweep(small_sweep({"/cluster/nodes=1,2"}), data(), into(file));
  CHECK(words_of([&] { load_scenario(file, {}); }).find("is a points file of weft sweep") != std::string::npos);
  CHECK(words_of([&] { load_scenario(file, {}); }).find("weft sweep merge " + file) != std::string::npos);
}

TEST_CASE("one writer at a time") {
  const Folder folder;
  const Sweep s = small_sweep({"/cluster/nodes=1,2"});
  const std::string file = folder.file("p.jsonl");
  sweep(s, data(), into(file));
  const PointsWriter first(file, read_points_file(file).header);
  CHECK(words_of([&] { PointsWriter second(file, read_points_file(file).header); }).find("another weft is writing to") != std::string::npos);
  CHECK(words_of([&] { sweep(s, data(), into(folder.file("none/p.jsonl"))); }).find("cannot write") != std::string::npos);
  CHECK(words_of([&] { sweep(s, data(), into("/dev/null")); }).find("no file that points can be kept in") != std::string::npos);
}

TEST_CASE("a share is written I/N") {
  CHECK(parse_shard("2/8", "--shard").has(1));
  CHECK(!parse_shard("2/8", "--shard").has(2));
  CHECK(parse_shard("2/8", "--shard").points(10) == 2);
  CHECK(parse_shard("3/8", "--shard").points(10) == 1);
  for (const char* wrong : {"", "1", "0/2", "3/2", "1/0", "1/2/3", "a/b", "-1/2", "1/1000000"}) CHECK_THROWS_AS(parse_shard(wrong, "--shard"), UserError);
}
