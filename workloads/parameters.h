// Parameters reads a workload's keys with their defaults and remembers what they came to, for the resolved scenario.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/activation_storage.h"
#include "models/communication.h"
#include "sim/core/json.h"
#include "workloads/program.h"
#include "workloads/workload.h"

namespace weft::workloads {

/// Every getter takes the key and its default, records a problem with its place when the value is bad, and adds the
/// value used to the resolved parameters.
class Parameters {
 public:
  Parameters(JsonReader& where, const WorkloadContext& context);
  ~Parameters();

  std::int64_t integer(const std::string& key, std::int64_t fallback, std::int64_t min,
                       std::int64_t max = std::numeric_limits<std::int64_t>::max());
  /// An integer that has no default.
  std::int64_t integer_due(const std::string& key, std::int64_t min);
  /// One integer or a list of them; with an empty fallback the key is due.
  std::vector<std::int64_t> integers(const std::string& key, const std::vector<std::int64_t>& fallback,
                                     std::int64_t min);
  std::vector<double> numbers(const std::string& key, double min, double max);  ///< default: none
  bool boolean(const std::string& key, bool fallback);
  std::string word(const std::string& key, const std::vector<std::string>& words, const std::string& fallback);
  /// A list of known words, or one of them.
  std::vector<std::string> words(const std::string& key, const std::vector<std::string>& words,
                                 const std::vector<std::string>& fallback);
  /// A text that has no default; empty when it is missing, which is then a problem.
  std::string text_due(const std::string& key);
  /// Adds to the resolved parameters what no key says.
  void remember(const std::string& key, const std::string& text);
  Bytes size(const std::string& key, const std::string& fallback);
  /// One size or a list of them; with an empty fallback the key is due.
  std::vector<Bytes> sizes(const std::string& key, const std::vector<std::string>& fallback);
  /// A communication kernel by name or inline; its constants are remembered. A message_rate is a problem where the workload does not say that it
  /// counts messages.
  models::CommunicationModel kernel(const std::string& key, const std::string& fallback, bool counts_messages = false);
  /// What training keeps of activations, by name or inline; its constants are remembered.
  models::ActivationStorage activation_storage(const std::string& key, const std::string& fallback);
  /// A value that was read by other means, for the resolved parameters.
  void remember(const std::string& key, Json value);

  std::uint64_t seed() const { return context_.seed; }
  JsonReader& where() { return where_; }
  const std::vector<ConstantUsed>& constants() const { return constants_; }
  std::shared_ptr<const Json> resolved() const { return resolved_; }

 private:
  /// The thing that a key names, or the fallback does; its constants are remembered.
  template <class Read> auto named(const std::string& key, const std::string& fallback, Read read);

  JsonReader& where_;
  WorkloadContext context_;
  std::shared_ptr<Json> resolved_;
  std::vector<ConstantUsed> constants_;
};

/// The caps of a communication model as a kernel of a Program; a rate of zero is no cap.
CommKernel comm_kernel(const models::CommunicationModel& m);
/// The same where all messages through a NIC have these bytes: a message_rate then limits the NIC to so many of them a second.
CommKernel comm_kernel(const models::CommunicationModel& m, Bytes message);

}  // namespace weft::workloads
