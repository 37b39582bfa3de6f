// Scripts of `weft sweep submit`: words of the shell and of sbatch, lists of tasks, what is left; the engines themselves are tried in tests/cli/slurm.py.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "scenarios/studies/collected_points.h"
#include "scenarios/studies/study_file.h"
#include "scenarios/studies/submission.h"
#include "tests/scenarios/sweep_support.h"

using namespace weft;
using namespace weft::scenarios;
using namespace weft::scenarios::test;

namespace {

/// What the shell makes of a command.
std::string shell(const std::string& command) {
  std::FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string out;
  std::array<char, 256> piece{};
  for (std::size_t n = 0; (n = std::fread(piece.data(), 1, piece.size(), pipe)) > 0;) out.append(piece.data(), n);
  ::pclose(pipe);
  return out;
}

Submission submission() {
  Submission s;
  s.folder = "/a b/it's \"50 %\" #1";
  s.weft = "/opt/my weft/weft";
  s.start = "/home/$USER";
  s.environment = {{"WEFT_DATA", "/data;rm *"}};
  s.tasks = 4;
  s.jobs = 2;
  s.at_once = 3;
  return s;
}

}  // namespace

TEST_CASE("a word of the shell is the text that it was made of, whatever is in it") {
  for (const std::string text : {"plain", "", "two words", "it's", "a\"b", "$HOME `id` $(id)", "back\\slash", "*?[a]", "~", "#no", "a\nb", "-n", "=x", "a;b&c|d>e", "{}", "!!"}) {
    CHECK(shell("printf %s " + shell_word(text)) == text);
  }
  CHECK(shell_word("/plain/path-1.json") == "/plain/path-1.json");
}

TEST_CASE("a path of sbatch is quoted, and its percent signs stand for themselves") {
  CHECK(sbatch_path("/a b/50 %a") == "\"/a b/50 %%a\"");
  CHECK(sbatch_path("/it's \"so\" #1") == "\"/it's \\\"so\\\" \\#1\"");
  CHECK(words_of([] { sbatch_path("/a\\b"); }).find("has a backslash") != std::string::npos);
  CHECK(words_of([] { sbatch_path("/a\nb"); }).find("has a line break") != std::string::npos);
}

TEST_CASE("tasks are listed as sbatch wants them") {
  CHECK(task_list({}) == "");
  CHECK(task_list({2}) == "2");
  CHECK(task_list({1, 2, 3, 4}) == "1-4");
  CHECK(task_list({2, 5, 6, 7, 9, 10}) == "2,5-7,9,10");
}

TEST_CASE("the array script names the tasks, and its shell finds the same words again") {
  Submission s = submission();
  s.options = {"--partition=long --time=2:00:00", "--mem=4G"};
  const std::string script = array_script(s, {1, 3});
  CHECK(script.starts_with("#!/bin/sh\n#SBATCH "));
  for (const char* line : {"#SBATCH --array=1,3%3\n", "#SBATCH --output=\"/a b/it's \\\"50 %%\\\" \\#1/task.%a.log\"\n", "#SBATCH --cpus-per-task=2\n", "#SBATCH --requeue\n",
                           "#SBATCH --partition=long --time=2:00:00\n#SBATCH --mem=4G\n", "#SBATCH --job-name=weft-it_s__50_____1\n"}) {
    CHECK_MESSAGE(script.find(line) != std::string::npos, line);
  }
  // Its last command, with a printf in place of exec.
  const std::size_t at = script.find("exec ");
  std::string last = script.substr(at + 5);
  last.resize(last.find(" >/dev/null"));
  CHECK(shell("SLURM_ARRAY_TASK_ID=3; printf '%s\\n' " + last) ==
        "/opt/my weft/weft\nsweep\n/a b/it's \"50 %\" #1/study.json\n--shard\n3/4\n--points\n/a b/it's \"50 %\" #1/points.3.jsonl\n--jobs\n2\n");
  CHECK(script.find("export WEFT_DATA='/data;rm *'\ncd '/home/$USER' || exit 1\n") != std::string::npos);
}

TEST_CASE("options of sbatch that would change the array are refused, and what is no option") {
  Submission s = submission();
  for (const char* option : {"--array=1-9", "-a1-9", "-a 1-9", "--time=5 --array=2", "--time=5\t--array=2", "--time=5\t-a2", "--time=5 -a 2", "--arr=1-9", "--comment='x' -a2"}) {
    s.options = {option};
    CHECK_MESSAGE(words_of([&] { array_script(s, {1}); }).find("--tasks and --throttle") != std::string::npos, option);
  }
  for (const char* option : {"-A me", "--account=me", "--partition=x-a", "--comment='only -a few'", "--comment=\"no --array here\"", "--acctg-freq=30"}) {
    s.options = {option};
    CHECK_MESSAGE(array_script(s, {1}).find(std::string("#SBATCH ") + option + "\n") != std::string::npos, option);
  }
  for (const char* option : {"long", "", "--time=5\nrm -rf /"}) {
    s.options = {option};
    CHECK_MESSAGE(words_of([&] { array_script(s, {1}); }).find("--sbatch") != std::string::npos, option);
  }
}

TEST_CASE("GNU parallel gets a command a task and keeps its own log of them") {
  const Submission s = submission();
  const std::string jobs = parallel_jobs(s, {2, 4});
  CHECK(jobs == "sh '/a b/it'\\''s \"50 %\" #1/task.sh' 2\nsh '/a b/it'\\''s \"50 %\" #1/task.sh' 4\n");
  const std::vector<std::string> command = parallel_command(s);
  CHECK(std::find(command.begin(), command.end(), s.folder + "/joblog") != command.end());
  CHECK(command.back() == s.folder + "/jobs.txt");
  CHECK(task_script(s).find("--shard \"$1\"/4") != std::string::npos);
}

TEST_CASE("a study written whole is read back the same") {
  Study study;
  study.title = "t";
  study.scenario_name = "s.json";
  study.document = std::make_shared<const Json>(Json{{"title", "s"}});
  study.settings = {parse_setting("/a=1", "--set"), parse_setting("/a/b=[2]", "--set"), parse_setting("/a=3", "--set")};
  study.axes = {parse_axis("/n=1:3:1"), parse_axis("/k=x,y; /m=null,true")};
  study.run.seed = 9007199254740993;
  study.run.kernels.calibrations = {"mine.json"};
  study.run.fold = false;
  study.run.time_tolerance = 0.001;
  study.tasks = 5;
  const Json written = to_json(study);
  const Study read = read_study(parse_json(dump_json(written), "study.json"), "study.json");
  CHECK(dump_json(to_json(read)) == dump_json(written));
  REQUIRE(read.settings.size() == 3);
  CHECK(to_text(read.settings[2]) == to_text(study.settings[2]));
  CHECK(read.run.seed == study.run.seed);
  CHECK(!read.run.fold);
  CHECK(read.tasks == 5);
}

TEST_CASE("how a study is run is checked key by key") {
  const auto said = [](const std::string& run) {
    return words_of([&] { read_study(parse_json(R"({"scenario": {}, "axes": ["/a=1"], "run": )" + run + "}", "s.json"), "s.json"); });
  };
  CHECK(said(R"({"engine": "fluidd"})").find("/run/engine") != std::string::npos);
  CHECK(said(R"({"cost_model": "guess"})").find("/run/cost_model") != std::string::npos);
  CHECK(said(R"({"seed": -1})").find("/run/seed") != std::string::npos);
  CHECK(said(R"({"time_tolerance": 0.5})").find("/run/time_tolerance") != std::string::npos);
  CHECK(said(R"({"calibrations": "mine"})").find("/run/calibrations") != std::string::npos);
  CHECK(said(R"({"sead": 1})").find("/run/sead") != std::string::npos);
  CHECK(said("7").find("/run") != std::string::npos);
}

TEST_CASE("a task is left until all its points are finished, and files of another division are refused") {
  const Folder folder;
  const Sweep study = small_sweep({"/cluster/nodes=1:5:1"});
  Submission s;
  s.folder = folder.path();
  s.tasks = 2;
  const auto run = [&](const char* shard, std::size_t task) {
    SweepOptions o;
    o.shard = parse_shard(shard, "--shard");
    o.points_file = s.points_file(task);
    sweep(study, DataPlaces::standard(), o);
  };
  const PointsHeader header = points_header(study, DataPlaces::standard(), {});
  run("1/2", 1);
  write_text(s.points_file(2), "{\"schema\":\"weft");   // killed while it wrote its first line
  std::vector<TaskState> states = task_states(s, header);
  CHECK(states[0].points == 3);
  CHECK(states[0].done == 3);
  CHECK(!states[0].left());
  CHECK(states[1].points == 2);
  CHECK(states[1].done == 0);
  CHECK(states[1].left());
  CHECK(collect_points({s.folder}).files.size() == 1);   // the begun one says nothing yet
  s.tasks = 3;
  CHECK(words_of([&] { task_states(s, header); }).find("holds share 1/2, not 1/3") != std::string::npos);
  s.tasks = 2;
  const PointsHeader other = points_header(small_sweep({"/cluster/nodes=1:6:1"}), DataPlaces::standard(), {});
  CHECK(words_of([&] { task_states(s, other); }).find("another study") != std::string::npos);
}
