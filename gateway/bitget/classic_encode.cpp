// Requests out. A reversal is three copies (the account's head, the body's known part, the rest), then the
// gaps in the head are filled in; what of the signature is known ahead was hashed by `refresh`.
#include <cstring>

#include "gateway/bitget/classic.hpp"
#include "gateway/bitget/endpoints.hpp"

namespace backhand::bitget {
namespace {

constexpr std::string_view kMethodAndPath = "POST/api/v2/mix/order/click-backhand";
static_assert(kMethodAndPath.substr(4) == kReversalPath);

/// The longest is order/detail with a clientOid of 32 and a symbol of 24 characters: 127.
constexpr std::size_t kMaxTarget = 192;

/// Three characters, spaces before the digits: white space before a header's value means nothing (RFC 9110
/// §5.5).
void write_length(std::size_t length, char* out) noexcept {
  BH_ASSERT(length >= 10 && length < 1'000);
  out[0] = length < 100 ? ' ' : static_cast<char>('0' + length / 100);
  out[1] = static_cast<char>('0' + length / 10 % 10);
  out[2] = static_cast<char>('0' + length % 10);
}

/// One text of a query: what would need escaping is a bug of ours, since configuration and replies are
/// checked.
std::string_view checked(std::string_view text) noexcept {
  BH_ASSERT(is_plain_text(text));
  return text;
}

/// Path and query; the keys are sorted and nothing in them needs escaping, so that what is signed is what is
/// sent.
void write_target(const domain::Lookup& lookup, bool every_source, Writer& to) noexcept {
  const auto symbol = upper_case(lookup.instrument.symbol);
  const auto coin = upper_case(lookup.instrument.margin_coin);
  const auto product = [&] { to.add("productType=").add(checked(product_text(lookup.instrument.product))); };
  const auto and_symbol = [&] { to.add("&symbol=").add(checked(symbol.view())); };
  to.add(lookup_path(lookup.kind));
  switch (lookup.kind) {
    case domain::LookupKind::venue_time:
    case domain::LookupKind::account_kind:
      return;
    case domain::LookupKind::account_mode:
      to.add("?marginCoin=").add(checked(coin.view())).add("&");
      product();
      and_symbol();
      return;
    case domain::LookupKind::positions:
      to.add("?");
      product();
      return;
    case domain::LookupKind::contracts:
      to.add("?");
      product();
      if (!lookup.instrument.symbol.empty()) and_symbol();
      return;
    case domain::LookupKind::order_by_client_oid:
      to.add("?clientOid=").add(checked(lookup.client_oid.view())).add("&");
      product();
      and_symbol();
      return;
    case domain::LookupKind::order_by_order_id:
      to.add("?orderId=").add(checked(lookup.order_id.view())).add("&");
      product();
      and_symbol();
      return;
    case domain::LookupKind::reversal_history:
      to.add("?");
      if (!lookup.before_id.empty()) to.add("idLessThan=").add(checked(lookup.before_id.view())).add("&");
      to.add("limit=100&");
      if (!every_source) to.add("orderSource=reverse&");
      product();
      if (lookup.since_venue_ms >= kFirstTimestamp)
        to.add("&startTime=").add_timestamp(lookup.since_venue_ms);
      if (!symbol.empty()) and_symbol();
      return;
    case domain::LookupKind::fills:
      to.add("?limit=100&");
      product();
      if (lookup.since_venue_ms >= kFirstTimestamp)
        to.add("&startTime=").add_timestamp(lookup.since_venue_ms);
      and_symbol();
      return;
  }
  BH_ASSERT(false && "lookup kind out of range");
}

bool is_public(domain::LookupKind kind) noexcept {
  return kind == domain::LookupKind::venue_time || kind == domain::LookupKind::contracts;
}

}  // namespace

HmacMessage ClassicDialect::sign_ahead(const Account& account, VenueMs timestamp,
                                       std::string_view prefix) noexcept {
  std::array<char, kTimestampText + kMethodAndPath.size()> start;
  Writer(start.data()).add_timestamp(timestamp).add(kMethodAndPath);
  HmacMessage message = account.key.begin();
  message.add({start.data(), start.size()});
  message.add(prefix);
  return message;
}

void ClassicDialect::refresh(PositionIndex position, VenueMs timestamp) noexcept {
  BH_ASSERT(position.value < positions_.size());
  Position& refreshed = positions_[position.value];
  const Account& account = account_of(refreshed.account);
  for (Side& side : refreshed.sides) side.signed_ahead = sign_ahead(account, timestamp, side.text());
  write_timestamp(timestamp, refreshed.timestamp.data());
  refreshed.refreshed_at = timestamp;
}

std::size_t ClassicDialect::encode_reversal(const domain::ReversalRequest& request, VenueMs timestamp,
                                            std::span<char> out) noexcept {
  if (out.size() < kMaxRequest) return 0;
  BH_ASSERT(request.position.value < positions_.size());
  const Position& position = positions_[request.position.value];
  BH_ASSERT(request.account == position.account);
  BH_ASSERT(request.held_side == domain::PositionSide::long_side ||
            request.held_side == domain::PositionSide::short_side);
  const Account& account = account_of(position.account);
  const Side& side = position.sides[request.held_side == domain::PositionSide::long_side ? 0 : 1];

  const bool ahead = position.refreshed_at != 0 && position.refreshed_at <= timestamp &&
                     timestamp - position.refreshed_at <= settings_.timestamp_tolerance_ms;
  HmacMessage message = ahead ? side.signed_ahead : sign_ahead(account, timestamp, side.text());

  char* const head = out.data();
  std::memcpy(head, account.head.data(), account.head_size);
  char* const body = head + account.head_size;
  std::memcpy(body, side.prefix.data(), side.prefix_size);
  Writer rest(body + side.prefix_size);
  if (request.has_size && position.sends_size) rest.add(R"(,"size":")").add(request.size).add("\"");
  rest.add(R"(,"clientOid":")").add(view_of(request.client_oid)).add("\"}");

  message.add(rest.view());
  encode_base64(account.key.finish(message), head + account.signature_at);
  if (ahead) {
    std::memcpy(head + account.timestamp_at, position.timestamp.data(), kTimestampText);
  } else {
    write_timestamp(timestamp, head + account.timestamp_at);
  }
  const std::size_t body_size = side.prefix_size + rest.size();
  write_length(body_size, head + account.length_at);
  return account.head_size + body_size;
}

std::size_t ClassicDialect::encode_lookup(const domain::Lookup& lookup, VenueMs timestamp,
                                          std::span<char> out) noexcept {
  if (out.size() < kMaxRequest) return 0;
  Writer writer(out.data());
  if (is_public(lookup.kind)) {
    writer.add("GET ");
    write_target(lookup, false, writer);
    return writer.add(" HTTP/1.1\r\n").add(public_headers_).size();
  }
  const Account& account = account_of(lookup.account);
  std::array<char, kTimestampText + 3 + kMaxTarget> signed_text;
  Writer to_sign(signed_text.data());
  to_sign.add_timestamp(timestamp).add("GET");
  const std::size_t target_at = to_sign.size();
  write_target(lookup, account.is_lead_trader, to_sign);
  BH_ASSERT(to_sign.size() <= signed_text.size());

  HmacMessage message = account.key.begin();
  message.add(to_sign.view());
  std::array<char, kSignatureText> signature;
  encode_base64(account.key.finish(message), signature.data());

  const std::string_view head{account.head.data(), account.head_size};
  writer.add("GET ").add(to_sign.view().substr(target_at)).add(" HTTP/1.1\r\n");
  writer.add(head.substr(account.shared_at, account.timestamp_at - account.shared_at));
  writer.add_timestamp(timestamp).add("\r\nACCESS-SIGN: ").add({signature.data(), signature.size()});
  return writer.add("\r\n\r\n").size();
}

}  // namespace backhand::bitget
