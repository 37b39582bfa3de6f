// Submission: a study cut into tasks for an engine that schedules programs (Slurm, GNU parallel): the scripts, and which tasks are left.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/studies/points_file.h"

namespace weft::scenarios {

/// What every task needs to know. Task k of N runs share k/N of DIR/study.json into DIR/points.k.jsonl; what it says goes to DIR/task.k.log.
struct Submission {
  std::string folder;     ///< absolute
  std::string weft;       ///< the program, absolute
  std::string start;      ///< where tasks are started, so that relative paths in the study mean what they mean to the user
  std::vector<std::pair<std::string, std::string>> environment;   ///< what the tasks' weft has to see
  std::size_t tasks = 1;
  unsigned jobs = 1;                   ///< processes of a task, and so its CPUs
  std::size_t at_once = 0;             ///< tasks that run at the same time; 0: as the engine likes
  std::vector<std::string> options;    ///< of sbatch, each a line of the script

  std::string study_file() const { return folder + "/study.json"; }
  std::string points_file(std::size_t task) const { return folder + "/points." + std::to_string(task) + ".jsonl"; }
};

/// A word of a POSIX shell that is this text, whatever is in it.
std::string shell_word(const std::string& text);

/// A path in a #SBATCH line that is this one: quoted, and no place holder (%a) in it. Throws UserError (place: --folder) for a backslash or a line
/// break, which Slurm's file names cannot have.
std::string sbatch_path(const std::string& path);

/// "2,5-7".
std::string task_list(const std::vector<std::size_t>& tasks);

/// A script for sbatch that runs these tasks as an array. Throws UserError: --folder as sbatch_path(), --sbatch for what is no option or would change the array.
std::string array_script(const Submission& s, const std::vector<std::size_t>& tasks);

/// A script that runs the task whose number it is given.
std::string task_script(const Submission& s);

/// What GNU parallel reads: a command a line, each a task. Throws UserError (place: --folder) for a line break.
std::string parallel_jobs(const Submission& s, const std::vector<std::size_t>& tasks);

/// GNU parallel on them, with a log of its own that begins anew each time: what is finished the points files say.
std::vector<std::string> parallel_command(const Submission& s);

struct TaskState {
  std::size_t points = 0, done = 0, failed = 0;
  bool left() const { return done < points; }
};

/// How far each task is. Throws UserError for a points file of another study, of another division into tasks, or a broken one.
std::vector<TaskState> task_states(const Submission& s, const PointsHeader& study);

}  // namespace weft::scenarios
