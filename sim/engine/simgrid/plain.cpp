// Plain traffic on SimGrid alone, written as its own examples are: what SimGrid costs without weft around it.
#include <algorithm>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <simgrid/kernel/resource/NetworkModelIntf.hpp>
#include <simgrid/kernel/routing/NetPoint.hpp>
#include <simgrid/kernel/routing/NetZoneImpl.hpp>
#include <simgrid/s4u.hpp>

#include "sim/engine/simgrid/machine.h"
#include "sim/engine/simgrid/settings.h"

namespace {

namespace sg4 = ::simgrid::s4u;
namespace routing = ::simgrid::kernel::routing;
using weft::engine::simgrid::PlainFlow;
using weft::engine::simgrid::PlainTraffic;
using weft::engine::simgrid::Settings;

/// Flows by pair of ends.
class Pairs {
 public:
  explicit Pairs(const PlainTraffic& t) : actors_(t.actors), flow_(std::size_t{t.actors} * t.actors, nullptr) {
    for (const PlainFlow& f : t.flows) flow_[std::size_t{f.from} * actors_ + f.to] = &f;
  }
  const PlainFlow* find(std::size_t from, std::size_t to) const { return flow_[from * actors_ + to]; }

 private:
  std::size_t actors_;
  std::vector<const PlainFlow*> flow_;
};

class Zone final : public routing::NetZoneImpl {
 public:
  Zone(const PlainTraffic& traffic, const Pairs& pairs) : NetZoneImpl("fabric"), traffic_(traffic), pairs_(pairs) {}
  std::vector<sg4::Link*> links;
  // Hosts are numbered in the order in which they were made.
  void get_local_route(const routing::NetPoint* from, const routing::NetPoint* to, routing::Route* into, double* sum) override {
    const PlainFlow* f = pairs_.find(from->id(), to->id());
    for (std::uint32_t k = 0; f != nullptr && k < f->link_count; ++k) {
      into->link_list_.push_back(links[traffic_.path[f->first_link + k]]->get_impl());
    }
    if (sum != nullptr) *sum += 1;   // equal shares; the latency comes as a factor
  }

 private:
  const PlainTraffic& traffic_;
  const Pairs& pairs_;
};

void act(std::uint32_t me, const PlainTraffic& traffic, const Pairs& pairs, double& last) {
  const auto mailbox = [](std::uint32_t from, std::uint32_t to) { return sg4::Mailbox::by_name(std::to_string(from) + "-" + std::to_string(to)); };
  std::vector<sg4::CommPtr> all;
  std::vector<void*> received(traffic.actors);
  for (std::uint32_t other = 0; other < traffic.actors; ++other) {
    if (pairs.find(other, me) == nullptr) continue;
    all.push_back(mailbox(other, me)->get_init());
    all.back()->set_dst_data(&received[other], sizeof(void*));
    all.back()->start();
  }
  for (std::uint32_t other = 0; other < traffic.actors; ++other) {
    const PlainFlow* f = pairs.find(me, other);
    if (f == nullptr) continue;
    all.push_back(mailbox(me, other)->put_init());
    all.back()->set_src_data(&last);
    all.back()->set_remaining(f->bytes);
    all.back()->start();
  }
  for (const sg4::CommPtr& c : all) c->wait();
  last = std::max(last, sg4::Engine::get_clock());
}

}  // namespace

extern "C" __attribute__((visibility("default"))) double weft_simgrid_plain(const PlainTraffic& traffic) {
  Settings settings(false);
  sg4::Engine engine(&settings.argc, settings.argv.data());
  const Pairs pairs(traffic);
  auto* zone = new Zone(traffic, pairs);   // the engine owns it
  sg4::NetZone* root = zone->get_iface();
  std::unordered_map<const sg4::Host*, std::size_t> number;   // looked up only
  std::vector<sg4::Host*> hosts;
  for (std::uint32_t a = 0; a < traffic.actors; ++a) {
    hosts.push_back(root->create_host(std::to_string(a), 1e9));
    number[hosts.back()] = a;
  }
  for (const double rate : traffic.links) zone->links.push_back(root->create_link(std::to_string(zone->links.size()), rate));
  root->seal();
  root->get_network_model()->set_lat_factor_cb(
      [&](double, const sg4::Host* from, const sg4::Host* to, const std::vector<sg4::Link*>&, const std::unordered_set<sg4::NetZone*>&) {
        return pairs.find(number.at(from), number.at(to))->latency;
      });
  double last = 0;
  for (std::uint32_t a = 0; a < traffic.actors; ++a) {
    sg4::Actor::create("rank", hosts[a], [a, &traffic, &pairs, &last] { act(a, traffic, pairs, last); });
  }
  engine.run();
  return last;
}
