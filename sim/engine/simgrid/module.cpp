// The SimGrid module: a Machine made of SimGrid actors, mailboxes and a zone of its own, loaded at run time.
#include <algorithm>
#include <ctime>
#include <limits>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include <simgrid/kernel/Timer.hpp>
#include <simgrid/kernel/resource/NetworkModelIntf.hpp>
#include <simgrid/kernel/routing/NetPoint.hpp>
#include <simgrid/kernel/routing/NetZoneImpl.hpp>
#include <simgrid/s4u.hpp>

#include "sim/engine/simgrid/machine.h"
#include "sim/engine/simgrid/settings.h"

namespace {

namespace sg4 = ::simgrid::s4u;
namespace routing = ::simgrid::kernel::routing;
using weft::engine::simgrid::Ended;
using weft::engine::simgrid::Machine;
using weft::engine::simgrid::MachineFlow;
using weft::engine::simgrid::MachineOptions;
using weft::engine::simgrid::Player;
using weft::engine::simgrid::Settings;

double cpu_seconds() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

/// A flow that waits to be posted: its links are a run in Fluids::route_links_.
struct Posting {
  MachineFlow flow;
  std::size_t first = 0, count = 0;
};

/// One zone, one host. SimGrid asks for a route when a communication starts, from the kernel, while the one actor that posts
/// is blocked: so the route of the flow at hand is all that the zone has to know, and one host at both ends is enough.
class Zone final : public routing::NetZoneImpl {
 public:
  Zone() : NetZoneImpl("fabric") {}
  std::vector<::simgrid::kernel::resource::StandardLinkImpl*> route;
  double latency = 1;

  // SimGrid shares in inverse proportion to this latency: 1 / weight. The true one comes as a factor on top of it.
  void get_local_route(const routing::NetPoint*, const routing::NetPoint*, routing::Route* into, double* sum) override {
    into->link_list_.insert(into->link_list_.end(), route.begin(), route.end());
    if (sum != nullptr) *sum += latency;
  }
};

/// Where links are made while the simulation runs: the zone of the hosts is sealed by then, this one never is.
class LinkStore final : public routing::NetZoneImpl {
 public:
  explicit LinkStore(const NetZoneImpl& hosts) : NetZoneImpl("links") { set_network_model(hosts.get_network_model()); }
  void get_local_route(const routing::NetPoint*, const routing::NetPoint*, routing::Route*, double*) override {}
};

class Fluids final : public Machine {
 public:
  Fluids(Player& player, double begin);

  double now() const override { return sg4::Engine::get_clock(); }
  std::uint32_t add_link(double rate, bool changes, double highest) override;
  void set_rate(std::uint32_t link, double rate) override;
  double usage(std::uint32_t link) const override { return links_[link]->get_usage(); }
  void start(const MachineFlow& flow) override;
  void call_at(double date, std::uint32_t token) override;

 private:
  /// Posts flows and waits for them. Few each: SimGrid walks an actor's whole list when one of its activities ends.
  struct Courier {
    sg4::SemaphorePtr go = sg4::Semaphore::create(0);
    std::size_t first = 0, count = 0;   // in postings_
  };
  static constexpr std::size_t flows_per_courier = 48;
  static constexpr std::uint32_t end_of_instant = ~std::uint32_t{0};

  void conduct();
  void post_all();
  void carry(Courier& courier);
  void post(const Posting& p, std::vector<sg4::CommPtr>& sides, std::vector<sg4::CommPtr>& waits);
  void tell(std::uint32_t token);
  bool step();

  sg4::Mailbox* mailbox_ = nullptr;
  Zone* zone_;                 // the engine owns both zones
  LinkStore* store_ = nullptr;
  sg4::NetZone* root_;
  sg4::Host* host_;
  Player& player_;
  sg4::SemaphorePtr wake_, posted_;
  void* received_ = nullptr;   // what comes with a flow; nobody reads it
  bool asleep_ = false, instant_over_ = false;
  double latency_factor_ = 0, begin_, player_cpu_ = 0;   // the latter of CPU time
  std::vector<sg4::Link*> links_;
  std::vector<std::unique_ptr<double>> changing_;   // by link; the rate now, null for links that never change
  std::vector<Posting> postings_;
  std::vector<std::uint32_t> route_links_;
  std::vector<std::unique_ptr<Courier>> couriers_;
  std::vector<Courier*> idle_;
  std::vector<Ended> ended_, told_;
};

Fluids::Fluids(Player& player, double begin) : zone_(new Zone), root_(zone_->get_iface()), player_(player), begin_(begin) {
  host_ = root_->create_host("everywhere", 1e9);
  root_->seal();
  store_ = new LinkStore(*zone_);
  root_->get_network_model()->set_lat_factor_cb(
      [this](double, const sg4::Host*, const sg4::Host*, const std::vector<sg4::Link*>&, const std::unordered_set<sg4::NetZone*>&) {
        return latency_factor_;
      });
  mailbox_ = sg4::Mailbox::by_name("flows");
  wake_ = sg4::Semaphore::create(0);
  posted_ = sg4::Semaphore::create(0);
  auto conductor = sg4::Actor::init("conductor", host_);
  conductor->set_stacksize(64u << 10);   // in KiB: programs and routers run on it
  conductor->start([this] { conduct(); });
}

std::uint32_t Fluids::add_link(double rate, bool changes, double highest) {
  const auto number = static_cast<std::uint32_t>(links_.size());
  // A flow keeps the smallest bandwidth of its route at its start as a bound of its own: where rates rise later, the link has
  // the highest from the start and a callback holds it at the rate of the moment.
  sg4::Link* link = store_->get_iface()->create_link(std::to_string(number), changes ? highest : rate);
  changing_.push_back(nullptr);
  if (changes) {
    changing_.back() = std::make_unique<double>(rate);
    link->set_sharing_policy(sg4::Link::SharingPolicy::NONLINEAR, [now = changing_.back().get()](double, int) { return *now; });
  }
  link->seal();
  links_.push_back(link);
  return number;
}

void Fluids::set_rate(std::uint32_t link, double rate) {
  *changing_[link] = rate;
  links_[link]->set_bandwidth(links_[link]->get_bandwidth());   // makes the solver look at it again
}

void Fluids::start(const MachineFlow& flow) {
  postings_.push_back({flow, route_links_.size(), flow.links.size()});
  route_links_.insert(route_links_.end(), flow.links.begin(), flow.links.end());
}

void Fluids::call_at(double date, std::uint32_t token) {
  ::simgrid::kernel::timer::Timer::set(date, [this, token] { tell(token); });
}

void Fluids::tell(std::uint32_t token) {
  if (token == end_of_instant) instant_over_ = true;
  else ended_.push_back({token, now()});
  if (!asleep_) return;
  asleep_ = false;
  wake_->release();
}

bool Fluids::step() {
  const double begin = cpu_seconds();
  told_.clear();
  told_.swap(ended_);
  const bool more = player_.step(*this, told_);
  player_cpu_ += cpu_seconds() - begin;
  return more;
}

void Fluids::conduct() {
  while (step()) {
    post_all();
    while (ended_.empty()) {
      asleep_ = true;
      wake_->acquire();
    }
    // Flows that are alike end within rounding of each other: a step is for all of them, as an instant is. What follows
    // starts that much later, a part in 1e14.
    instant_over_ = false;
    call_at(now() * (1 + 1e-14), end_of_instant);
    while (!instant_over_) {
      asleep_ = true;
      wake_->acquire();
    }
  }
  player_.over({cpu_seconds() - begin_, player_cpu_});
}

void Fluids::post_all() {
  for (std::size_t first = 0; first < postings_.size(); first += flows_per_courier) {
    Courier* courier = nullptr;
    if (idle_.empty()) {
      couriers_.push_back(std::make_unique<Courier>());
      courier = couriers_.back().get();
      sg4::Actor::create("courier", host_, [this, courier] {
        for (;;) carry(*courier);
      })->daemonize();
    } else {
      courier = idle_.back();
      idle_.pop_back();
    }
    courier->first = first;
    courier->count = std::min(flows_per_courier, postings_.size() - first);
    courier->go->release();
    posted_->acquire();   // one posts at a time
  }
  postings_.clear();
  route_links_.clear();
}

void Fluids::carry(Courier& courier) {
  courier.go->acquire();
  std::vector<sg4::CommPtr> sides, waits;
  std::vector<std::uint32_t> tokens;
  for (std::size_t i = courier.first; i < courier.first + courier.count; ++i) {
    tokens.push_back(postings_[i].flow.token);
    post(postings_[i], sides, waits);
  }
  posted_->release();
  while (!waits.empty()) {
    const auto i = static_cast<std::size_t>(sg4::Comm::wait_any(waits));
    tell(tokens[i]);
    tokens[i] = tokens.back();
    tokens.pop_back();
    for (auto* list : {&waits, &sides}) {
      std::swap((*list)[i], list->back());
      list->pop_back();
    }
  }
  idle_.push_back(&courier);
}

void Fluids::post(const Posting& p, std::vector<sg4::CommPtr>& sides, std::vector<sg4::CommPtr>& waits) {
  zone_->route.clear();
  for (std::size_t k = p.first; k < p.first + p.count; ++k) zone_->route.push_back(links_[route_links_[k]]->get_impl());
  zone_->latency = 1 / p.flow.weight;
  // Without any latency SimGrid forgets the weight: then it takes a time that no clock shows.
  latency_factor_ = p.flow.latency > 0 || p.flow.weight == 1 ? p.flow.latency * p.flow.weight : 1e-30;
  sg4::CommPtr get = mailbox_->get_init();
  get->set_dst_data(&received_, sizeof received_);
  get->start();
  sg4::CommPtr put = mailbox_->put_init();
  put->set_src_data(this);
  put->set_remaining(p.flow.bytes);
  if (p.flow.cap < std::numeric_limits<double>::infinity()) put->set_rate(p.flow.cap);
  put->start();
  sides.push_back(put);
  waits.push_back(get);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void weft_simgrid_play(Player& player, const MachineOptions& options) {
  const double begin = cpu_seconds();
  Settings settings(options.selective_update);
  sg4::Engine engine(&settings.argc, settings.argv.data());
  Fluids fluids(player, begin);
  engine.run();
}
