#include "gateway/cli/outcome_text.hpp"

#include <array>
#include <cstdio>
#include <string_view>

#include "common/decimal.hpp"
#include "common/json_text.hpp"
#include "common/wire/names.hpp"

namespace backhand::cli {
namespace {

std::string size_text(std::uint64_t digits, std::uint8_t scale) {
  // A scale that the type does not have would make `format` count for ever.
  if (scale > Decimal::kMaxScale) return "?";
  std::array<char, Decimal::kMaxText> text{};
  return {text.data(), Decimal{digits, scale}.format(text.data())};
}

void add_text(JsonObject& to, std::string_view key, std::string_view value) {
  if (!value.empty()) to.text(key, value);
}

/// The word that says more about an event: why it was denied, how it ended, what the venue said.
std::string detail(const wire::Outcome& outcome) {
  switch (outcome.kind) {
    case wire::EventKind::denied:
    case wire::EventKind::disarmed:
      return std::string{wire::to_string(outcome.deny_reason)};
    case wire::EventKind::settled:
      return std::string{wire::to_string(outcome.result)};
    case wire::EventKind::notice:
      return std::string{wire::to_string(outcome.notice)};
    case wire::EventKind::rejected:
    case wire::EventKind::unknown:
    case wire::EventKind::unresolved:
      return outcome.venue_code.empty() ? std::string{wire::to_string(outcome.code_class)}
                                        : "code " + std::string{outcome.venue_code.view()};
    case wire::EventKind::queued:
    case wire::EventKind::sent:
    case wire::EventKind::acked:
    case wire::EventKind::armed:
      return {};
  }
  return "?";
}

std::string positions(const wire::Outcome& outcome) {
  if ((outcome.flags & wire::kHasPositions) == 0) return {};
  const auto pair = [&](std::uint64_t long_size, std::uint64_t short_size) {
    return size_text(long_size, outcome.position_scale) + " long/" +
           size_text(short_size, outcome.position_scale) + " short";
  };
  return pair(outcome.long_before, outcome.short_before) + " -> " +
         pair(outcome.long_after, outcome.short_after);
}

/// Microseconds between two stages with one decimal; "-" where one was not reached.
std::string stage(Ns from_ns, Ns to_ns) {
  if (from_ns == 0 || to_ns == 0) return "-";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", static_cast<double>(to_ns - from_ns) / kMicrosecond);
  return text.data();
}

constexpr const char* kRow = "%10s %6s %-11s %-20s %-16s %-14s %9s %9s %9s %11s %9s %s\n";

std::string row(const char* told, const std::string& id, std::string_view event, const std::string& more,
                std::string_view account, std::string_view symbol, const std::array<std::string, 5>& stages,
                const std::string& rest) {
  std::array<char, 512> text{};
  std::snprintf(text.data(), text.size(), kRow, told, id.c_str(), std::string{event}.c_str(), more.c_str(),
                std::string{account}.c_str(), std::string{symbol}.c_str(), stages[0].c_str(),
                stages[1].c_str(), stages[2].c_str(), stages[3].c_str(), stages[4].c_str(), rest.c_str());
  std::string out{text.data()};
  out.erase(out.find_last_not_of(" \n") + 1);
  return out;
}

}  // namespace

std::string outcome_json(const wire::Outcome& outcome, std::uint32_t line) {
  JsonObject to;
  to.text("event", wire::to_string(outcome.kind)).number("intent_id", outcome.intent_id);
  if (line != 0) to.number("line", line);
  to.flag("terminal", wire::is_terminal(outcome));
  to.number("event_number", outcome.event_number).number("record_number", outcome.record_number);
  if (outcome.kind == wire::EventKind::notice) to.text("notice", wire::to_string(outcome.notice));
  if (outcome.deny_reason != wire::DenyReason::none) {
    to.text("deny_reason", wire::to_string(outcome.deny_reason));
  }
  if (outcome.result != wire::SettledResult::none) to.text("result", wire::to_string(outcome.result));
  if (outcome.code_class != wire::CodeClass::none) to.text("code_class", wire::to_string(outcome.code_class));
  add_text(to, "venue_code", outcome.venue_code.view());
  if (outcome.http_status != 0) to.number("http_status", outcome.http_status);
  add_text(to, "account", outcome.account.view());
  add_text(to, "symbol", outcome.symbol.view());
  if (wire::is_valid(outcome.position_side)) to.text("position", wire::to_string(outcome.position_side));
  add_text(to, "client_oid", outcome.client_oid.view());
  add_text(to, "order_id", outcome.order_id.view());
  add_text(to, "tag", outcome.user_tag.view());
  if (outcome.connection != 0) to.number("connection", outcome.connection);
  if ((outcome.flags & wire::kHasPositions) != 0) {
    to.text("long_before", size_text(outcome.long_before, outcome.position_scale));
    to.text("short_before", size_text(outcome.short_before, outcome.position_scale));
    to.text("long_after", size_text(outcome.long_after, outcome.position_scale));
    to.text("short_after", size_text(outcome.short_after, outcome.position_scale));
  }
  if ((outcome.flags & wire::kForeignChange) != 0) to.flag("foreign_change", true);
  if ((outcome.flags & wire::kReplayed) != 0) to.flag("replayed", true);
  to.number("created_ns", outcome.created_ns).number("taken_ns", outcome.taken_ns);
  to.number("encoded_ns", outcome.encoded_ns).number("written_ns", outcome.written_ns);
  to.number("replied_ns", outcome.replied_ns).number("published_ns", outcome.published_ns);
  to.number("slot_ns", outcome.slot_ns);
  return to.line();
}

std::string outcome_heading() {
  return row("ms", "id", "event", "detail", "account", "symbol",
             {"taken us", "encode us", "write us", "reply us", "told us"}, "position, client oid, order id");
}

std::string outcome_row(const wire::Outcome& outcome, Ns start_ns) {
  std::array<char, 32> told{};
  std::snprintf(told.data(), told.size(), "%.3f",
                static_cast<double>(outcome.published_ns - start_ns) / kMillisecond);
  std::string rest = positions(outcome);
  for (const std::string_view id : {outcome.client_oid.view(), outcome.order_id.view()}) {
    if (!id.empty()) rest += std::string{rest.empty() ? "" : ", "} + std::string{id};
  }
  if ((outcome.flags & wire::kForeignChange) != 0) rest += ", others traded";
  if ((outcome.flags & wire::kReplayed) != 0) rest += ", told again";
  const Ns last_ns = outcome.replied_ns != 0   ? outcome.replied_ns
                     : outcome.written_ns != 0 ? outcome.written_ns
                                               : outcome.taken_ns;
  return row(told.data(), outcome.intent_id == 0 ? "-" : std::to_string(outcome.intent_id),
             wire::to_string(outcome.kind), detail(outcome), outcome.account.view(), outcome.symbol.view(),
             {stage(outcome.created_ns, outcome.taken_ns), stage(outcome.taken_ns, outcome.encoded_ns),
              stage(outcome.encoded_ns, outcome.written_ns), stage(outcome.written_ns, outcome.replied_ns),
              stage(last_ns, outcome.published_ns)},
             rest);
}

}  // namespace backhand::cli
