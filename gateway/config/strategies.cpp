// [[strategies]]: who may attach, and what each may do. Every name in it must exist.
#include <expected>
#include <map>
#include <set>
#include <utility>

#include <pwd.h>

#include "gateway/config/read.hpp"

namespace backhand::config {
namespace {

/// Finds what an entitlement names: SYMBOL, PRODUCT/SYMBOL or PRODUCT/SYMBOL/COIN, in any case.
class InstrumentNames {
 public:
  explicit InstrumentNames(const std::vector<Instrument>& instruments) {
    for (std::uint32_t i = 0; i < instruments.size(); ++i) {
      const domain::Instrument& id = instruments[i].id;
      if (id.symbol.empty()) continue;
      const std::string full = full_name(id);
      add(std::string{id.symbol.view()}, i);
      add(full.substr(0, full.rfind('/')), i);
      add(full, i);
    }
    for (const auto& [name, found] : by_name_) names_.push_back(name);
  }

  /// The one instrument of that name; else why not.
  [[nodiscard]] std::expected<InstrumentIndex, std::string> find(std::string_view name) const {
    const auto found = by_name_.find(upper_case(name));
    if (found == by_name_.end()) {
      return std::unexpected("no such instrument " + in_quotes(name) + suggestion(upper_case(name), names_));
    }
    if (found->second.size() > 1) {
      return std::unexpected(in_quotes(name) +
                             " names several instruments: write PRODUCT/SYMBOL or PRODUCT/SYMBOL/COIN");
    }
    return InstrumentIndex{found->second.front()};
  }

 private:
  void add(std::string name, std::uint32_t index) { by_name_[std::move(name)].push_back(index); }

  std::map<std::string, std::vector<std::uint32_t>, std::less<>> by_name_;
  std::vector<std::string_view> names_;
};

/// What all strategies refer to.
struct References {
  std::map<std::string, std::uint16_t, std::less<>> accounts;
  std::vector<std::string_view> account_names;
  InstrumentNames instruments;
  std::uint32_t instrument_count;

  explicit References(const Config& config)
      : instruments(config.instruments),
        instrument_count(static_cast<std::uint32_t>(config.instruments.size())) {
    for (std::size_t i = 0; i < config.accounts.size(); ++i) {
      if (config.accounts[i].name.empty()) continue;
      accounts.emplace(config.accounts[i].name, static_cast<std::uint16_t>(i));
      account_names.emplace_back(config.accounts[i].name);
    }
  }
};

void read_instrument_list(Section& section, const Node& node, const References& known, Entitlement& out) {
  std::set<std::uint32_t> seen;
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    const Node& item = node.children[i];
    const std::string key = section.full_key(item_key("instruments", i));
    if (item.kind != NodeKind::text) {
      section.findings().problem(item.place, key,
                                 "must be a string, not " + std::string{kind_in_words(item.kind)});
      continue;
    }
    if (item.text == "*") {
      section.findings().problem(item.place, key, R"(write instruments = "*", not a list, for all)");
      continue;
    }
    const auto found = known.instruments.find(item.text);
    if (!found) {
      section.findings().problem(item.place, key, found.error());
    } else if (!seen.insert(found->value).second) {
      section.findings().problem(item.place, key, in_quotes(item.text) + " is named twice");
    } else {
      out.instruments.push_back(*found);
    }
  }
  if (node.children.empty()) section.problem("instruments", "names none; write \"*\" for all");
}

void read_entitlement(Section& section, const References& known, Entitlement& out) {
  section.require("account");
  section.require("instruments", R"(write a list like ["ETHUSDT"], or "*" for all)");
  std::string account;
  if (section.text("account", account)) {
    const auto found = known.accounts.find(account);
    if (found == known.accounts.end()) {
      section.problem("account",
                      "no such account " + in_quotes(account) + suggestion(account, known.account_names));
    } else {
      out.account = AccountIndex{found->second};
    }
  }
  const Node* node = section.find("instruments");
  if (node == nullptr) return;
  if (node->kind == NodeKind::list) {
    read_instrument_list(section, *node, known, out);
  } else if (node->kind == NodeKind::text && node->text == "*") {
    for (std::uint32_t i = 0; i < known.instrument_count; ++i) out.instruments.push_back(InstrumentIndex{i});
  } else {
    section.problem("instruments", R"(must be a list of instruments, or "*" for all)");
  }
}

void read_entitlements(Section& section, const References& known, Strategy& out) {
  Taken accounts;
  const auto items = section.tables("entitlements");
  for (std::size_t i = 0; i < items.size(); ++i) {
    Section item{section.findings(), &items[i], section.full_key(item_key("entitlements", i))};
    Entitlement entitlement;
    read_entitlement(item, known, entitlement);
    item.finish();
    if (!entitlement.account.valid()) continue;
    const std::string key = std::to_string(entitlement.account.value);
    if (accounts.take(item, "account", key, "this account"))
      out.entitlements.push_back(std::move(entitlement));
  }
  if (items.empty() && section.sound({"entitlements"})) {
    section.warning("entitlements", "there is none: every intent of this strategy will be denied");
  }
}

/// The number of a user of this machine.
std::expected<std::uint32_t, std::string> uid_of(const std::string& user) {
  std::vector<char> buffer(16'384);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    return std::unexpected("no such user on this machine: " + in_quotes(user));
  }
  return entry.pw_uid;
}

void read_users(Section& section, Strategy& out) {
  std::set<std::uint32_t> seen;
  for (const std::string_view list : {std::string_view{"uids"}, std::string_view{"users"}}) {
    const Node* node = section.list(list);
    if (node == nullptr) continue;
    const bool by_name = list == "users";
    for (std::size_t i = 0; i < node->children.size(); ++i) {
      const Node& item = node->children[i];
      const auto report = [&](std::string message) {
        section.findings().problem(item.place, section.full_key(item_key(list, i)), std::move(message));
      };
      std::uint32_t uid = 0;
      if (item.kind != (by_name ? NodeKind::text : NodeKind::integer)) {
        report(std::string{by_name ? "must be a user's name" : "must be a user's number"} + ", not " +
               std::string{kind_in_words(item.kind)});
        continue;
      }
      if (by_name) {
        const auto found = uid_of(item.text);
        if (!found) {
          report(found.error());
          continue;
        }
        uid = *found;
      } else if (item.integer < 0 || item.integer >= UINT32_MAX) {
        report("must lie between 0 and 4294967294; it is " + std::to_string(item.integer));
        continue;
      } else {
        uid = static_cast<std::uint32_t>(item.integer);
      }
      if (seen.insert(uid).second) out.uids.push_back(uid);
    }
  }
}

void read_strategy(Section& section, const Config& config, const References& known, Strategy& out) {
  read_name(section, out.name, kMaxStrategyName);
  read_users(section, out);
  section.size("max_size", out.max_size);
  section.number("intents_per_second", out.intents_per_second, 1, 1'000'000);
  section.number("reversals_per_position_minute", out.reversals_per_position_minute, 1, 1'000'000);
  section.number("reversals_per_position_day", out.reversals_per_position_day, 1, 100'000'000);
  section.number("max_priority", out.max_priority, 0, wire::kMaxPriority);
  section.number("weight", out.weight, 1, 1'000);
  section.number("max_lanes", out.max_lanes, 1, 4'096);
  section.number("max_shots", out.max_shots, 0, 1'024);
  section.word("when_busy", kWhenBusyWords, out.when_busy);
  section.flag("in_process", out.in_process);
  if (section.sound({"max_lanes"}) && out.max_lanes > config.gateway.max_lanes) {
    if (section.has("max_lanes")) {
      section.problem("max_lanes", "must not be above gateway.max_lanes (" +
                                       std::to_string(config.gateway.max_lanes) + "); it is " +
                                       std::to_string(out.max_lanes));
    } else {
      out.max_lanes = config.gateway.max_lanes;
    }
  }
  if (section.sound({"in_process"}) && out.in_process && !out.uids.empty()) {
    section.warning("in_process", "runs inside the gateway: nobody attaches, so its users do not matter");
  }
  read_entitlements(section, known, out);
}

}  // namespace

void read_strategies(Section& root, Config& config) {
  const auto items = bounded_tables(root, "strategies", kMaxStrategies);
  const References known{config};
  Taken names;
  for (std::size_t i = 0; i < items.size(); ++i) {
    Section section{root.findings(), &items[i], item_key("strategies", i)};
    Strategy& strategy = config.strategies.emplace_back();
    read_strategy(section, config, known, strategy);
    if (!strategy.name.empty()) names.take(section, "name", strategy.name, in_quotes(strategy.name));
    section.finish();
  }
}

}  // namespace backhand::config
