// weft sweep submit: writes a sweep's scripts for Slurm or GNU parallel and has these run them.
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/studies/study_file.h"
#include "scenarios/studies/submission.h"
#include "sim/cli/scheduler.h"
#include "sim/cli/sweep.h"
#include "sim/cli/sweep_inputs.h"
#include "sim/core/error.h"
#include "sim/core/files.h"
#include "sim/core/unfinished.h"

namespace weft::cli {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kUsualTasks = 16;

struct Options {
  Common common;
  SweepInputs inputs;
  std::string engine, folder;
  std::vector<std::string> sbatch;
  std::size_t tasks = 0, throttle = 0;   // 0: not given
  bool dry_run = false, no_submit = false;
};

/// What is to be submitted, and how far it is.
struct Work {
  AskedSweep asked;
  std::string folder;        // as the user knows it
  scenarios::Submission submission;
  Json study;
  scenarios::PointsHeader header;
  std::vector<scenarios::TaskState> states;
  std::vector<std::size_t> left;      // tasks that are neither finished nor in the queue
  std::vector<std::size_t> queued;    // in Slurm's
  std::string job;                    // that Slurm made of it
};

std::string folder_of(const Options& o, const AskedSweep& asked) {
  if (!o.folder.empty()) return o.folder;
  if (o.inputs.file == "-") throw UserError("--folder", "standard input has no name for a folder", "--folder NAME");
  const fs::path file = scenario_path(o.inputs.file);
  if (asked.tasks > 0) return file.has_parent_path() ? file.parent_path().string() : ".";
  return file.stem().string() + ".sweep";
}

scenarios::PointsHeader header_of(const Json& study, const std::string& file) {
  const AskedSweep asked = asked_of(study, file);
  scenarios::SweepOptions options;
  options.run = asked.run;
  return scenarios::points_header(asked.sweep, DataPlaces::standard(), options);
}

bool has_points(const std::string& folder) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == ".jsonl") return true;
  }
  return false;
}

/// Of the study that lies in the folder; 0 when there is none. Throws UserError when it is not ours to replace, or another one.
std::size_t tasks_there(const Work& w) {
  const std::string file = w.submission.study_file();
  std::error_code error;
  if (!fs::exists(file, error)) return 0;
  const Json there = read_json_file(file);
  const std::size_t tasks = scenarios::is_study(there) ? scenarios::read_study(there, file).tasks : 0;
  if (tasks == 0) throw UserError({{file, "", "was not written by weft sweep submit, which would replace it", "choose another folder with --folder"}});
  scenarios::check_same_study(header_of(there, file), file, w.header, "this one");
  return tasks;
}

std::size_t tasks_of(const Options& o, const Work& w, std::size_t there) {
  const std::size_t points = w.header.grid.points();
  if (o.tasks > points) throw UserError("--tasks", fmt::format("{} tasks are more than the {} points", o.tasks, points), fmt::format("at most {}", points));
  if (o.tasks > 0 && there > 0 && o.tasks != there && has_points(w.submission.folder)) {
    throw UserError("--tasks", fmt::format("{} holds points of {} tasks, not of {}", w.folder, there, o.tasks), "leave out --tasks, or choose another folder");
  }
  if (o.tasks > 0) return o.tasks;
  return there > 0 ? there : std::min(kUsualTasks, points);
}

Json study_of(const AskedSweep& asked, std::size_t tasks) {
  scenarios::Study s;
  s.title = asked.sweep.title;
  s.scenario_name = asked.sweep.file;
  s.document = asked.sweep.document;
  s.settings = asked.sweep.settings;
  s.axes = asked.sweep.grid.axes();
  s.run = asked.run;
  s.tasks = tasks;
  return scenarios::to_json(s);
}

void find_left(Work& w) {
  w.states = scenarios::task_states(w.submission, w.header);
  w.left.clear();
  for (std::size_t k = 0; k < w.states.size(); ++k) {
    if (w.states[k].left()) w.left.push_back(k + 1);
  }
}

Work prepare(const Options& o) {
  Work w;
  w.asked = read_asked(o.inputs);
  w.folder = folder_of(o, w.asked);
  scenarios::Submission& s = w.submission;
  s.folder = fs::absolute(w.folder).lexically_normal().string();
  while (s.folder.size() > 1 && s.folder.ends_with('/')) s.folder.pop_back();
  s.weft = fs::read_symlink("/proc/self/exe").string();
  s.start = fs::current_path().string();
  for (const char* name : {"WEFT_DATA", "WEFT_REFERENCE", "WEFT_MODULES"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') s.environment.emplace_back(name, fs::absolute(value).string());
  }
  s.jobs = o.inputs.jobs;
  s.at_once = o.throttle;
  s.options = o.sbatch;
  // The study as the tasks will read it.
  w.header = header_of(study_of(w.asked, 1), s.study_file());
  s.tasks = tasks_of(o, w, tasks_there(w));
  w.study = study_of(w.asked, s.tasks);
  find_left(w);
  return w;
}

void make_folder(const Work& w) {
  std::error_code error;
  fs::create_directories(w.submission.folder, error);
  if (error || !fs::is_directory(w.submission.folder)) throw RunError(fmt::format("cannot make the folder {}: {}", w.folder, error ? error.message() : "it is a file"));
  write_file_atomically(w.submission.study_file(), dump_json(w.study, 1) + "\n");
}

// Slurm.

std::string job_list(const Work& w) { return w.submission.folder + "/jobs"; }

/// Takes tasks that an earlier submission still has in the queue off `left`.
void leave_queued(Work& w) {
  std::set<std::string> ours;
  std::ifstream jobs(job_list(w));
  for (std::string line; std::getline(jobs, line);) {
    if (!line.empty()) ours.insert(line);
  }
  if (ours.empty() || w.left.empty()) return;
  const Said said = ask_program({"squeue", "--noheader", "--array", fmt::format("--user={}", ::geteuid()), "--format=%F %K %t"});
  if (said.code != 0) {   // a task that is still there would be submitted twice
    throw RunError(fmt::format("squeue does not say which tasks of {} are still in the queue: {}; nothing was submitted: try again when it answers, or remove {} when none of its jobs is left",
                               w.folder, said.text.empty() ? fmt::format("it ended with {}", said.code) : said.text, job_list(w)));
  }
  std::istringstream lines(said.text);
  std::string job, state;
  for (std::string task; lines >> job >> task >> state;) {
    if (!ours.contains(job) || state == "CG") continue;   // CG: it is ending
    for (std::size_t k = 0; k < w.left.size(); ++k) {
      if (std::to_string(w.left[k]) != task) continue;
      w.queued.push_back(w.left[k]);
      w.left.erase(w.left.begin() + static_cast<std::ptrdiff_t>(k));
      break;
    }
  }
}

/// The number in what `sbatch --parsable` says, "123" or "123;cluster", behind warnings perhaps.
std::string job_in(const std::string& text) {
  std::istringstream lines(text);
  std::string job;
  for (std::string line; std::getline(lines, line);) {
    const std::string number = line.substr(0, line.find(';'));
    if (!number.empty() && number.find_first_not_of("0123456789") == std::string::npos) job = number;
  }
  return job;
}

void submit_to_slurm(Work& w, bool submit) {
  if (submit) leave_queued(w);
  if (w.left.empty()) return;
  const std::string script = w.submission.folder + "/array.sh";
  write_file_atomically(script, scenarios::array_script(w.submission, w.left));
  if (!submit) return;
  const Said said = ask_program({"sbatch", "--parsable", script});
  if (said.code != 0) throw RunError(fmt::format("sbatch did not take {}: {}", script, said.text));
  w.job = job_in(said.text);
  if (w.job.empty()) {
    throw RunError(fmt::format("sbatch took {} but named no job: \"{}\"; look with squeue whether it waits, and submit again when it does not", script, said.text));
  }
  std::ofstream jobs(job_list(w), std::ios::app);
  jobs << w.job << "\n";
  jobs.flush();
  if (!jobs) throw RunError(fmt::format("job {} was submitted, but {} cannot be written: do not submit again before it has ended", w.job, job_list(w)));
}

// GNU parallel.

void run_parallel(Work& w, const Common& common, bool submit) {
  scenarios::Submission& s = w.submission;
  if (s.at_once == 0) s.at_once = std::max(1u, std::thread::hardware_concurrency() / std::max(1u, s.jobs));
  if (w.left.empty()) return;
  write_file_atomically(s.folder + "/task.sh", scenarios::task_script(s));
  write_file_atomically(s.folder + "/jobs.txt", scenarios::parallel_jobs(s, w.left));
  if (!submit) return;
  if (!common.quiet) set_last_words("\nweft: interrupted; finished points are kept, the same command goes on with the others\n");
  const std::size_t had = w.left.size();
  const int code = run_scheduler(scenarios::parallel_command(s), "/bin/sh");
  set_last_words(nullptr);
  find_left(w);
  if (!w.left.empty()) {
    throw RunError(fmt::format("{} of {} tasks are not finished: {} (parallel ended with {}); {} says why, and the same command goes on with them", w.left.size(), had,
                               scenarios::task_list(w.left), code, fmt::format("{}/task.{}.log", w.folder, w.left.front())));
  }
}

// What there is to say.

std::string goal_text(const scenarios::Goal& g) { return (g.most ? "max:" : "min:") + g.column; }

std::string next_command(const Work& w, const std::string& what) {
  std::string out = fmt::format("weft sweep {} {}", what, scenarios::shell_word(w.folder));
  if (what != "merge") return out;
  if (!w.asked.where.empty()) out += " --where " + scenarios::shell_word(w.asked.where);
  if (w.asked.pareto) out += " --pareto " + scenarios::shell_word(goal_text(w.asked.pareto->x) + "," + goal_text(w.asked.pareto->y));
  return out + " -o all.csv";
}

std::string by_hand(const Options& o, const Work& w) {
  if (o.engine == "slurm") return "sbatch " + scenarios::shell_word(w.submission.folder + "/array.sh");
  std::string out = "PARALLEL_SHELL=/bin/sh";
  for (const std::string& word : scenarios::parallel_command(w.submission)) out += " " + scenarios::shell_word(word);
  return out;
}

std::size_t failed(const Work& w) {
  std::size_t n = 0;
  for (const auto& s : w.states) n += s.failed;
  return n;
}

void tell(const Options& o, const Work& w, bool submit) {
  std::size_t done = 0;
  for (const auto& s : w.states) done += s.done;
  const auto whole = [](std::size_t n) { return static_cast<std::int64_t>(n); };
  reports::Table t;
  t.id = "submission";
  t.title = fmt::format("{}: {} tasks in {}", w.header.title, w.submission.tasks, w.folder);
  t.label_columns = {{"folder", "where scripts, points and logs of the tasks lie"}, {"engine", "what schedules the tasks"}};
  t.columns = {{"tasks", "shares into which the points are cut"}, {"left", "tasks that have points to run and are in no queue"}, {"queued", "tasks that an earlier job still has"},
               {"points", "of the study"}, {"done", "points that are finished"}, {"failed", "of these with an error"}, {"job", "number that Slurm gave the tasks that were left"}};
  Row row;
  row.set("folder", w.folder).set("engine", o.engine).set("tasks", whole(w.submission.tasks)).set("left", whole(w.left.size())).set("queued", whole(w.queued.size()));
  row.set("points", whole(w.header.grid.points())).set("done", whole(done)).set("failed", whole(failed(w)));
  if (!w.job.empty()) row.set("job", w.job);
  t.rows.push_back(std::move(row));
  reports::Listing out;
  out.tables.push_back(std::move(t));
  if (w.left.empty() && w.queued.empty()) {
    out.notes.push_back(fmt::format("all tasks are finished: {}", next_command(w, "merge")));
  } else {
    if (!submit && !w.left.empty()) out.notes.push_back(fmt::format("{}: {}", o.dry_run ? "would be written and run" : "to run it", by_hand(o, w)));
    out.notes.push_back(fmt::format("how far it is: {}", next_command(w, "status")));
    out.notes.push_back(fmt::format("when it is done: {}; where tasks were killed, the same submit goes on with what is left", next_command(w, "merge")));
  }
  emit(out, o.common);
}

void require_engine(const std::string& engine) {
  if (engine == "slurm") return require_program("sbatch", "slurm-client");
  require_program("parallel", "parallel");
  if (ask_program({"parallel", "--version"}).text.find("GNU parallel") == std::string::npos) {
    throw NotPossibleHere("the program parallel on this machine is not GNU parallel: apt-get install parallel; --no-submit writes the scripts all the same");
  }
}

void run(const Options& o) {
  check_output(o.common);
  if (o.engine != "slurm" && !o.sbatch.empty()) throw UserError("--sbatch", "is for --engine slurm", "leave it out");
  Work w = prepare(o);
  const bool submit = !o.dry_run && !o.no_submit;
  (void)(o.engine == "slurm" ? scenarios::array_script(w.submission, w.left) : scenarios::parallel_jobs(w.submission, w.left));   // what is wrong with names and options
  if (submit && !w.left.empty()) require_engine(o.engine);
  if (!o.dry_run) {
    make_folder(w);
    if (o.engine == "slurm") submit_to_slurm(w, submit);
    else run_parallel(w, o.common, submit);
  }
  tell(o, w, submit);
  if (w.left.empty() && failed(w) > 0) throw RunError(fmt::format("{} of {} points failed; `weft sweep merge` shows them", failed(w), w.header.grid.points()));
}

}  // namespace

void add_sweep_submit(CLI::App& sweep) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = sweep.add_subcommand("submit", "have Slurm or GNU parallel run a sweep: weft writes the scripts, the engine schedules");
  sub->footer("Examples:\n"
              "  weft sweep submit study.json --engine slurm --tasks 16 --jobs 8 --sbatch='--partition=long --time=2:00:00'\n"
              "  weft sweep submit scenarios/my_cluster.json --vary /cluster/nodes=16:256:16 --engine slurm --throttle 4 --folder nodes.sweep\n"
              "  weft sweep submit study.json --engine slurm --no-submit     (writes study.sweep/array.sh and leaves sbatch to you)\n"
              "  weft sweep submit study.json --engine parallel --throttle 2 (on this machine, waits until it is done)\n"
              "  weft sweep status study.sweep\n"
              "  weft sweep submit study.json --engine slurm                 (again: submits the tasks that are not finished)\n"
              "  weft sweep merge study.sweep -o all.csv\n"
              "--engine names what schedules here; what simulates is --simulator.");
  add_common(*sub, o->common);
  sub->add_option("--engine", o->engine, "what schedules the tasks: slurm (a job array) or parallel (GNU parallel, on this machine)")
      ->type_name("slurm|parallel")->required()->check([](const std::string& given) {
        return given == "slurm" || given == "parallel" ? std::string() : "expected slurm or parallel, got " + given + " (what simulates is --simulator)";
      });
  sub->add_option("--folder", o->folder, "where scripts, points and logs go; tasks have to see it by the same name (default: NAME.sweep)")->type_name("DIR");
  sub->add_option("--tasks", o->tasks, "shares into which the points are cut (default: those of the folder, else 16)")->check(CLI::Range(std::size_t{1}, scenarios::kMostPoints));
  sub->add_option("--throttle", o->throttle, "tasks that run at once (default: as Slurm likes; all cores with parallel)")->check(CLI::Range(std::size_t{1}, scenarios::kMostPoints));
  sub->add_option("--sbatch", o->sbatch, "options of sbatch, which go into the script as they are (see the examples)")
      ->type_name("OPTIONS")->take_all()->expected(1)->allow_extra_args(false);
  sub->add_flag("--no-submit", o->no_submit, "write the scripts, run nothing, say how to");
  sub->add_flag("--dry-run", o->dry_run, "say how many tasks there are and are left; write and run nothing");
  add_sweep_inputs(*sub, o->inputs, "--simulator");
  sub->get_option("--jobs")->description("processes of each task, and so its CPUs; never changes the result");
  sub->get_option("--where")->description("for the merge that is suggested at the end; tasks keep all rows");
  sub->get_option("--pareto")->description("for the merge that is suggested at the end: X,Y");
  sub->callback([o] {
    if (o->inputs.file.empty()) throw CLI::RequiredError("SCENARIO");
    run(*o);
  });
}

}  // namespace weft::cli
