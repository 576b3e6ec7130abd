#include "gateway/config/load.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/config/folders.hpp"
#include "gateway/config/machine.hpp"
#include "gateway/config/read.hpp"

namespace backhand::config {
namespace {

struct Outcome {
  std::optional<Config> config;  ///< Also where there are problems, unless the text is no TOML at all.
  std::vector<Problem> problems;
  std::vector<Problem> warnings;
};

/// Keeps the order of what stands at one place.
void sort_by_place(std::vector<Problem>& problems) {
  std::multimap<Place, Problem> sorted;
  for (Problem& problem : problems) sorted.emplace(problem.place, std::move(problem));
  problems.clear();
  for (auto& [place, problem] : sorted) problems.push_back(std::move(problem));
}

void check_use(const Config& config, Section& root) {
  if (config.strategies.empty() && root.clean()) {
    root.warning("strategies", "there is no strategy: nobody can attach");
  }
  // Each strategy also has the operator's lane. Not an error: names are given away as they come.
  std::uint64_t lanes = 0;
  for (const Strategy& strategy : config.strategies) lanes += std::uint64_t{strategy.max_lanes} + 1;
  if (lanes > config.gateway.max_lanes && root.clean()) {
    root.warning("strategies",
                 "may have " + std::to_string(lanes) +
                     " lanes together, one each for the operator included; gateway.max_lanes is " +
                     std::to_string(config.gateway.max_lanes) + ": whoever comes last is refused");
  }
}

/// How many products each account reads the positions of, largest first in `most`; the sum of all in `all`.
struct Reads {
  std::size_t all = 0;
  std::size_t most = 0;
};

Reads reads_of(const Config& config) {
  std::set<std::pair<std::uint16_t, domain::Product>> pairs;
  std::map<std::uint16_t, std::size_t> by_account;
  for (const Strategy& strategy : config.strategies) {
    for (const Entitlement& entitlement : strategy.entitlements) {
      for (const InstrumentIndex instrument : entitlement.instruments) {
        const std::uint16_t account = entitlement.account.value;
        if (pairs.emplace(account, config.instruments[instrument.value].id.product).second)
          ++by_account[account];
      }
    }
  }
  Reads out{pairs.size(), 0};
  for (const auto& [account, products] : by_account) out.most = std::max(out.most, products);
  return out;
}

/// Whether every position can be read as often as is wanted, whatever else is asked at the same time.
void check_freshness(const Config& config, Section& root) {
  const std::uint32_t refresh_ms = config.venue.position_refresh_ms;
  const std::uint32_t age_ms = config.venue.position_max_age_ms;
  const Reads reads = reads_of(config);
  if (!root.clean() || reads.all == 0) return;
  // One read of all positions of a product at a time; an account may read five a second.
  constexpr std::uint64_t kReadsPerSecond = 5;
  const std::uint64_t by_address = reads.all * 60'000 / refreshes_per_minute(config.pacing);
  const std::uint64_t by_account = reads.most * 1'000 / kReadsPerSecond;
  const std::uint64_t possible = std::max(by_address, by_account);
  if (possible <= refresh_ms) return;
  std::string text = "positions can surely be read every " + std::to_string(possible) +
                     " ms only, not every " + std::to_string(refresh_ms) +
                     " ms (position_refresh_ms): there are " + std::to_string(reads.all) +
                     " pairs of account and product, at most " + std::to_string(reads.most) +
                     " of one account; " + std::to_string(refreshes_per_minute(config.pacing)) +
                     " reads a minute are kept for them all, and the venue allows an account 5 a second";
  if (age_ms != 0 && possible >= age_ms)
    text +=
        "; position_max_age_ms (" + std::to_string(age_ms) +
        ") will deny intents whenever reversals use more than an eighth of their part of the address's rule";
  root.warning("venue", std::move(text));
}

Outcome read_all(std::string_view text, const std::string& file_name) {
  Outcome out;
  if (text.size() > kMaxConfigBytes) {
    out.problems.push_back(
        {file_name, {}, {}, "is larger than " + std::to_string(kMaxConfigBytes) + " bytes"});
    return out;
  }
  const auto document = parse_document(text, file_name);
  if (!document) {
    out.problems.push_back(document.error());
    return out;
  }
  Findings findings;
  findings.file = file_name;
  Section root{findings, &*document, {}};
  Config& config = out.config.emplace();
  config.file = file_name;
  root.require("environment", R"(say "simulated", "demo" or "live")");
  findings.environment_known = root.word("environment", kEnvironmentWords, config.environment);
  root.flag("dry_run", config.gateway.dry_run);
  const auto section = [&](std::string_view key) {
    return Section{findings, root.table(key), std::string{key}};
  };
  read_gateway(section("gateway"), config);
  read_venue(section("venue"), config);
  read_pacing(section("pacing"), config);
  read_shots(section("shots"), config);
  read_accounts(root, config);
  read_instruments(root, config);
  read_strategies(root, config);
  root.finish();
  check_use(config, root);
  check_freshness(config, root);
  sort_by_place(findings.problems);
  sort_by_place(findings.warnings);
  out.problems = std::move(findings.problems);
  out.warnings = std::move(findings.warnings);
  return out;
}

std::expected<std::string, Problem> read_file(const std::string& path) {
  const auto failed = [&](const char* what) {
    return std::unexpected(Problem{path, {}, {}, std::string{what} + ": " + std::strerror(errno)});
  };
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return failed("cannot be opened");
  struct stat status{};
  std::string text;
  if (::fstat(fd, &status) == 0 && !S_ISREG(status.st_mode)) {
    ::close(fd);
    return std::unexpected(Problem{path, {}, {}, "is not a regular file"});
  }
  char chunk[16'384];
  // One byte more than allowed is enough to see that there are too many.
  while (text.size() <= kMaxConfigBytes) {
    const ssize_t got = ::read(fd, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      auto out = failed("cannot be read");
      ::close(fd);
      return out;
    }
    if (got == 0) break;
    text.append(chunk, static_cast<std::size_t>(got));
  }
  ::close(fd);
  return text;
}

Outcome read_all_of_file(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return Outcome{std::nullopt, {text.error()}, {}};
  return read_all(*text, path);
}

std::expected<Config, std::vector<Problem>> answer(Outcome outcome, std::vector<Problem>* warnings) {
  if (warnings != nullptr) *warnings = std::move(outcome.warnings);
  if (!outcome.problems.empty()) return std::unexpected(std::move(outcome.problems));
  return std::move(*outcome.config);
}

}  // namespace

std::expected<Config, std::vector<Problem>> load(const std::string& path, std::vector<Problem>* warnings) {
  return answer(read_all_of_file(path), warnings);
}

std::expected<Config, std::vector<Problem>> load_text(std::string_view text, const std::string& file_name,
                                                      std::vector<Problem>* warnings) {
  return answer(read_all(text, file_name), warnings);
}

std::expected<Loaded, std::vector<Problem>> load_with_secrets(const std::string& path,
                                                              const std::string& credentials_dir,
                                                              std::vector<Problem>* warnings,
                                                              std::vector<Problem>* unread) {
  Outcome outcome = read_all_of_file(path);
  if (!outcome.config) return std::unexpected(answer(std::move(outcome), warnings).error());
  check_folders(*outcome.config, outcome.problems, outcome.warnings);
  check_machine(*outcome.config, outcome.problems, outcome.warnings);
  sort_by_place(outcome.problems);
  sort_by_place(outcome.warnings);
  auto secrets = load_secrets(*outcome.config, credentials_dir, unread);
  if (!secrets) {
    outcome.problems.insert(outcome.problems.end(), secrets.error().begin(), secrets.error().end());
    sort_by_place(outcome.problems);
  }
  auto config = answer(std::move(outcome), warnings);
  if (!config) return std::unexpected(std::move(config.error()));
  return Loaded{std::move(*config), std::move(*secrets)};
}

}  // namespace backhand::config
