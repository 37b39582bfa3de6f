#include "workloads/text_program/line.h"

#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::workloads {
namespace {

using Kind = NamedOperation::Kind;

// What no cluster reaches: more is a slip, and would end in infinities.
constexpr double kMostBytes = 1e18, kMostSeconds = 1e9, kMostRate = 1e18, kLeastRate = 1;
constexpr double kMostShare = 1e6, kLeastShare = 1e-9;
constexpr std::uint64_t kMostStorageNodes = 1000000, kMostInStorageNode = 65535;

std::string found(const Word& w) { return fmt::format("\"{}\"", w.text.substr(0, 60)); }

}  // namespace

bool LineWords::take(std::string_view word) {
  if (done() || words_[at_].quoted || words_[at_].text != word || words_[at_].colon) return false;
  ++at_;
  return true;
}

const Word& LineWords::next(const std::string& expected) {
  if (done()) throw LineProblem{fmt::format("expected {}, but the line ends", expected), ""};
  if (words_[at_].colon)
    throw LineProblem{fmt::format("a colon behind {} makes it a name, and a line has one name", found(words_[at_])),
                      "write each operation on a line of its own"};
  return words_[at_++];
}

std::string LineWords::name(const std::string& expected) {
  if (at_keyword())
    throw LineProblem{fmt::format("expected {}, got the keyword {}", expected, words_[at_].text),
                      "write a name that is a keyword in quotes"};
  const std::string& text = next(expected).text;
  if (text.empty()) throw LineProblem{fmt::format("expected {}, got an empty word", expected), ""};
  return text;
}

std::uint64_t LineWords::integer(const std::string& what, std::uint64_t most) {
  const std::string expected = fmt::format("{}, a whole number up to {}", what, most);
  const Word& w = next(expected);
  std::uint64_t v = 0;
  const auto [end, error] = std::from_chars(w.text.data(), w.text.data() + w.text.size(), v);
  if (error != std::errc() || end != w.text.data() + w.text.size() || v > most)
    throw LineProblem{fmt::format("expected {}, got {}", expected, found(w)), ""};
  return v;
}

double LineWords::number(const std::string& what, double least, double most) {
  const std::string expected = fmt::format("{}, a number from {} to {}", what, least, most);
  const Word& w = next(expected);
  double v = 0;
  const auto [end, error] = std::from_chars(w.text.data(), w.text.data() + w.text.size(), v);
  if (error != std::errc() || end != w.text.data() + w.text.size() || !(v >= least && v <= most))
    throw LineProblem{fmt::format("expected {}, got {}", expected, found(w)), ""};
  return v;
}

double LineWords::quantity(ParsedUnit::What what, bool positive) {
  const std::string expected = expectation(what);
  std::string text = next(expected).text;
  ParsedUnit u = parse_unit(text);
  if (u.what == ParsedUnit::What::unknown && !done() && !at_keyword() && !words_[at_].colon && u.problem == "the unit is missing") {
    text += " " + words_[at_++].text;
    u = parse_unit(text);
  }
  if (u.what != what) {
    const std::string hint = u.what == ParsedUnit::What::unknown ? u.problem : "that is something else";
    throw LineProblem{fmt::format("expected {}, got \"{}\"", expected, text.substr(0, 60)), hint};
  }
  const double most = what == ParsedUnit::What::bytes ? kMostBytes : what == ParsedUnit::What::seconds ? kMostSeconds : kMostRate;
  if (u.value < 0 || u.value > most || (positive && u.value < kLeastRate)) {
    throw LineProblem{fmt::format("\"{}\" is out of range", text.substr(0, 60)),
                      fmt::format("in base units from {} to {}", positive ? kLeastRate : 0, most)};
  }
  return u.value;
}

std::string LineWords::rest() const { return done() ? "" : found(words_[at_]); }

namespace {

class OperationReader {
 public:
  OperationReader(LineWords& words, const NamedProgram& shape) : words_(words), shape_(shape) {}

  ReadOperation read() {
    if (words_.take("compute")) {
      op_.kind = Kind::compute;
      op_.duration = words_.seconds();
    } else if (words_.take("transfer")) {
      op_.kind = Kind::transfer;
      op_.bytes = words_.bytes();
    } else if (words_.take("marker")) {
      op_.kind = Kind::marker;
      if (!words_.done() && !words_.at_keyword()) op_.duration = words_.seconds();
    } else {
      static const std::vector<std::string> verbs = {"compute", "transfer", "marker"};
      const std::string got = words_.next("compute, transfer or marker").text;
      throw LineProblem{fmt::format("expected compute, transfer or marker, got \"{}\"", got.substr(0, 60)), unknown_name_hint(got, verbs)};
    }
    while (!words_.done()) read_part();
    if (op_.kind == Kind::transfer && op_.legs.empty()) throw LineProblem{"a transfer needs a way", "add from gpu 0 to gpu 1"};
    return std::move(out_);
  }

 private:
  void read_part() {
    static const std::vector<std::string> of_all = {"label", "after"}, of_compute = {"rank", "stream", "sms"}, of_marker = {"rank"},
                                          of_transfer = {"from", "kernel", "latency", "no-wire", "weight", "cap", "key"};
    const std::string key = words_.next("a part of the operation").text;
    const std::vector<std::string>& own = op_.kind == Kind::compute ? of_compute : op_.kind == Kind::transfer ? of_transfer : of_marker;
    std::vector<std::string> known = own;
    known.insert(known.end(), of_all.begin(), of_all.end());
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      const char* what[] = {"compute", "transfer", "marker"};
      throw LineProblem{fmt::format("a {} has no \"{}\"", what[static_cast<int>(op_.kind)], key.substr(0, 60)),
                        unknown_name_hint(key, known)};
    }
    if (key != "from" && !seen_.insert(key).second) throw LineProblem{fmt::format("\"{}\" is said twice", key), "leave one out"};
    if (key == "from")
      read_legs();
    else if (key == "after")
      read_after();
    else if (key == "label")
      op_.label = words_.next("a label").text;
    else if (key == "rank")
      op_.rank = Rank(static_cast<std::uint32_t>(words_.integer("a rank of the program", shape_.ranks - 1)));
    else if (key == "stream")
      op_.stream = words_.name("the name of a stream");
    else if (key == "sms")
      op_.sms = static_cast<std::uint32_t>(words_.integer("a number of SMs", 100000));
    else if (key == "kernel")
      out_.kernel = words_.name("the name of a kernel");
    else if (key == "latency")
      op_.options.extra_latency = words_.seconds();
    else if (key == "no-wire")
      op_.options.latency_mode = LatencyMode::none;
    else if (key == "weight")
      op_.options.weight = words_.number("a weight", 1e-9, 1e9);
    else if (key == "cap")
      op_.options.rate_cap = words_.rate();
    else
      op_.options.flow_key = words_.integer("a flow's key", ~std::uint64_t{0});
  }

  void read_after() {
    if (words_.done() || words_.at_keyword()) throw LineProblem{"after what? expected names of operations", ""};
    while (!words_.done() && !words_.at_keyword()) out_.after.push_back(words_.name("the name of an operation"));
  }

  void read_legs() {
    const std::size_t first = op_.legs.size();
    Endpoint at = read_end();
    bool more = true;
    while (more) {
      more = words_.take("via");
      if (!more && !words_.take("to"))
        throw LineProblem{fmt::format("expected via or to{}", words_.done() ? ", but the line ends" : ", got " + words_.rest()),
                          "from gpu 0 to gpu 1"};
      const Endpoint end = read_end();
      op_.legs.push_back({at, end, 1});
      at = end;
    }
    if (!words_.take("share")) return;
    const double share = words_.number("a share", kLeastShare, kMostShare);
    for (std::size_t i = first; i < op_.legs.size(); ++i) op_.legs[i].share = share;
  }

  /// gpu RANK, nic RANK, KIND [LOCAL] of node NODE, or ssd or storage_host [LOCAL] of storage NODE.
  Endpoint read_end() {
    static const std::vector<std::string> kinds = {"gpu", "nic", "host", "storage_nic", "ssd", "storage_host", "nic_switch"};
    const std::string kind = words_.next("gpu, nic, host, storage_nic, ssd, storage_host or nic_switch").text;
    const auto found = std::find(kinds.begin(), kinds.end(), kind);
    if (found == kinds.end())
      throw LineProblem{fmt::format("expected gpu, nic, host, storage_nic, ssd, storage_host or nic_switch, got \"{}\"", kind.substr(0, 60)),
                        unknown_name_hint(kind, kinds)};
    Endpoint e{static_cast<Endpoint::Kind>(found - kinds.begin()), NodeId(0), 0};
    const bool numbered = !words_.done() && !words_.at_keyword();
    if (in_storage_node(e)) return read_storage_end(e, numbered);
    const auto number =
        numbered ? static_cast<std::uint32_t>(words_.integer("a rank of the program", std::max(shape_.ranks, shape_.per_node) - 1)) : 0;
    if (words_.take("of")) {
      if (!words_.take("node")) throw LineProblem{"expected \"of node\" and its number", ""};
      e.node = NodeId(static_cast<std::uint32_t>(words_.integer("a node of the program", shape_.nodes() - 1)));
      e.local = number;
      if (number >= shape_.per_node)
        throw LineProblem{fmt::format("a node has {} GPUs, there is no number {}", shape_.per_node, number), "they are counted from 0"};
      return e;
    }
    const bool by_rank = e.kind == Endpoint::Kind::gpu || e.kind == Endpoint::Kind::nic || e.kind == Endpoint::Kind::nic_switch;
    if (!by_rank || !numbered)
      throw LineProblem{fmt::format("which {}?", kind), by_rank ? kind + " 3: that of rank 3" : kind + " of node 3"};
    if (number >= shape_.ranks)
      throw LineProblem{fmt::format("there is no rank {}", number), fmt::format("the program has ranks 0 to {}", shape_.ranks - 1)};
    e.node = NodeId(number / shape_.per_node);
    e.local = number % shape_.per_node;
    return e;
  }

  /// Whether the cluster has it is checked when the program runs.
  Endpoint read_storage_end(Endpoint e, bool numbered) {
    const bool ssd = e.kind == Endpoint::Kind::ssd;
    if (numbered) e.local = static_cast<std::uint32_t>(words_.integer(ssd ? "an SSD of its node" : "a NIC of its node", kMostInStorageNode));
    if (!words_.take("of") || !words_.take("storage"))
      throw LineProblem{ssd ? "which SSD?" : "which storage_host?", ssd ? "ssd 3 of storage 0" : "storage_host of storage 0"};
    e.node = NodeId(static_cast<std::uint32_t>(words_.integer("a storage node", kMostStorageNodes)));
    return e;
  }

  LineWords& words_;
  const NamedProgram& shape_;
  ReadOperation out_;
  NamedOperation& op_ = out_.op;
  std::set<std::string> seen_;
};

}  // namespace

ReadOperation read_operation(LineWords& words, const NamedProgram& shape) { return OperationReader(words, shape).read(); }

}  // namespace weft::workloads
