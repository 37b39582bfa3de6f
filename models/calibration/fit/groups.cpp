#include "models/calibration/fit/groups.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::models {
namespace {

constexpr std::size_t kRowsPerParameter = 3;   // fewer: siblings are fitted together

std::size_t fewest_parameters(const KernelFamily& f) {
  std::size_t n = f.forms.front().parameters.size();
  for (const KernelForm& form : f.forms) n = std::min(n, form.parameters.size());
  return n;
}

std::string group_name(const FitTable& t) {
  const KernelFamily& f = *t.calls.front().family;
  return f.group != nullptr ? f.group(t.variant) : f.name + "/" + t.variant;
}

/// The form that the options name for one of the group's families; empty: any.
std::string wanted_form(const Group& group, const FitOptions& options) {
  std::string wanted;
  for (const FitTable* t : group.tables) {
    const auto own = options.form.find(t->family);
    if (own == options.form.end()) continue;
    if (!wanted.empty() && wanted != own->second) {
      throw UserError("--form", fmt::format("{} are fitted together and cannot have two forms", names_of(group)), "name one form for both");
    }
    wanted = own->second;
  }
  const auto all = options.form.find("");
  return wanted.empty() && all != options.form.end() ? all->second : wanted;
}

}  // namespace

std::vector<Group> groups_of(const std::vector<FitTable>& tables) {
  std::map<std::string, std::vector<const FitTable*>> by_name;
  std::vector<std::string> order;
  for (const FitTable& t : tables) {
    const std::string name = group_name(t);
    if (by_name[name].empty()) order.push_back(name);
    by_name[name].push_back(&t);
  }
  std::vector<Group> groups;
  for (const std::string& name : order) {
    const auto& members = by_name[name];
    const bool few = std::any_of(members.begin(), members.end(), [](const FitTable* t) {
      return t->calls.size() < kRowsPerParameter * fewest_parameters(*t->calls.front().family);
    });
    if (few) {
      groups.push_back({members});
    } else {
      for (const FitTable* t : members) groups.push_back({{t}});
    }
  }
  return groups;
}

std::vector<KernelForm> forms_named(const Group& group, const std::string& name) {
  std::vector<KernelForm> out;
  for (const FitTable* t : group.tables) {
    for (const KernelForm& f : t->calls.front().family->forms) {
      if (f.name == name && f.stands_for(t->variant)) out.push_back(f);
    }
  }
  return out.size() == group.tables.size() ? out : std::vector<KernelForm>{};
}

std::map<std::string, double> held_of(const Group& group, const std::map<std::string, double>& hold) {
  std::map<std::string, double> family, variant;   // what is said of a variant beats what is said of its family
  const auto put = [](std::map<std::string, double>& into, const std::string& parameter, const std::string& name, double value) {
    const auto [it, fresh] = into.try_emplace(parameter, value);
    if (!fresh && it->second != value) {
      throw UserError("--hold", fmt::format("{} contradicts what is held of a sibling that is fitted together with it", name), "give both the same value");
    }
  };
  for (const FitTable* t : group.tables) {
    const std::string of_family = t->family + ".", of_variant = t->family + "/" + t->variant + ".";
    for (const auto& [name, value] : hold) {
      if (name.rfind(of_family, 0) == 0) put(family, name.substr(of_family.size()), name, value);
      if (name.rfind(of_variant, 0) == 0) put(variant, name.substr(of_variant.size()), name, value);
    }
  }
  variant.merge(family);
  return variant;
}

std::size_t distinct_shapes(const Group& group) {
  std::set<std::vector<double>> shapes;
  for (const FitTable* t : group.tables) {
    for (const KernelCall& c : t->calls) shapes.insert(c.at);
  }
  return shapes.size();
}

std::string names_of(const Group& group) {
  std::string text;
  for (const FitTable* t : group.tables) text += fmt::format("{}{}/{}", text.empty() ? "" : ", ", t->family, t->variant);
  return text;
}

std::size_t open_parameters(const KernelForm& form, const std::map<std::string, double>& held) {
  return static_cast<std::size_t>(std::count_if(form.parameters.begin(), form.parameters.end(), [&](const FormParameter& p) { return held.count(p.name) == 0; }));
}

std::size_t shapes_needed(const KernelForm& form, const std::map<std::string, double>& held) {
  const std::size_t open = open_parameters(form, held);
  return open < form.parameters.size() ? std::max<std::size_t>(1, open) : open + 1;
}

std::string missing(const Group& group, const std::vector<const KernelForm*>& forms, const std::map<std::string, double>& held) {
  const KernelForm* easiest = forms.front();
  for (const KernelForm* f : forms) {
    if (shapes_needed(*f, held) < shapes_needed(*easiest, held)) easiest = f;
  }
  const std::size_t least = shapes_needed(*easiest, held), shapes = distinct_shapes(group);
  if (shapes >= least) return {};
  if (shapes == 1) return fmt::format("{}: all {} rows have one shape; a fit needs {} shapes or more", names_of(group), group.rows(), least);
  return fmt::format("{}: {} shapes are too few for the {} parameters of {}; it needs {}", names_of(group), shapes, open_parameters(*easiest, held),
                     easiest->name, least);
}

std::vector<const KernelForm*> forms_to_try(const Group& group, const FitOptions& options) {
  const std::string wanted = wanted_form(group, options);
  const KernelFamily& family = *group.tables.front()->calls.front().family;
  std::vector<const KernelForm*> out;
  std::vector<std::string> known;
  for (const KernelForm& f : family.forms) {
    if (forms_named(group, f.name).empty()) continue;
    known.push_back(f.name);
    if ((wanted.empty() || f.name == wanted)) out.push_back(&f);
  }
  if (out.empty()) throw UserError("--form", fmt::format("{} has no form \"{}\"", family.name, wanted), unknown_name_hint(wanted, known));
  return out;
}

void check_held(const std::vector<FitTable>& tables, const std::map<std::string, double>& hold) {
  for (const auto& [name, value] : hold) {
    std::vector<std::string> known;
    bool found = false;
    for (const FitTable& t : tables) {
      for (const KernelForm& f : t.calls.front().family->forms) {
        for (const FormParameter& p : f.parameters) {
          const std::string own = t.family + "." + p.name;
          if (std::find(known.begin(), known.end(), own) == known.end()) known.push_back(own);
          if (name != own && name != t.family + "/" + t.variant + "." + p.name) continue;
          found = true;
          if (!(value >= p.low && value <= p.high)) {
            throw UserError("--hold", fmt::format("{} has to be between {:g} and {:g} {}, got {:g}", name, p.low, p.high, p.unit, value));
          }
        }
      }
    }
    if (!found) throw UserError("--hold", fmt::format("there is no parameter \"{}\" to hold", name), unknown_name_hint(name, known));
  }
}

}  // namespace weft::models
