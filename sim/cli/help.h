// What `weft help` knows: topics as texts with generated facts, the man page, and the screen of a program without arguments.
#pragma once

#include <string>
#include <vector>

#include "sim/cli/tree.h"

namespace weft::cli {

/// Names of the topics, in the order of sim/cli/meson.build.
std::vector<std::string> help_topics();

/// The text of a topic with its facts filled in. Precondition: it is one of help_topics().
std::string help_topic_text(const std::string& topic, const CommandFacts& root);

/// One line of `weft help environment`.
struct EnvironmentVariable {
  std::string name, meaning;
};
std::vector<EnvironmentVariable> environment_variables();

/// What the program says when nothing is asked of it.
std::string welcome_text();

/// The manual page weft(1) as troff.
std::string man_page(const CommandFacts& root);

}  // namespace weft::cli
