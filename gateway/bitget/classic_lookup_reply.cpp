// Replies to questions. What a reply does not say whole is not learned. A list of positions names the rows
// that could not be read, since a missing row looks like nothing held: the answer says nothing of those
// instruments, and all of the others. A history or a list of fills with one is marked as truncated, since the
// other rows still prove what they say, but nothing is proven by absence.
#include <algorithm>

#include "gateway/bitget/classic.hpp"
#include "gateway/bitget/codes.hpp"
#include "gateway/bitget/endpoints.hpp"
#include "gateway/bitget/json.hpp"
#include "gateway/bitget/quota.hpp"
#include "gateway/bitget/rows.hpp"
#include "gateway/bitget/text.hpp"

namespace backhand::bitget {
namespace {

using domain::LookupKind;
using domain::LookupStatus;

/// What the data part held.
enum class Content : std::uint8_t {
  none,     ///< There was none, or null.
  whole,    ///< What the question asked for.
  partial,  ///< Not what it asked for, or not all of it could be read.
};

/// Reads a list of rows; `read_row` says what became of one, and is given null for what is no object. False
/// where the JSON is broken.
template <typename ReadRow>
bool read_rows(json::value from, Content& content, std::size_t& rows, ReadRow&& read_row) noexcept {
  json::json_type type{};
  if (from.type().get(type) != simdjson::SUCCESS) return false;
  if (type == json::json_type::null) return true;
  simdjson::ondemand::array list;
  const auto error = from.get_array().get(list);
  content = Content::partial;
  if (error == simdjson::INCORRECT_TYPE) return true;
  if (error != simdjson::SUCCESS) return false;
  content = Content::whole;
  for (auto item : list) {
    ++rows;
    json::value row;
    if (std::move(item).get(row) != simdjson::SUCCESS) return false;
    json::object fields;
    const auto row_error = row.get_object().get(fields);
    if (row_error != simdjson::SUCCESS && row_error != simdjson::INCORRECT_TYPE) return false;
    // What begins like no value at all is broken JSON and not a row of another kind.
    json::json_type kind{};
    if (row_error == simdjson::INCORRECT_TYPE && row.type().get(kind) != simdjson::SUCCESS) return false;
    const RowResult result = row_error == simdjson::SUCCESS ? read_row(&fields) : read_row(nullptr);
    if (result == RowResult::broken) return false;
    if (result == RowResult::incomplete) content = Content::partial;
  }
  return true;
}

/// The venue writes names in either case.
bool is_same_name(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, [](char x, char y) { return upper_case(x) == upper_case(y); });
}

/// Appends within the capacity that was reserved.
template <typename Row>
void append(std::vector<Row>& rows, const Row& row, bool& truncated) noexcept {
  if (rows.size() < rows.capacity()) {
    rows.push_back(row);
  } else {
    truncated = true;
  }
}

/// Reads the data of one reply into the answer, by what was asked.
class DataReader {
 public:
  DataReader(const domain::Lookup& lookup, domain::LookupReply& out) noexcept : lookup_(lookup), out_(out) {}

  [[nodiscard]] Content content() const noexcept { return content_; }

  bool operator()(json::value data) noexcept {
    std::size_t rows = 0;
    if (lookup_.kind == LookupKind::positions) {
      return read_rows(data, content_, rows, [&](json::object* row) {
        domain::PositionRow position;
        domain::UnreadRow unread;
        unread.field = "row";
        RowResult result = row == nullptr ? RowResult::incomplete
                                          : read_position(*row, lookup_.instrument.product, position, unread);
        if (result == RowResult::broken) return result;
        if (result == RowResult::read && is_read_already(position)) {
          unread.field = "holdSide";
          unread.instrument = position.instrument;
          unread.shown = printable<32>(position.instrument.symbol.view());
          result = RowResult::incomplete;
        }
        if (result == RowResult::read) append(out_.positions, position, out_.truncated);
        if (result == RowResult::incomplete) append(out_.unread, unread, out_.truncated);
        return RowResult::read;
      });
    }
    if (lookup_.kind == LookupKind::contracts) {
      return read_rows(data, content_, rows, [&](json::object* row) {
        if (row == nullptr) return RowResult::read;
        const RowResult result =
            read_contract(*row, lookup_.instrument.product, out_.contracts, out_.truncated);
        // A contract without a name is nobody's; it must not cost us the others.
        return result == RowResult::incomplete ? RowResult::read : result;
      });
    }
    json::json_type type{};
    if (data.type().get(type) != simdjson::SUCCESS) return false;
    if (type == json::json_type::null) return true;
    content_ = Content::partial;
    json::object fields;
    const auto error = data.get_object().get(fields);
    if (error == simdjson::INCORRECT_TYPE) return true;
    return error == simdjson::SUCCESS && read_object(fields);
  }

 private:
  /// Two rows of one side contradict each other, and which of them is true nobody says.
  [[nodiscard]] bool is_read_already(const domain::PositionRow& row) const noexcept {
    return std::ranges::any_of(out_.positions, [&](const domain::PositionRow& other) {
      return other.side == row.side && other.instrument.symbol == row.instrument.symbol &&
             other.instrument.margin_coin == row.instrument.margin_coin;
    });
  }

  bool read_object(json::object& fields) noexcept {
    switch (lookup_.kind) {
      case LookupKind::venue_time:
        return read_time(fields);
      case LookupKind::account_kind:
        return read_account_kind(fields);
      case LookupKind::account_mode:
        return read_account_mode(fields);
      case LookupKind::order_by_client_oid:
      case LookupKind::order_by_order_id:
        return read_one_order(fields);
      case LookupKind::reversal_history:
        return read_history(fields);
      case LookupKind::fills:
        return read_fills(fields);
      case LookupKind::positions:
      case LookupKind::contracts:
        return true;
    }
    return true;
  }

  static bool read_one_field(json::object& fields, std::string_view wanted, json::Scalar& out) noexcept {
    return json::for_each_field(fields, [&](std::string_view key, json::value content) {
      return key != wanted || json::read_scalar(content, out);
    });
  }

  bool read_time(json::object& fields) noexcept {
    json::Scalar time;
    if (!read_one_field(fields, "serverTime", time)) return false;
    if (const auto server_time = json::to_count(time)) {
      out_.server_venue_ms = *server_time;
      content_ = Content::whole;
    }
    return true;
  }

  /// The words are not documented; those that are known from clients and by analogy. Any other word, or none,
  /// does not say what kind it is, and the configuration holds. The UID may be text or a number, or missing.
  bool read_account_kind(json::object& fields) noexcept {
    json::Scalar kind;
    json::Scalar user_id;
    const bool sound = json::for_each_field(fields, [&](std::string_view key, json::value content) {
      if (key == "traderType") return json::read_scalar(content, kind);
      if (key == "userId") return json::read_scalar(content, user_id);
      return true;
    });
    if (!sound) return false;
    if (user_id.given() && domain::UserId::fits(user_id.text) && is_plain_text(user_id.text)) {
      out_.user_id = domain::UserId(user_id.text);
      content_ = Content::whole;
    }
    for (const std::string_view yes : {"trader", "lead_trader", "true", "1"}) {
      if (kind.text == yes) out_.is_lead_trader = true, content_ = Content::whole;
    }
    for (const std::string_view no : {"not_trader", "normal", "false", "0"}) {
      if (kind.text == no) content_ = Content::whole;
    }
    return true;
  }

  bool read_account_mode(json::object& fields) noexcept {
    json::Scalar mode;
    json::Scalar coin;
    const bool sound = json::for_each_field(fields, [&](std::string_view key, json::value content) {
      if (key == "posMode") return json::read_scalar(content, mode);
      return key != "marginCoin" || json::read_scalar(content, coin);
    });
    if (!sound) return false;
    // The account of another product answers another question.
    const std::string_view asked = view_of(lookup_.instrument.margin_coin);
    if (coin.given() && !is_same_name(coin.text, asked)) return true;
    if (mode.text == "one_way_mode") {
      out_.position_mode = domain::PositionMode::one_way;
      content_ = Content::whole;
    } else if (mode.text == "hedge_mode") {
      out_.position_mode = domain::PositionMode::hedge;
      content_ = Content::whole;
    }
    return true;
  }

  /// An order under another name, or of another symbol, than the one asked for answers another question.
  bool read_one_order(json::object& fields) noexcept {
    domain::OrderRow order;
    bool has_foreign_name = false;
    const RowResult result = read_order(fields, lookup_.instrument.product, order, has_foreign_name);
    if (result != RowResult::read) return result == RowResult::incomplete;
    const bool by_order_id = lookup_.kind == LookupKind::order_by_order_id;
    const bool nameless = order.client_oid.empty() && !has_foreign_name;
    const bool asked_for =
        by_order_id ? order.order_id == lookup_.order_id : nameless || order.client_oid == lookup_.client_oid;
    if (!asked_for || order.instrument.symbol != lookup_.instrument.symbol) return true;
    append(out_.orders, order, out_.truncated);
    content_ = Content::whole;
    return true;
  }

  bool read_history(json::object& fields) noexcept {
    return read_page(fields, "entrustedList", [&](json::object* row) {
      if (row == nullptr) return RowResult::incomplete;
      domain::OrderRow order;
      bool has_foreign_name = false;
      const RowResult result = read_order(*row, lookup_.instrument.product, order, has_foreign_name);
      if (result == RowResult::read) append(out_.orders, order, out_.truncated);
      return result;
    });
  }

  bool read_fills(json::object& fields) noexcept {
    return read_page(fields, "fillList", [&](json::object* row) {
      if (row == nullptr) return RowResult::incomplete;
      domain::FillRow fill;
      const RowResult result = read_fill(*row, fill);
      const bool of_another = !lookup_.order_id.empty() && fill.order_id != lookup_.order_id;
      if (result == RowResult::read && of_another) return RowResult::incomplete;
      if (result == RowResult::read) append(out_.fills, fill, out_.truncated);
      return result;
    });
  }

  /// A page is a list in an object; a list that is null is an empty one, a list that is absent is none.
  template <typename ReadRow>
  bool read_page(json::object& fields, std::string_view list, ReadRow&& read_row) noexcept {
    std::size_t rows = 0;
    Content content = Content::whole;
    bool found = false;
    json::Scalar end;
    const bool sound = json::for_each_field(fields, [&](std::string_view key, json::value value) {
      if (key == "endId") return json::read_scalar(value, end);
      if (key != list) return true;
      found = true;
      return read_rows(value, content, rows, read_row);
    });
    if (!found) return sound;
    if (end.given() && wire::OrderId::fits(end.text) && is_plain_text(end.text))
      out_.end_id = wire::OrderId(end.text);
    // History is walked page by page; the executions of one order are not, so that a full page may be cut.
    const bool may_be_cut = lookup_.kind == LookupKind::fills && rows >= kPageRows;
    if (content == Content::partial || may_be_cut) out_.truncated = true;
    content_ = Content::whole;
    return sound;
  }

  const domain::Lookup& lookup_;
  domain::LookupReply& out_;
  Content content_ = Content::none;
};

bool asks_for_orders(LookupKind kind) noexcept {
  return kind == LookupKind::order_by_client_oid || kind == LookupKind::order_by_order_id;
}

/// What a yes with such data means for such a question.
LookupStatus status_of_success(LookupKind kind, Content content) noexcept {
  if (content == Content::whole) return LookupStatus::ok;
  if (kind == LookupKind::account_kind) return LookupStatus::absent;
  if (content == Content::none && asks_for_orders(kind)) return LookupStatus::not_found;
  return LookupStatus::unavailable;
}

/// What a no means. The HTTP status alone says two things only, as neither can do harm to a question: 429
/// that we ask too often, and 404 that the venue does not answer what kind of account this is.
LookupStatus status_of_refusal(LookupKind kind, int http_status, std::string_view code) noexcept {
  constexpr std::string_view kNoSuchPath = "40404";
  const bool own = http_status >= 200 && http_status < 500;
  if (http_status == 429 || (own && is_rate_limit(code))) return LookupStatus::throttled;
  if (kind == LookupKind::account_kind && (http_status == 404 || (own && code == kNoSuchPath))) {
    return LookupStatus::absent;
  }
  if (!own) return LookupStatus::unavailable;
  const bool of_orders =
      asks_for_orders(kind) || kind == LookupKind::fills || kind == LookupKind::reversal_history;
  if (of_orders && says_no_such_order(code)) return LookupStatus::not_found;
  const CodeClass code_class = class_of(code);
  // Of the lead trader's codes those that are not a throttle say that such an account may not use this API.
  if (code_class == CodeClass::fatal || code_class == CodeClass::lead_trader) return LookupStatus::refused;
  return LookupStatus::unavailable;
}

}  // namespace

domain::ReplyTrace trace_of(int http_status, HeaderLookup headers) noexcept {
  domain::ReplyTrace out;
  out.http_status = http_status;
  out.content_type = printable<32>(headers("content-type"));
  out.content_encoding = printable<16>(headers("content-encoding"));
  return out;
}

bool ClassicDialect::Account::shows_in(std::string_view text) const noexcept {
  // Shorter ones stand in any sentence.
  constexpr std::size_t kShortest = 4;
  const std::string_view lines{head.data(), head_size};
  for (const std::string_view name : {"ACCESS-KEY: ", "ACCESS-PASSPHRASE: "}) {
    const std::size_t at = lines.find(name) + name.size();
    const std::string_view secret = lines.substr(at, lines.find('\r', at) - at);
    if (secret.size() >= kShortest && text.find(secret) != std::string_view::npos) return true;
  }
  return false;
}

std::string_view ClassicDialect::path_of(LookupKind kind) const noexcept { return lookup_path(kind); }

void ClassicDialect::decode_lookup(const domain::Lookup& lookup, int http_status, std::string_view body,
                                   HeaderLookup headers, domain::LookupReply& out) noexcept {
  out.clear();
  json::Envelope envelope;
  DataReader reader(lookup, out);
  const bool readable = json::read_envelope(parser_, body, envelope, reader);
  const std::string_view code =
      readable && envelope.is_the_venues() ? envelope.code.text : std::string_view{};
  const bool success = http_status >= 200 && http_status < 300 && code == kSuccessCode;
  const LookupStatus status = success ? status_of_success(lookup.kind, reader.content())
                                      : status_of_refusal(lookup.kind, http_status, code);
  if (status != LookupStatus::ok) out.clear();
  out.status = status;
  out.remaining_quota = remaining_quota(headers);
  out.trace = trace_of(http_status, headers);
  if (!success && readable && envelope.message.given()) {
    const std::string_view message = envelope.message.text;
    const bool repeats_secret = lookup.account.valid() && account_of(lookup.account).shows_in(message);
    out.trace.message = printable<96>(repeats_secret ? "(not shown: it repeats a credential)" : message);
  }
  if (code.empty()) return;
  out.code = wire::VenueCode(code);
  out.code_class = class_of(code);
  out.venue_ms = envelope.venue_ms();
}

}  // namespace backhand::bitget
