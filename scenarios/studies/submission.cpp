#include "scenarios/studies/submission.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include <fmt/format.h>

#include "scenarios/studies/collected_points.h"
#include "sim/core/error.h"

namespace weft::scenarios {
namespace {

constexpr std::string_view kWritten = "# Written by `weft sweep submit`, which writes it anew when it is run again.\n";

void refuse_line_breaks(const std::string& text, const std::string& option) {
  if (text.find_first_of("\n\r") != std::string::npos) throw UserError(option, "has a line break in it, and a script is read by lines", "choose another name");
}

/// Letters that a job's name may have everywhere.
std::string job_name(const std::string& folder) {
  std::string name = std::filesystem::path(folder).filename().string();
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && std::string_view("._-").find(c) == std::string_view::npos) c = '_';
  }
  return "weft-" + name;
}

/// Becomes weft, so that signals of the engine reach it. `number` is what the shell has as the task's number.
std::string commands(const Submission& s, const std::string& number) {
  std::string out;
  for (const auto& [name, value] : s.environment) out += fmt::format("export {}={}\n", name, shell_word(value));
  out += fmt::format("cd {} || exit 1\n", shell_word(s.start));
  out += fmt::format("exec {} sweep {} --shard {}/{} --points {}{}.jsonl --jobs {}", shell_word(s.weft), shell_word(s.study_file()), number, s.tasks,
                     shell_word(s.folder + "/points."), number, s.jobs);
  return out;
}

/// The words of a #SBATCH line: blanks divide, unless they are in quotes.
std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  char quote = '\0';
  bool inside = false;   // a word
  for (const char c : line) {
    if (quote == '\0' && std::isspace(static_cast<unsigned char>(c)) != 0) {
      inside = false;
      continue;
    }
    if (!inside) words.emplace_back();
    inside = true;
    if (c == quote) quote = '\0';
    else if (quote == '\0' && (c == '"' || c == '\'')) quote = c;
    else words.back() += c;
  }
  return words;
}

/// -a, -a1-9, --array, --array=1-9, and what is short for it.
bool sets_array(const std::string& word) {
  if (!word.starts_with("--")) return word.starts_with("-a");
  const std::string name = word.substr(0, word.find('='));
  return name.size() >= std::string_view("--ar").size() && std::string_view("--array").starts_with(name);
}

void check_sbatch_option(const std::string& option) {
  refuse_line_breaks(option, "--sbatch");
  if (!option.starts_with("-")) throw UserError("--sbatch", fmt::format("expected an option of sbatch, got \"{}\"", option), "as in --sbatch='--partition=long --time=2:00:00'");
  const std::vector<std::string> words = words_of(option);
  if (std::any_of(words.begin(), words.end(), sets_array)) throw UserError("--sbatch", "which tasks run weft says itself", "--tasks and --throttle are its options for that");
}

}  // namespace

std::string shell_word(const std::string& text) {
  const auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string_view("/._-+:,@=").find(c) != std::string_view::npos; };
  if (!text.empty() && text.front() != '=' && std::all_of(text.begin(), text.end(), plain)) return text;
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += "'\\''";
    else out += c;
  }
  return out + "'";
}

std::string sbatch_path(const std::string& path) {
  refuse_line_breaks(path, "--folder");
  // A file name with a backslash has no place holders in Slurm (sbatch(1), "filename pattern"), and the tasks would write to one file.
  if (path.find('\\') != std::string::npos) throw UserError("--folder", fmt::format("{} has a backslash in it, which Slurm does not take as one", path), "choose another folder");
  std::string out = "\"";
  for (const char c : path) {
    if (c == '"' || c == '#') out += '\\';
    if (c == '%') out += '%';
    out += c;
  }
  return out + "\"";
}

std::string task_list(const std::vector<std::size_t>& tasks) {
  std::string out;
  for (std::size_t i = 0; i < tasks.size();) {
    std::size_t last = i;
    while (last + 1 < tasks.size() && tasks[last + 1] == tasks[last] + 1) ++last;
    out += fmt::format("{}{}", out.empty() ? "" : ",", tasks[i]);
    if (last > i) out += fmt::format("{}{}", last == i + 1 ? "," : "-", tasks[last]);
    i = last + 1;
  }
  return out;
}

std::string array_script(const Submission& s, const std::vector<std::size_t>& tasks) {
  std::string out = "#!/bin/sh\n";
  const std::string log = sbatch_path(s.folder + "/task.");
  out += fmt::format("#SBATCH --job-name={}\n", job_name(s.folder));
  out += fmt::format("#SBATCH --array={}{}\n", task_list(tasks), s.at_once > 0 ? fmt::format("%{}", s.at_once) : "");
  out += fmt::format("#SBATCH --output={}%a.log\"\n#SBATCH --open-mode=append\n", log.substr(0, log.size() - 1));
  out += fmt::format("#SBATCH --ntasks=1\n#SBATCH --cpus-per-task={}\n#SBATCH --requeue\n", s.jobs);
  for (const std::string& o : s.options) {
    check_sbatch_option(o);
    out += fmt::format("#SBATCH {}\n", o);
  }
  return fmt::format("{}{}{} >/dev/null\n", out, kWritten, commands(s, "\"$SLURM_ARRAY_TASK_ID\""));
}

std::string task_script(const Submission& s) {
  return fmt::format("#!/bin/sh\n{}{} >/dev/null 2>>{}\"$1\".log\n", kWritten, commands(s, "\"$1\""), shell_word(s.folder + "/task."));
}

std::string parallel_jobs(const Submission& s, const std::vector<std::size_t>& tasks) {
  refuse_line_breaks(s.folder, "--folder");
  std::string out;
  for (const std::size_t t : tasks) out += fmt::format("sh {} {}\n", shell_word(s.folder + "/task.sh"), t);
  return out;
}

std::vector<std::string> parallel_command(const Submission& s) {
  std::vector<std::string> out = {"parallel", "--will-cite", "--joblog", s.folder + "/joblog"};
  if (s.at_once > 0) out.insert(out.end(), {"--jobs", std::to_string(s.at_once)});
  out.insert(out.end(), {"--arg-file", s.folder + "/jobs.txt"});
  return out;
}

std::vector<TaskState> task_states(const Submission& s, const PointsHeader& study) {
  std::vector<TaskState> out(s.tasks);
  for (std::size_t k = 0; k < s.tasks; ++k) {
    const Shard share{k + 1, s.tasks};
    out[k].points = share.points(study.grid.points());
    const std::string path = s.points_file(k + 1);
    std::error_code error;
    if (!std::filesystem::exists(path, error) || only_begun(path)) continue;
    const PointsFile file = read_points_file(path);
    check_same_study(file.header, path, study, "this one");
    if (file.header.shard.text() != share.text()) {
      throw UserError({{path, "", fmt::format("holds share {}, not {}", file.header.shard.text(), share.text()), "leave out --tasks, or choose another folder"}});
    }
    out[k].done = file.lines.size();
    out[k].failed = failed_points(file);
  }
  return out;
}

}  // namespace weft::scenarios
