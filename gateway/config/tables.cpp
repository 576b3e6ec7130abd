// [[accounts]] and [[instruments]], and what all lists of tables share.
#include <utility>

#include "gateway/config/read.hpp"

namespace backhand::config {
namespace {

/// A secret's place: a path, or the bare name of a systemd credential, which is kept as it is.
void read_secret_file(Section& section, std::string_view key, std::string& out, Place& place) {
  section.require(key, "name a file, or a systemd credential");
  place = section.place_of(key);
  if (!section.text(key, out)) return;
  if (out.find('/') != std::string::npos) {
    out = resolved_path(out, section.findings().file);
  } else if (out == "." || out == ".." || out.size() > 255) {
    section.problem(key, "must be a path or the name of a systemd credential; it is " + in_quotes(out));
  }
}

/// Upper case, 1 … `most` of [0-9A-Z].
bool read_capitals(Section& section, std::string_view key, std::size_t most, std::string& out) {
  std::string text;
  if (!section.text(key, text)) return false;
  if (text.size() > most || !only_letters_digits_and(text, {})) {
    section.problem(key,
                    "must be 1 to " + std::to_string(most) + " letters and digits; it is " + in_quotes(text));
    return false;
  }
  out = upper_case(text);
  return true;
}

bool is_withdrawn(domain::Product product) noexcept {
  return product == domain::Product::susdt_futures || product == domain::Product::scoin_futures ||
         product == domain::Product::susdc_futures;
}

std::string_view default_margin_coin(domain::Product product) noexcept {
  if (product == domain::Product::usdt_futures) return "USDT";
  if (product == domain::Product::usdc_futures) return "USDC";
  return {};
}

/// Like bounded_tables, but none is a problem.
std::span<const Node> needed_tables(Section& root, std::string_view key, std::size_t most) {
  const std::size_t before = root.findings().problems.size();
  const auto items = bounded_tables(root, key, most);
  if (items.empty() && root.findings().problems.size() == before) {
    root.problem(key, "is missing: write at least one [[" + std::string{key} + "]]");
  }
  return items;
}

void read_instrument(Section& section, Instrument& out) {
  section.require("symbol");
  section.require("product", "like \"USDT-FUTURES\"");
  std::string symbol;
  if (read_capitals(section, "symbol", decltype(out.id.symbol.bytes){}.size(), symbol)) {
    out.id.symbol = wire::SymbolName{symbol};
  }
  const bool product = section.word("product", kProductWords, out.id.product, true);
  std::string coin{default_margin_coin(out.id.product)};
  if (product && coin.empty()) section.require("margin_coin", "this product has no single one");
  read_capitals(section, "margin_coin", decltype(out.id.margin_coin.bytes){}.size(), coin);
  out.id.margin_coin = wire::CoinName{coin};
  section.size("max_size", out.max_size);
  if (product && is_withdrawn(out.id.product)) {
    section.warning("product", std::string{word_for(kProductWords, out.id.product)} +
                                   " was withdrawn by the venue on 2025-08-04: expect it to be refused");
  }
}

}  // namespace

bool Taken::take(Section& section, std::string_view key, const std::string& name, const std::string& shown) {
  const auto [entry, fresh] = lines_.emplace(name, section.place_of(key).line);
  if (!fresh) section.problem(key, shown + " is already used in line " + std::to_string(entry->second));
  return fresh;
}

std::string item_key(std::string_view list, std::size_t index) {
  return std::string{list} + "[" + std::to_string(index) + "]";
}

std::span<const Node> bounded_tables(Section& root, std::string_view key, std::size_t most) {
  const auto items = root.tables(key);
  if (items.size() <= most) return items;
  root.problem(
      key, "at most " + std::to_string(most) + " are possible; there are " + std::to_string(items.size()));
  return items.first(most);
}

std::string full_name(const domain::Instrument& id) {
  return std::string{word_for(kProductWords, id.product)} + "/" + std::string{id.symbol.view()} + "/" +
         std::string{id.margin_coin.view()};
}

bool read_name(Section& section, std::string& out, std::size_t most) {
  section.require("name");
  std::string name;
  if (!section.text("name", name)) return false;
  if (name.size() > most || !only_letters_digits_and(name, "_.-")) {
    section.problem("name",
                    "must be 1 to " + std::to_string(most) + " of [0-9A-Za-z_.-]; it is " + in_quotes(name));
    return false;
  }
  out = name;
  return true;
}

void read_accounts(Section& root, Config& config) {
  const auto items = needed_tables(root, "accounts", kMaxAccounts);
  Taken names;
  for (std::size_t i = 0; i < items.size(); ++i) {
    Section section{root.findings(), &items[i], item_key("accounts", i)};
    Account& account = config.accounts.emplace_back();
    if (read_name(section, account.name, kMaxAccountName)) {
      names.take(section, "name", account.name, in_quotes(account.name));
    }
    read_secret_file(section, "key_file", account.key_file, account.key_place);
    read_secret_file(section, "secret_file", account.secret_file, account.secret_place);
    read_secret_file(section, "passphrase_file", account.passphrase_file, account.passphrase_place);
    section.word("position_mode", kPositionModeWords, account.position_mode);
    section.flag("lead_trader", account.lead_trader);
    section.finish();
  }
}

void read_instruments(Section& root, Config& config) {
  const auto items = needed_tables(root, "instruments", kMaxInstruments);
  Taken names;
  for (std::size_t i = 0; i < items.size(); ++i) {
    Section section{root.findings(), &items[i], item_key("instruments", i)};
    Instrument& instrument = config.instruments.emplace_back();
    read_instrument(section, instrument);
    section.finish();
    if (section.clean()) {
      const std::string name = full_name(instrument.id);
      names.take(section, "symbol", name, name);
    }
  }
}

}  // namespace backhand::config
