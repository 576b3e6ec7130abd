#include "gateway/bitget/rows.hpp"

#include "gateway/bitget/text.hpp"

namespace backhand::bitget {
namespace {

using json::Scalar;
using json::Shape;

/// Letters compare without case: the documentation and the live answers differ in it.
bool is_word(const Scalar& scalar, std::string_view lower) noexcept {
  return scalar.shape == Shape::text && std::ranges::equal(scalar.text, lower, [](char a, char b) {
           return upper_case(a) == upper_case(b);
         });
}

/// An id, a symbol or a coin: plain text that fits.
template <typename Text>
bool read_name(const Scalar& scalar, Text& out) noexcept {
  if (!scalar.given() || !Text::fits(scalar.text) || !is_plain_text(scalar.text)) return false;
  out = Text(scalar.text);
  return true;
}
template <typename Text>
bool read_upper_name(const Scalar& scalar, Text& out) noexcept {
  if (!read_name(scalar, out)) return false;
  out = upper_case(out);
  return true;
}

bool read_state(const Scalar& scalar, domain::OrderState& out) noexcept {
  struct Word {
    std::string_view text;
    domain::OrderState state;
  };
  static constexpr Word kWords[] = {
      {"live", domain::OrderState::live},          {"new", domain::OrderState::live},
      {"init", domain::OrderState::live},          {"partially_filled", domain::OrderState::partly_filled},
      {"filled", domain::OrderState::filled},      {"canceled", domain::OrderState::canceled},
      {"cancelled", domain::OrderState::canceled},
  };
  for (const Word& word : kWords) {
    if (!is_word(scalar, word.text)) continue;
    out = word.state;
    return true;
  }
  return false;
}

bool read_held_side(const Scalar& scalar, domain::PositionSide& out) noexcept {
  const bool is_long = is_word(scalar, "long");
  out = is_long ? domain::PositionSide::long_side : domain::PositionSide::short_side;
  return is_long || is_word(scalar, "short");
}

/// An order that filled nothing may have no filled size.
bool read_filled(const Scalar& scalar, domain::OrderState state, Decimal& out) noexcept {
  const bool nothing = scalar.shape == Shape::null || (scalar.shape == Shape::text && scalar.text.empty());
  if (nothing) {
    out = {};
    return state == domain::OrderState::live || state == domain::OrderState::canceled;
  }
  const auto size = json::to_decimal(scalar);
  out = size.value_or(Decimal{});
  return size.has_value();
}

domain::LegRole role_of(const Scalar& trade_side, const Scalar& reduce_only) noexcept {
  if (is_word(trade_side, "open")) return domain::LegRole::open;
  // A reducing order cannot be the leg that opens, whatever else it says.
  if (is_word(trade_side, "close") || is_word(reduce_only, "yes")) return domain::LegRole::close;
  return domain::LegRole::unstated;
}

/// Which scalar a key goes into; null for a key that does not count.
struct OrderFields {
  Scalar order_id, client_oid, symbol, margin_coin, state, position_side, trade_side, reduce_only, source,
      entry, size, filled, created, updated;

  Scalar* find(std::string_view key) noexcept {
    if (key == "orderId") return &order_id;
    if (key == "clientOid") return &client_oid;
    if (key == "symbol") return &symbol;
    if (key == "marginCoin") return &margin_coin;
    if (key == "state" || key == "status") return &state;
    if (key == "posSide") return &position_side;
    if (key == "tradeSide") return &trade_side;
    if (key == "reduceOnly") return &reduce_only;
    if (key == "orderSource") return &source;
    if (key == "enterPointSource") return &entry;
    if (key == "size") return &size;
    if (key == "baseVolume") return &filled;
    if (key == "cTime") return &created;
    if (key == "uTime") return &updated;
    return nullptr;
  }
};

/// Whose name a text may be that could not be read as one, or was.
enum class Fit : std::uint8_t {
  some,     ///< `letters` has it.
  anybody,  ///< There is no text.
  nobody,   ///< No name of ours has such characters, or so many.
};

/// What separates the parts of a name in other spellings of it counts for nothing.
template <typename Text>
Fit fit_of(const Scalar& scalar, Text& letters) noexcept {
  letters = {};
  if (!scalar.given()) return Fit::anybody;
  std::size_t size = 0;
  for (const char c : scalar.text) {
    const bool separates = std::string_view(" -_/:.").find(c) != std::string_view::npos;
    if (separates) continue;
    if (!is_plain(c) || size == letters.bytes.size()) return Fit::nobody;
    letters.bytes[size++] = upper_case(c);
  }
  return size == 0 ? Fit::anybody : Fit::some;
}

template <typename Fields>
bool read_fields(json::object& from, Fields& into) noexcept {
  return json::for_each_field(from, [&](std::string_view key, json::value content) {
    Scalar* const field = into.find(key);
    return field == nullptr || json::read_scalar(content, *field);
  });
}

}  // namespace

RowResult read_order(json::object from, domain::Product product, domain::OrderRow& out,
                     bool& has_foreign_name) noexcept {
  OrderFields fields;
  if (!read_fields(from, fields)) return RowResult::broken;
  out = {};
  out.instrument.product = product;
  // The venue permits longer names than ours; a longer one is not ours, and cutting it could make it look so.
  has_foreign_name = fields.client_oid.given() && !read_name(fields.client_oid, out.client_oid);
  if (!read_upper_name(fields.margin_coin, out.instrument.margin_coin)) out.instrument.margin_coin = {};
  const auto size = json::to_decimal(fields.size);
  const auto created = json::to_count(fields.created);
  const bool whole = read_name(fields.order_id, out.order_id) &&
                     read_upper_name(fields.symbol, out.instrument.symbol) &&
                     read_state(fields.state, out.state) &&
                     read_filled(fields.filled, out.state, out.filled) && size && created;
  if (!whole) return RowResult::incomplete;
  out.size = *size;
  out.created_venue_ms = *created;
  out.updated_venue_ms = json::to_count(fields.updated).value_or(0);
  out.has_position_side = read_held_side(fields.position_side, out.position_side);
  out.role = role_of(fields.trade_side, fields.reduce_only);
  out.from_reversal = is_word(fields.source, "reverse") || is_word(fields.source, "trader_reverse");
  out.from_api = !fields.entry.given() || is_word(fields.entry, "api");
  return RowResult::read;
}

RowResult read_fill(json::object from, domain::FillRow& out) noexcept {
  struct {
    Scalar order_id, size, time;
    Scalar* find(std::string_view key) noexcept {
      if (key == "orderId") return &order_id;
      if (key == "baseVolume") return &size;
      if (key == "cTime") return &time;
      return nullptr;
    }
  } fields;
  if (!read_fields(from, fields)) return RowResult::broken;
  out = {};
  const auto size = json::to_decimal(fields.size);
  const auto time = json::to_count(fields.time);
  if (!read_name(fields.order_id, out.order_id) || !size || !time) return RowResult::incomplete;
  out.size = *size;
  out.time_venue_ms = *time;
  return RowResult::read;
}

RowResult read_position(json::object from, domain::Product product, domain::PositionRow& out,
                        domain::UnreadRow& unread) noexcept {
  struct {
    Scalar symbol, margin_coin, side, total, mode;
    Scalar* find(std::string_view key) noexcept {
      if (key == "symbol") return &symbol;
      if (key == "marginCoin") return &margin_coin;
      if (key == "holdSide") return &side;
      if (key == "total") return &total;
      if (key == "posMode") return &mode;
      return nullptr;
    }
  } fields;
  if (!read_fields(from, fields)) return RowResult::broken;
  out = {};
  out.instrument.product = product;
  const auto total = json::to_decimal(fields.total);
  std::string_view bad;
  if (!total) bad = "total";
  if (!read_held_side(fields.side, out.side)) bad = "holdSide";
  if (!read_upper_name(fields.margin_coin, out.instrument.margin_coin)) bad = "marginCoin";
  if (!read_upper_name(fields.symbol, out.instrument.symbol)) bad = "symbol";
  if (!bad.empty()) {
    unread.field = bad;
    unread.instrument.product = product;
    unread.shown = printable<32>(fields.symbol.text);
    const Fit symbol = fit_of(fields.symbol, unread.instrument.symbol);
    const Fit coin = fit_of(fields.margin_coin, unread.instrument.margin_coin);
    unread.of_nobody = symbol == Fit::nobody || coin == Fit::nobody;
    return RowResult::incomplete;
  }
  out.total = *total;
  if (is_word(fields.mode, "one_way_mode")) out.mode = domain::PositionMode::one_way;
  if (is_word(fields.mode, "hedge_mode")) out.mode = domain::PositionMode::hedge;
  return RowResult::read;
}

RowResult read_contract(json::object from, domain::Product product, std::vector<domain::ContractRules>& out,
                        bool& truncated) noexcept {
  struct {
    Scalar symbol, step, minimum, maximum, status;
    Scalar* find(std::string_view key) noexcept {
      if (key == "symbol") return &symbol;
      if (key == "sizeMultiplier") return &step;
      if (key == "minTradeNum") return &minimum;
      if (key == "maxMarketOrderQty") return &maximum;
      if (key == "symbolStatus") return &status;
      return nullptr;
    }
  } fields;
  // The longest list seen has a dozen coins.
  std::array<wire::CoinName, 32> coins;
  std::size_t coin_count = 0;
  const auto read_coins = [&](json::value list) {
    simdjson::ondemand::array items;
    const auto error = list.get_array().get(items);
    if (error == simdjson::INCORRECT_TYPE) return true;
    if (error != simdjson::SUCCESS) return false;
    for (auto item : items) {
      json::value content;
      Scalar coin;
      if (std::move(item).get(content) != simdjson::SUCCESS || !json::read_scalar(content, coin))
        return false;
      if (coin_count < coins.size() && read_upper_name(coin, coins[coin_count])) ++coin_count;
    }
    return true;
  };
  const bool sound = json::for_each_field(from, [&](std::string_view key, json::value content) {
    if (key == "supportMarginCoins") return read_coins(content);
    Scalar* const field = fields.find(key);
    return field == nullptr || json::read_scalar(content, *field);
  });
  if (!sound) return RowResult::broken;

  domain::ContractRules rules;
  rules.instrument.product = product;
  if (!read_upper_name(fields.symbol, rules.instrument.symbol)) return RowResult::incomplete;
  const auto step = json::to_decimal(fields.step);
  const auto minimum = json::to_decimal(fields.minimum);
  const auto maximum = json::to_decimal(fields.maximum);
  // None stated is normal; a maximum that cannot be read closes the contract like the others.
  const bool no_maximum = !fields.maximum.given() && fields.maximum.shape != Shape::other;
  rules.size_step = step.value_or(Decimal{});
  rules.min_size = minimum.value_or(Decimal{});
  rules.max_market_size = maximum.value_or(Decimal{});
  if (!step || step->is_zero()) {
    rules.unread = "sizeMultiplier";
  } else if (!minimum) {
    rules.unread = "minTradeNum";
  } else if (!maximum && !no_maximum) {
    rules.unread = "maxMarketOrderQty";
  } else if (!fields.status.given()) {
    rules.unread = "symbolStatus";
  }
  rules.status = rules.unread.empty() && is_word(fields.status, "normal") ? domain::ContractStatus::normal
                                                                          : domain::ContractStatus::closed;
  for (std::size_t i = 0; i < std::max<std::size_t>(coin_count, 1); ++i) {
    if (out.size() == out.capacity()) {
      truncated = true;
      break;
    }
    rules.instrument.margin_coin = coin_count == 0 ? wire::CoinName{} : coins[i];
    out.push_back(rules);
  }
  return RowResult::read;
}

}  // namespace backhand::bitget
