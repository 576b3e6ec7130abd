// backhand-bench-round-trip: measures the gateway beside a floor and what a user would use instead, on two
// pinned cores, interleaved in one run. Writes what it measured as JSON; scripts/bench makes ratios of it.
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <thread>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <unistd.h>

#include "bench/round_trip/driver.hpp"
#include "bench/round_trip/slots.hpp"
#include "common/clock.hpp"
#include "common/cpu.hpp"

namespace backhand::bench {

namespace {

struct Plan {
  unsigned rounds = 15;
  std::size_t hot = 1'000;
  std::size_t pause = 150;
  std::size_t cold = 14;
  std::size_t slots = 2'000;
  bool serve_only = false;
  std::string against;  ///< Where another build's backhandd lies; empty: none.
  std::string only;     ///< Names with commas; empty: all.
  unsigned rehearse_us = Tuning{}.rehearse_us;
};

/// One line of the table of subjects.
struct Entry {
  std::unique_ptr<Subject> subject;
  const std::vector<BenchAccount>* accounts = nullptr;  ///< What it trades.
  int group = 0;
  bool hot_only = false;
  bool cold = false;   ///< Its cold shots are worth their time.
  double share = 1;    ///< Of the plan's hot shots: slow clients get fewer.
  std::string absent;  ///< Why it is not measured.
};

struct Series {
  std::vector<std::array<Percentiles, kStages>> rounds;
  Samples all;
};

using Results = std::map<std::string, std::array<Series, 3>>;

std::size_t last_level_cache_bytes() {
  std::ifstream file("/sys/devices/system/cpu/cpu0/cache/index3/size");
  std::size_t size = 0;
  char unit = 'K';
  if (!(file >> size >> unit)) return std::size_t{32} << 20U;
  return unit == 'M' ? size << 20U : size << 10U;
}

/// As many as one subject has, with 24 of 64 symbols each: 480 positions to reverse before the first has to
/// have settled.
constexpr std::uint32_t kAccounts = 20;
/// push and armed have one; push_unrehearsed and push_against one each.
constexpr std::uint32_t kGateways = 3;

/// The n-th such set. Two gateways never share an account: they would not start beside each other.
std::vector<BenchAccount> bench_accounts(const venue::Scenario& scenario, std::size_t set) {
  constexpr std::size_t kSymbols = 64;
  constexpr std::size_t kEach = 24;
  std::vector<BenchAccount> out;
  for (std::size_t a = set * kAccounts; a < (set + 1) * kAccounts; ++a) {
    const venue::AccountSpec& spec = scenario.accounts[a];
    BenchAccount account{spec.name, spec.key, spec.secret, spec.passphrase, {}};
    for (std::size_t s = 0; s < kEach; ++s)
      account.symbols.push_back(spec.positions[(a * 16 + s) % kSymbols].symbol);
    out.push_back(std::move(account));
  }
  return out;
}

/// `places` differ in their accounts: one for each gateway.
std::vector<Entry> make_entries(std::span<const Place> places, const Plan& plan) {
  std::vector<Entry> out;
  const Place& place = places[0];
  const auto gateway = make_gateway(place, "gateway", place.bin_dir, {.rehearse_us = plan.rehearse_us});
  const auto unrehearsed = make_gateway(places[1], "unrehearsed", place.bin_dir, {.rehearse_us = 0});
  const auto add = [&](std::unique_ptr<Subject> subject, int group, bool hot_only, bool cold, double share,
                       std::size_t at = 0) {
    out.push_back({std::move(subject), &places[at].accounts, group, hot_only, cold, share, {}});
  };
  add(make_floor(place), 1, false, true, 1);
  add(make_gateway_subject(gateway, "push", Way::push, 0), 2, false, true, 1);
  add(make_gateway_subject(gateway, "push_226_lanes", Way::push, 225), 2, true, false, 0.25);
  add(make_gateway_subject(gateway, "armed", Way::armed, 0), 2, false, false, 1);
  add(make_gateway_subject(unrehearsed, "push_unrehearsed", Way::push, 0), 9, false, true, 0.25, 1);
  add(make_naive(place), 3, false, true, 1);
  add(make_beast(place, true), 4, false, false, 0.25);
  add(make_beast(place, false), 5, false, false, 0.25);
#ifdef BENCH_HAS_CURL
  add(make_curl(place), 6, false, false, 0.25);
#endif
  if (!plan.against.empty()) {
    const auto other = make_gateway(places[2], "against", plan.against, {.rehearse_us = plan.rehearse_us});
    add(make_gateway_subject(other, "push_against", Way::push, 0), 7, false, true, 1, 2);
  }
  return out;
}

void keep(Results& results, Entry& entry, Pace pace, const Samples& round) {
  Series& series = results[std::string{entry.subject->name()}][static_cast<std::size_t>(pace)];
  std::array<Percentiles, kStages> of{};
  for (std::size_t s = 0; s < kStages; ++s) of[s] = round.of(static_cast<Stage>(s));
  series.rounds.push_back(of);
  series.all.add(round);
}

void measure(Driver& driver, Entry& entry, const Plan& plan, Results& results) {
  driver.begin(*entry.subject, entry.group, *entry.accounts);
  Samples warm;
  driver.play(Pace::hot, 200, warm);
  const auto play = [&](Pace pace, std::size_t count) {
    if (count == 0) return;
    Samples samples;
    driver.play(pace, count, samples);
    keep(results, entry, pace, samples);
  };
  play(Pace::hot, static_cast<std::size_t>(static_cast<double>(plan.hot) * entry.share));
  if (!entry.hot_only) play(Pace::pause, plan.pause);
  if (entry.cold) play(Pace::cold, plan.cold);
  driver.end();
}

nlohmann::json to_json(const Percentiles& p) {
  return {{"p50", p.p50}, {"p90", p.p90}, {"p99", p.p99}, {"p99.9", p.p999}, {"max", p.max}};
}

nlohmann::json to_json(const Results& results, const std::vector<Entry>& entries) {
  nlohmann::json out;
  for (const auto& [name, paces] : results) {
    for (std::size_t p = 0; p < paces.size(); ++p) {
      const Series& series = paces[p];
      if (series.rounds.empty()) continue;
      nlohmann::json& to = out["subjects"][name][std::string{kPaceNames[p]}];
      to["shots"] = series.all.count();
      for (std::size_t s = 0; s < kStages; ++s) {
        nlohmann::json& stage = to["stages"][std::string{kStageNames[s]}];
        stage["all"] = to_json(series.all.of(static_cast<Stage>(s)));
        for (const auto& round : series.rounds) stage["rounds"].push_back(to_json(round[s]));
      }
    }
  }
  for (const Entry& entry : entries)
    if (!entry.absent.empty()) out["absent"][std::string{entry.subject->name()}] = entry.absent;
  return out;
}

void print(const Results& results) {
  std::printf("%-16s %-5s %7s | %-17s %10s %10s %10s %10s %10s\n", "subject", "pace", "shots", "stage (µs)",
              "p50", "p90", "p99", "p99.9", "max");
  for (const auto& [name, paces] : results) {
    for (std::size_t p = 0; p < paces.size(); ++p) {
      if (paces[p].rounds.empty()) continue;
      for (std::size_t s = 0; s < kStages; ++s) {
        const Percentiles of = paces[p].all.of(static_cast<Stage>(s));
        const auto us = [](Ns ns) { return static_cast<double>(ns) / 1'000; };
        std::printf("%-16s %-5s %7zu | %-17s %10.2f %10.2f %10.2f %10.2f %10.2f\n", name.c_str(),
                    kPaceNames[p].data(), paces[p].all.count(), kStageNames[s].data(), us(of.p50), us(of.p90),
                    us(of.p99), us(of.p999), us(of.max));
      }
    }
  }
}

/// On a thread of its own, so that the calling one stays where it is pinned.
nlohmann::json slots_on(int cpu, std::size_t count) {
  nlohmann::json out;
  std::thread([&] {
    (void)pin_this_thread(cpu);
    for (const SlotLateness& way : measure_slots(count)) {
      if (way.late_ns.empty()) continue;
      const auto at = [&](double fraction) {
        return way.late_ns[static_cast<std::size_t>(fraction * static_cast<double>(way.late_ns.size() - 1))];
      };
      out[way.name] = {{"count", way.late_ns.size()}, {"p50", at(0.5)}, {"p90", at(0.9)}, {"p99", at(0.99)}};
    }
  }).join();
  return out;
}

bool wanted(const Plan& plan, std::string_view name) {
  return plan.only.empty() ||
         ("," + plan.only + ",").find("," + std::string{name} + ",") != std::string::npos;
}

/// For clients that are programs of their own: prints where the venue is, and answers until standard input
/// ends.
void serve(SpinVenue& venue, const Place& place) {
  const BenchAccount& account = place.accounts.front();
  const nlohmann::json where{
      {"port", venue.port()},     {"ca_file", place.ca_file},         {"key", account.key},
      {"secret", account.secret}, {"passphrase", account.passphrase}, {"symbol", account.symbols.front()}};
  std::printf("%s\n", where.dump().c_str());
  std::fflush(stdout);
  venue.keep_books(false);
  venue.check_everything(true);
  VenueTimes times;
  pollfd input{0, POLLIN, 0};
  for (std::uint32_t turn = 0;; ++turn) {
    (void)venue.look(times);
    // The first is answered by the exchange, with every check; what then comes is the same but for its id.
    if (venue.answered() > 0) venue.check_everything(false);
    if (turn % 64 == 0) (void)venue.serve_rest();
    if (turn % 65'536 == 0 && ::poll(&input, 1, 0) > 0) return;
  }
}

void run(Place place, const Plan& plan, const std::string& json_file) {
  venue::Scenario scenario =
      venue::generated_scenario(kGateways * kAccounts, venue::PositionMode::one_way, 64);
  venue::Options options;
  options.limits = false;
  options.created_delay_ns = 0;
  options.filled_delay_ns = 0;
  options.keep_arrivals = venue::KeepArrivals::none;
  venue::Exchange exchange(options, scenario);
  place.accounts = bench_accounts(scenario, 0);
  place.ca_file = place.folder + "/ca.pem";
  auto venue = SpinVenue::make(exchange, place.ca_file);
  if (!venue) throw std::runtime_error(venue.error().message);
  place.venue_port = (*venue)->port();
  if (const auto pinned = pin_this_thread(place.harness_cpu); !pinned)
    throw std::runtime_error(pinned.error().message);

  if (plan.serve_only) return serve(**venue, place);
  std::array<Place, kGateways> places;
  for (std::size_t i = 0; i < kGateways; ++i) {
    places[i] = place;
    places[i].accounts = bench_accounts(scenario, i);
  }
  std::vector<Entry> entries = make_entries(places, plan);
  Driver driver(exchange, **venue, 2 * last_level_cache_bytes());
  for (Entry& entry : entries) {
    if (!wanted(plan, entry.subject->name())) {
      entry.absent = "left out by --only";
      continue;
    }
    (*venue)->use_group(entry.group);
    const auto started = entry.subject->start([&] { (void)(*venue)->serve_rest(); });
    if (!started) throw std::runtime_error(started.error().message);
    driver.begin(*entry.subject, entry.group, *entry.accounts);
    try {
      driver.prove();
    } catch (const BadShot& why) {
      if (!entry.subject->arms()) throw;
      entry.absent = why.what();
    }
    driver.end();
  }

  Results results;
  for (unsigned round = 0; round < plan.rounds; ++round) {
    const Ns begun = monotonic_now();
    // Each round begins with another one, so that no subject always follows the same.
    for (std::size_t i = 0; i < entries.size(); ++i) {
      Entry& entry = entries[(i + round) % entries.size()];
      if (entry.absent.empty()) measure(driver, entry, plan, results);
    }
    std::fprintf(stderr, "round %u of %u took %.1f s\n", round + 1, plan.rounds,
                 static_cast<double>(monotonic_now() - begun) / kSecond);
  }
  print(results);
  nlohmann::json json = to_json(results, entries);
  json["slots"] = slots_on(place.subject_cpu, plan.slots);
  if (!json_file.empty()) std::ofstream(json_file) << json.dump(1) << "\n";
}

}  // namespace

}  // namespace backhand::bench

int main(int argc, char** argv) {
  using namespace backhand::bench;
  CLI::App app{"Measures the round trip of reversals, beside a floor and other clients."};
  Plan plan;
  Place place;
  std::string json_file;
  bool quick = false;
  bool keep_folder = false;
  place.bin_dir = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  app.add_option("--rounds", plan.rounds, "How often each subject has its turn");
  app.add_option("--hot", plan.hot, "Hot shots a round");
  app.add_option("--pause", plan.pause, "Shots with 1 ms pause a round");
  app.add_option("--cold", plan.cold, "Cold shots a round");
  app.add_option("--against", plan.against,
                 "Folder of another build's backhandd: measured beside as push_against");
  app.add_option("--rehearse-us", plan.rehearse_us, "How often the gateway rehearses");
  app.add_option("--only", plan.only, "Names of subjects, with commas");
  app.add_option("--harness-cpu", place.harness_cpu);
  app.add_option("--subject-cpu", place.subject_cpu);
  app.add_option("--json", json_file, "Where to write the measurements");
  app.add_flag("--quick", quick, "A few rounds only: shows that it works, not how fast it is");
  app.add_flag("--serve", plan.serve_only,
               "Measure nothing: be the venue for another program until input ends");
  app.add_flag("--keep", keep_folder, "Keep the folder with the gateway's log");
  CLI11_PARSE(app, argc, argv);
  if (quick) plan = {3, 960, 100, 4, 300, plan.serve_only, plan.against, plan.only, plan.rehearse_us};

  std::string folder = "/tmp/backhand-bench-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) {
    std::perror("mkdtemp");
    return 1;
  }
  place.folder = folder;
  place.hot_folder = "/dev/shm/" + std::filesystem::path(folder).filename().string();
  std::filesystem::create_directory(place.hot_folder);
  int status = 0;
  try {
    run(place, plan, json_file);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    status = 1;
    keep_folder = true;
  }
  std::filesystem::remove_all(place.hot_folder);
  if (keep_folder) {
    std::fprintf(stderr, "kept %s\n", folder.c_str());
  } else {
    std::filesystem::remove_all(folder);
  }
  return status;
}
