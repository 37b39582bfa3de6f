#include "sim/cli/completion_scripts.h"

#include <algorithm>

#include <fmt/format.h>

namespace weft::cli {
namespace {

std::string joined(const std::vector<std::string>& words, const char* between = " ") { return fmt::format("{}", fmt::join(words, between)); }

/// In single quotes, as all three shells read it (fish also takes a backslash before a quote).
std::string quoted(const std::string& text, bool fish = false) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += fish ? "\\'" : "'\\''";
    else if (c == '\\' && fish) out += "\\\\";
    else out += c == '\n' ? ' ' : c;
  }
  return out + "'";
}

std::vector<std::string> names_of(const ArgumentFacts& a) {
  std::vector<std::string> names = a.shorts;
  names.insert(names.end(), a.longs.begin(), a.longs.end());
  return names;
}

/// The first clause of what help says, short enough for a line beside others.
std::string brief(const std::string& text) {
  constexpr std::size_t kLongest = 70;
  std::string out = text.substr(0, text.find_first_of(";\n"));
  if (out.size() <= kLongest) return out;
  out.resize(std::min(out.rfind(' ', kLongest), kLongest));
  while (!out.empty() && (out.back() == ',' || out.back() == ':' || out.back() == '(')) out.pop_back();
  return out + " ...";
}

/// "'run:--format'|'run:-f'": a pattern of the case statements that bash and zsh share.
std::string pattern(const CommandFacts& c, const ArgumentFacts& a) {
  std::string out;
  for (const std::string& name : names_of(a)) out += (out.empty() ? "" : "|") + quoted(c.path + ":" + name);
  return out;
}

bool is_name_of_kind(const CommandFacts& c, std::size_t position) {
  return position > 0 && c.positionals[position].positional == "NAME" && c.positionals[position - 1].positional == "KIND";
}

std::string words_and_files(const ArgumentFacts& a) {
  std::string out;
  if (!a.words.empty()) out += "choices=" + quoted(joined(a.words));
  if (a.files) out += std::string(out.empty() ? "" : " ") + "files=1";
  return out.empty() ? ":" : out;
}

/// Functions that bash and zsh read alike: which word is a command, what follows an option, what stands at a position.
std::string shared_functions(const CommandFacts& root, const std::vector<NamesOfKind>& kinds) {
  std::string commands, values, positions;
  for (const CommandFacts* c : all_commands(root)) {
    for (const CommandFacts& sub : c->commands) commands += fmt::format("    {}) at={} ;;\n", quoted(c->path + ":" + sub.name), quoted(sub.path));
    for (const ArgumentFacts& o : c->options) {
      if (o.takes_value && !o.value_may_lack) values += fmt::format("    {}) {} ;;\n", pattern(*c, o), words_and_files(o));
    }
    for (std::size_t i = 0; i < c->positionals.size(); ++i) {
      const ArgumentFacts& p = c->positionals[i];
      const std::string place = p.many ? quoted(c->path + ":") + "*" : quoted(fmt::format("{}:{}", c->path, i));
      if (is_name_of_kind(*c, i)) {
        positions += fmt::format("    {}) case $first in\n", place);
        for (const NamesOfKind& k : kinds) positions += fmt::format("      {}) choices={} ;;\n", joined(k.kinds, "|"), quoted(joined(k.names)));
        positions += "      esac\n      files=1 ;;\n";
      } else {
        positions += fmt::format("    {}) {} ;;\n", place, words_and_files(p));
      }
    }
  }
  return fmt::format(
      "# The command that word $1 leads to from command $at.\n_weft_enter() {{\n  case $at:$1 in\n{}    *) return 1 ;;\n  esac\n}}\n"
      "# What may follow option $1 of command $at: choices and files; fails when it takes no value.\n_weft_value() {{\n  case $at:$1 in\n{}    *) return 1 ;;\n  esac\n}}\n"
      "# What may stand at position $1 of command $at, its first argument being $first.\n_weft_position() {{\n  case $at:$1 in\n{}  esac\n}}\n",
      commands, values, positions);
}

/// The walk over the words before the cursor; bash and zsh number and name them differently.
std::string walk(const std::string& loop, const std::string& word) {
  return "  " + loop + "; do\n    word=" + word +
         "\n    if [ \"$word\" = = ]; then expect=${expect:-=}; continue; fi\n"
         "    if [ -n \"$expect\" ]; then expect=; continue; fi\n"
         "    if _weft_enter \"$word\"; then continue; fi\n"
         "    choices= files=\n"
         "    if _weft_value \"$word\"; then expect=$word; continue; fi\n"
         "    case $word in -?*) continue ;; esac\n"
         "    [ \"$position\" -gt 0 ] || first=$word\n"
         "    position=$((position + 1))\n  done\n  choices= files=\n";
}

}  // namespace

std::string bash_completion(const CommandFacts& root, const std::vector<NamesOfKind>& kinds) {
  std::string options;
  for (const CommandFacts* c : all_commands(root)) {
    std::vector<std::string> names, subs;
    for (const ArgumentFacts& o : c->options) {
      for (const std::string& n : names_of(o)) names.push_back(n);
    }
    for (const CommandFacts& sub : c->commands) subs.push_back(sub.name);
    options += fmt::format("    {}) options={} commands={} ;;\n", quoted(c->path), quoted(joined(names)), quoted(joined(subs)));
  }
  return "# Completion of weft for bash. To use it: source <(weft completion bash)\n" + shared_functions(root, kinds) +
         "# Options and commands of command $at.\n_weft_of_command() {\n  case $at in\n" + options + "  esac\n}\n"
         "_weft() {\n"
         "  local cur=${COMP_WORDS[COMP_CWORD]} at= first= expect= word choices= files= options= commands= position=0 i\n" +
         walk("for ((i = 1; i < COMP_CWORD; i++))", "${COMP_WORDS[i]}") +
         "  _weft_of_command\n"
         "  COMPREPLY=()\n"
         "  [ \"$cur\" != = ] || cur=\n"
         "  if [ -n \"$expect\" ]; then _weft_value \"$expect\"\n"
         "  elif [[ $cur == -* ]]; then choices=$options\n"
         "  elif [ -n \"$commands\" ]; then choices=$commands\n"
         "  else _weft_position \"$position\"\n"
         "  fi\n"
         "  mapfile -t COMPREPLY < <(compgen -W \"$choices\" -- \"$cur\")\n"
         "  if [ -n \"$files\" ]; then\n"
         "    compopt -o filenames 2>/dev/null\n"
         "    mapfile -t -O \"${#COMPREPLY[@]}\" COMPREPLY < <(compgen -f -- \"$cur\")\n"
         "  fi\n"
         "}\n"
         "complete -F _weft weft ./weft\n";
}

std::string zsh_completion(const CommandFacts& root, const std::vector<NamesOfKind>& kinds) {
  // What _describe takes: a list of "name:what it is", with colons in names escaped (there are none).
  std::string options;
  for (const CommandFacts* c : all_commands(root)) {
    std::string names, subs;
    for (const ArgumentFacts& o : c->options) {
      for (const std::string& n : names_of(o)) names += " " + quoted(n + ":" + brief(o.text));
    }
    for (const CommandFacts& sub : c->commands) subs += " " + quoted(sub.name + ":" + brief(sub.text));
    options += fmt::format("    {}) options=({} ) commands=({} ) ;;\n", quoted(c->path), names, subs);
  }
  return "#compdef weft ./weft\n# Completion of weft for zsh. To use it: weft completion zsh > a folder of $fpath, as _weft\n" + shared_functions(root, kinds) +
         "# Options and commands of command $at.\n_weft_of_command() {\n  case $at in\n" + options + "  esac\n}\n"
         "_weft() {\n"
         "  local cur=${words[CURRENT]} at= first= expect= word files= position=0 i\n"
         "  local choices=\n"
         "  local -a options commands\n" +
         walk("for ((i = 2; i < CURRENT; i++))", "${words[i]}") +
         "  _weft_of_command\n"
         "  if [[ -n $expect ]]; then _weft_value \"$expect\"\n"
         "  elif [[ $cur == -* ]]; then _describe -o option options; return\n"
         "  elif (( ${#commands} )); then _describe command commands; return\n"
         "  else _weft_position \"$position\"\n"
         "  fi\n"
         "  [[ -z $choices ]] || compadd -- ${=choices}\n"
         "  [[ -z $files ]] || _files\n"
         "}\n"
         "if [[ ${funcstack[1]} == _weft ]]; then _weft \"$@\"; elif (( $+functions[compdef] )); then compdef _weft weft ./weft; fi\n";
}

std::string fish_completion(const CommandFacts& root, const std::vector<NamesOfKind>& kinds) {
  std::string enter, lines;
  for (const CommandFacts* c : all_commands(root)) {
    for (const CommandFacts& sub : c->commands) {
      enter += fmt::format("            case {}\n                set at {}\n", quoted(c->path + ":" + sub.name, true), quoted(sub.path, true));
      lines += fmt::format("complete -c weft -n {} -a {} -d {}\n", quoted("__weft_at " + quoted(c->path, true), true), quoted(sub.name, true), quoted(brief(sub.text), true));
    }
    const std::string here = quoted("__weft_at " + quoted(c->path, true), true);
    for (const ArgumentFacts& o : c->options) {
      lines += "complete -c weft -n " + here;
      for (const std::string& s : o.shorts) lines += " -s " + s.substr(1);
      for (const std::string& l : o.longs) lines += " -l " + l.substr(2);
      if (o.takes_value && !o.value_may_lack) lines += o.files ? " -r -F" : " -x";
      if (!o.words.empty()) lines += " -a " + quoted(joined(o.words), true);
      lines += " -d " + quoted(brief(o.text), true) + "\n";
    }
    for (std::size_t i = 0; i < c->positionals.size(); ++i) {
      const ArgumentFacts& p = c->positionals[i];
      if (is_name_of_kind(*c, i)) {
        for (const NamesOfKind& k : kinds) {
          lines += fmt::format("complete -c weft -n {} -a {}\n", quoted("__weft_at " + quoted(c->path, true) + "; and __fish_seen_subcommand_from " + joined(k.kinds), true),
                               quoted(joined(k.names), true));
        }
        continue;
      }
      const bool before_name = i + 1 < c->positionals.size() && is_name_of_kind(*c, i + 1);
      const std::string when = before_name ? quoted("__weft_at " + quoted(c->path, true) + "; and not __fish_seen_subcommand_from " + joined(p.words), true) : here;
      if (!p.words.empty()) lines += fmt::format("complete -c weft -n {} -a {}\n", when, quoted(joined(p.words), true));
      if (p.files) lines += fmt::format("complete -c weft -n {} -F\n", here);
    }
  }
  return "# Completion of weft for fish. To use it: weft completion fish > ~/.config/fish/completions/weft.fish\n"
         "function __weft_at -d 'whether the words before the cursor lead to this command'\n"
         "    set -l at ''\n"
         "    for word in (commandline -opc)[2..-1]\n"
         "        switch \"$at:$word\"\n" + enter +
         "        end\n"
         "    end\n"
         "    test \"$at\" = \"$argv[1]\"\n"
         "end\n"
         "complete -c weft -f\n" + lines;
}

}  // namespace weft::cli
