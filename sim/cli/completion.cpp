// weft completion SHELL: a script that completes commands, options and names, for the shell to read.
#include <CLI/CLI.hpp>

#include "sim/cli/app.h"
#include "sim/cli/completion_scripts.h"
#include "sim/core/error.h"

namespace weft::cli {

void add_completion(CLI::App& app) {
  struct Options { Common common; std::string shell; };
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("completion", "a script that completes commands, options and names in a shell");
  sub->footer("Examples:\n"
              "  source <(weft completion bash)          # in ~/.bashrc\n"
              "  weft completion zsh > ~/.zfunc/_weft    # a folder of $fpath, before compinit\n"
              "  weft completion fish > ~/.config/fish/completions/weft.fish");
  sub->add_option("SHELL", o->shell, "the shell that reads it")->required()->type_name("bash|zsh|fish");
  sub->add_option("-o,--output", o->common.output, "write to FILE; - is stdout")->type_name("FILE");
  sub->callback([o, &app] {
    const std::vector<std::string> known = {"bash", "zsh", "fish"};
    const DataPlaces data = DataPlaces::standard();
    const CommandFacts root = facts_of(app, data);
    const auto kinds = names_by_kind(data);
    if (o->shell == "bash") return emit_text(bash_completion(root, kinds), o->common);
    if (o->shell == "zsh") return emit_text(zsh_completion(root, kinds), o->common);
    if (o->shell == "fish") return emit_text(fish_completion(root, kinds), o->common);
    throw UserError("SHELL", "there is no completion for \"" + o->shell + "\"", unknown_name_hint(o->shell, known));
  });
}

}  // namespace weft::cli
