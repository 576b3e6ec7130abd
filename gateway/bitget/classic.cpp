// Set-up: settings and credentials are checked here once, so that nothing on the path needs to be.
#include "gateway/bitget/classic.hpp"

#include <cstdio>

#include <openssl/crypto.h>

#include "gateway/bitget/endpoints.hpp"

namespace backhand::bitget {
namespace {

constexpr std::string_view kHeaderEnd = "\r\n";

std::unexpected<Error> refused(std::string message) { return std::unexpected(Error{std::move(message)}); }

void add_header(std::string& to, std::string_view name, std::string_view value) {
  to.append(name).append(": ").append(value).append(kHeaderEnd);
}

bool is_host(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_plain(c) || c == '.' || c == ':' || c == '[' || c == ']';
  });
}

}  // namespace

ClassicDialect::ClassicDialect(const Settings& settings) : settings_(settings) {
  public_headers_ = shared_headers() + std::string(kHeaderEnd);
  probe_ = "GET " + std::string(kTimePath) + " HTTP/1.1\r\n" + public_headers_;
  const std::string body =
      R"({"code":"00000","msg":"success","requestTime":1000000000000,"data":{"orderId":"1","clientOid":")" +
      std::string(kRehearsalOid) + "\"}}";
  char size[8];
  std::snprintf(size, sizeof size, "%zx", body.size());
  rehearsal_reply_ =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" +
      std::string(size) + "\r\n" + body + "\r\n0\r\n\r\n";
}

ClassicDialect::~ClassicDialect() {
  // What was signed ahead stems from the keys.
  for (Position& position : positions_) {
    for (Side& side : position.sides) OPENSSL_cleanse(&side.signed_ahead, sizeof(side.signed_ahead));
  }
}

bool ClassicDialect::reserve_parser() noexcept {
  return parser_.allocate(settings_.max_reply_bytes) == simdjson::SUCCESS;
}

std::string ClassicDialect::shared_headers() const {
  std::string out;
  add_header(out, "Host", settings_.host);
  add_header(out, "User-Agent", "backhand");
  add_header(out, "Content-Type", "application/json");
  if (!settings_.locale.empty()) add_header(out, "locale", settings_.locale);
  if (!settings_.channel_code.empty()) add_header(out, "X-CHANNEL-API-CODE", settings_.channel_code);
  if (settings_.demo) add_header(out, "paptrading", "1");
  return out;
}

std::expected<void, Error> ClassicDialect::add_account(AccountIndex account, Credentials&& credentials) {
  const Credentials taken = std::move(credentials);
  if (!account.valid()) return refused("account index is not valid");
  const std::string who = "account " + std::to_string(account.value) + ": ";
  if (account.value < accounts_.size() && accounts_[account.value]) return refused(who + "added twice");
  for (const auto& [name, text] :
       {std::pair{"API key", taken.key.reveal()}, std::pair{"secret", taken.secret.reveal()},
        std::pair{"passphrase", taken.passphrase.reveal()}}) {
    if (text.size() > kMaxCredential || !is_header_text(text)) {
      return refused(who + "the " + name + " is empty, longer than " + std::to_string(kMaxCredential) +
                     " bytes, or has characters other than printable ASCII");
    }
  }
  SecurePtr<Account> made = make_secure<Account>();
  made->key.load(taken.secret.reveal());
  const std::string shared = shared_headers();
  Writer writer(made->head.data());
  writer.add("POST ").add(kReversalPath).add(" HTTP/1.1\r\n");
  made->shared_at = writer.size();
  writer.add(shared).add("ACCESS-KEY: ").add(taken.key.reveal());
  writer.add("\r\nACCESS-PASSPHRASE: ").add(taken.passphrase.reveal()).add("\r\nACCESS-TIMESTAMP: ");
  made->timestamp_at = writer.size();
  writer.add("0000000000000\r\nACCESS-SIGN: ");
  made->signature_at = writer.size();
  writer.add("00000000000000000000000000000000000000000000\r\nContent-Length: ");
  made->length_at = writer.size();
  writer.add("000\r\n\r\n");
  made->head_size = writer.size();
  BH_ASSERT(made->head_size <= kMaxHead);
  if (account.value >= accounts_.size()) accounts_.resize(account.value + std::size_t{1});
  accounts_[account.value] = std::move(made);
  return {};
}

void ClassicDialect::set_lead_trader(AccountIndex account, bool is_lead_trader) noexcept {
  account_of(account).is_lead_trader = is_lead_trader;
}

std::expected<void, Error> ClassicDialect::prepare(PositionIndex position, AccountIndex account,
                                                   const domain::Instrument& instrument,
                                                   domain::PositionMode mode) {
  if (!position.valid()) return refused("position index is not valid");
  const std::string who = "position " + std::to_string(position.value) + ": ";
  if (account.value >= accounts_.size() || !accounts_[account.value]) return refused(who + "unknown account");
  const auto symbol = upper_case(instrument.symbol);
  const auto coin = upper_case(instrument.margin_coin);
  if (!symbol.well_formed() || !is_plain_text(symbol.view()))
    return refused(who + "symbol is not [0-9A-Za-z_-]");
  if (!coin.well_formed() || !is_plain_text(coin.view()))
    return refused(who + "margin coin is not [0-9A-Za-z_-]");
  if (product_text(instrument.product).empty()) return refused(who + "unknown product");
  if (mode != domain::PositionMode::one_way && mode != domain::PositionMode::hedge) {
    return refused(who + "unknown position mode");
  }
  if (position.value >= positions_.size()) positions_.resize(position.value + std::size_t{1});
  Position& made = positions_[position.value];
  made.account = account;
  made.refreshed_at = 0;
  const bool hedge = mode == domain::PositionMode::hedge;
  made.sends_size = hedge || settings_.one_way_sends_size;
  for (const bool is_long : {true, false}) {
    Side& side = made.sides[is_long ? 0 : 1];
    Writer writer(side.prefix.data());
    writer.add(R"({"symbol":")").add(symbol.view()).add(R"(","marginCoin":")").add(coin.view());
    writer.add(R"(","productType":")").add(product_text(instrument.product)).add("\"");
    const std::string_view held = is_long ? "buy" : "sell";
    const std::string_view reversing = is_long ? "sell" : "buy";
    if (hedge) {
      // The venue's convention: in hedge mode `side` is the direction of the position, for both legs.
      writer.add(R"(,"side":")").add(held).add(R"(","tradeSide":"open")");
    } else if (settings_.one_way_side != OneWaySide::omit) {
      const std::string_view said = settings_.one_way_side == OneWaySide::position ? held : reversing;
      writer.add(R"(,"side":")").add(said).add("\"");
    }
    side.prefix_size = writer.size();
    BH_ASSERT(side.prefix_size <= kMaxPrefix);
  }
  return {};
}

ClassicDialect::Account& ClassicDialect::account_of(AccountIndex account) noexcept {
  BH_ASSERT(account.value < accounts_.size() && accounts_[account.value]);
  return *accounts_[account.value];
}

EndpointRule ClassicDialect::reversal_rule() const noexcept { return kReversalRule; }
EndpointRule ClassicDialect::lead_trader_reversal_rule() const noexcept { return kLeadTraderReversalRule; }
EndpointRule ClassicDialect::rule_of(domain::LookupKind kind) const noexcept { return lookup_rule(kind); }
EndpointRule ClassicDialect::overall_rule() const noexcept { return kOverallRule; }
Ns ClassicDialect::overall_penalty_ns() const noexcept { return kOverallPenalty_ns; }
std::string_view ClassicDialect::trace_id(HeaderLookup headers) const noexcept {
  return headers(kTraceHeader);
}

std::expected<std::unique_ptr<Dialect>, Error> make_classic_dialect(const Settings& settings) {
  if (settings.host.size() > ClassicDialect::kMaxHost || !is_host(settings.host))
    return refused("venue host is not a host name");
  if (settings.locale.size() > ClassicDialect::kMaxLocale ||
      (!settings.locale.empty() && !is_plain_text(settings.locale))) {
    return refused("venue locale is not [0-9A-Za-z_-]{0,16}");
  }
  if (settings.channel_code.size() > ClassicDialect::kMaxChannelCode ||
      (!settings.channel_code.empty() && !is_header_text(settings.channel_code))) {
    return refused("channel code is longer than 64 bytes or not printable ASCII");
  }
  if (settings.max_reply_bytes < 1'024 || settings.max_reply_bytes > 64 * 1'048'576) {
    return refused("longest reply is not between 1 KiB and 64 MiB");
  }
  auto made = std::make_unique<ClassicDialect>(settings);
  if (!made->reserve_parser()) return refused("out of memory for the reply parser");
  return made;
}

}  // namespace backhand::bitget
