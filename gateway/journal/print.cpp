#include "gateway/journal/print.hpp"

#include <array>
#include <cstdio>
#include <ctime>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/decimal.hpp"
#include "common/wire/names.hpp"
#include "gateway/domain/ground.hpp"
#include "gateway/domain/instrument.hpp"
#include "gateway/domain/reversal.hpp"
#include "gateway/journal/state.hpp"

namespace backhand::journal {
namespace {

std::string_view to_word(domain::Verdict verdict) noexcept {
  switch (verdict) {
    case domain::Verdict::acked:
      return "acked";
    case domain::Verdict::rejected:
      return "rejected";
    case domain::Verdict::throttled:
      return "throttled";
    case domain::Verdict::doubtful_no:
      return "doubtful_no";
    case domain::Verdict::unknown:
      return "unknown";
  }
  return "invalid";
}

std::string_view to_word(CasePhase phase) noexcept {
  switch (phase) {
    case CasePhase::waiting:
      return "waiting";
    case CasePhase::intended:
      return "intended";
    case CasePhase::voided:
      return "voided";
    case CasePhase::sent:
      return "sent";
    case CasePhase::learned:
      return "learned";
    case CasePhase::settled:
      return "settled";
    case CasePhase::unresolved:
      return "unresolved";
  }
  return "invalid";
}

/// What all names of a start begin with.
std::string beginning_of(const OidStart& start) {
  if (start.is_old_style() || !is_oid_start(start)) return std::string{start.prefix.view()};
  const wire::ClientOid oid = render_client_oid(start, {1, 0, 1});
  return std::string{oid.view().substr(0, oid.view().size() - kOidLaneAndSequence)};
}

std::string iso_time(std::int64_t real_ns) {
  const std::time_t seconds = real_ns / kSecond;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text.data() + length, text.size() - length, ".%09lldZ",
                static_cast<long long>(real_ns % kSecond));
  return text.data();
}

std::string decimal(std::uint64_t digits, std::uint8_t scale) {
  // A scale that no writer of ours leaves; shown raw instead of looping over it.
  if (scale > Decimal::kMaxScale) return std::to_string(digits) + "e-" + std::to_string(scale);
  std::array<char, Decimal::kMaxText> text{};
  const std::size_t length = Decimal{digits, scale}.format(text.data());
  return {text.data(), length};
}

/// Names and values in the order in which they are shown; empty texts and zero ids are left out.
class Fields {
 public:
  struct Field {
    std::string_view name;
    std::string value;
    bool quoted;
  };

  void text(std::string_view name, std::string_view value) {
    if (!value.empty()) fields_.push_back({name, std::string{value}, true});
  }
  template <class Number>
  void number(std::string_view name, Number value) {
    fields_.push_back({name, std::to_string(value), false});
  }
  template <class Number>
  void nonzero(std::string_view name, Number value) {
    if (value != 0) number(name, value);
  }
  [[nodiscard]] const std::vector<Field>& all() const noexcept { return fields_; }

 private:
  std::vector<Field> fields_;
};

void add(Fields& out, const Started& body) {
  out.text("program", body.program_version.view());
  out.text("durability", body.durability == 0 ? "process" : "power");
  out.text("names_begin", beginning_of(body.oid_start()));
  out.number("config_hash", body.config_hash);
}
void add(Fields& out, const Stopped& body) { out.number("open_cases", body.open_cases); }
void add(Fields& out, const LaneOpened& body) {
  out.text("strategy", body.strategy.view());
  out.text("name", body.name.view());
}
void add(Fields& out, const Taken& body) {
  out.number("intent", body.intent_id);
  out.text("account", body.account.view());
  out.text("symbol", body.symbol.view());
  out.number("created_ns", body.created_ns);
}
void add(Fields& out, const ShotTaken& body) { add(out, body.taken); }
void add(Fields& out, const Intended& body) {
  out.number("intent", body.intent_id);
  out.nonzero("target", body.target_id);
  out.text("account", body.account.view());
  out.text("symbol", body.symbol.view());
  out.text("margin_coin", body.margin_coin.view());
  if (body.has_size != 0) out.text("size", decimal(body.size_digits, body.size_scale));
  if (body.has_before != 0) {
    out.text("held_long", decimal(body.long_before, body.before_scale));
    out.text("held_short", decimal(body.short_before, body.before_scale));
    out.number("held_venue_ms", body.before_venue_ms);
  }
  out.number("request_venue_ms", body.request_venue_ms);
  out.number("created_ns", body.created_ns);
  out.number("deadline_ns", body.deadline_ns);
  out.nonzero("slot_ns", body.slot_ns);
}
void add(Fields& out, const Voided& body) {
  out.number("intent", body.intent_id);
  out.text("reason", wire::to_string(body.reason));
  out.nonzero("errno", body.error_number);
}
void add(Fields& out, const Sent& body) {
  out.number("intent", body.intent_id);
  out.number("connection", body.connection);
  out.number("bytes", body.bytes);
  out.number("encoded_ns", body.encoded_ns);
  out.number("written_ns", body.written_ns);
}
void add(Fields& out, const Learned& body) {
  out.number("intent", body.intent_id);
  out.text("verdict", to_word(static_cast<domain::Verdict>(body.verdict)));
  out.nonzero("http", body.http_status);
  out.text("code", body.code.view());
  out.text("class", wire::to_string(body.code_class));
  out.text("order_id", body.order_id.view());
  out.nonzero("venue_ms", body.venue_ms);
  out.nonzero("replied_ns", body.replied_ns);
}
template <class Positions>
void add_positions(Fields& out, const Positions& body) {
  if ((body.flags & wire::kHasPositions) != 0) {
    out.text("long_before", decimal(body.long_before, body.position_scale));
    out.text("short_before", decimal(body.short_before, body.position_scale));
    out.text("long_after", decimal(body.long_after, body.position_scale));
    out.text("short_after", decimal(body.short_after, body.position_scale));
  }
  if ((body.flags & wire::kForeignChange) != 0) out.text("foreign_change", "yes");
}
/// What the look-ups showed. Nothing where the record does not say.
void add_ground(Fields& out, std::uint8_t number) {
  const auto ground = static_cast<domain::Ground>(number);
  if (ground == domain::Ground::none) return;
  out.text("ground", domain::words_of(ground).name);
  out.text("evidence", domain::words_of(ground).meaning);
}
void add(Fields& out, const Settled& body) {
  out.number("intent", body.intent_id);
  out.text("result", wire::to_string(body.result));
  add_ground(out, body.ground);
  out.text("order_id", body.order_id.view());
  add_positions(out, body);
}
void add(Fields& out, const wire::Outcome& told, std::uint8_t ground) {
  out.number("intent", told.intent_id);
  out.text("event", wire::to_string(told.kind));
  out.number("record", told.record_number);
  if (told.deny_reason != wire::DenyReason::none) out.text("reason", wire::to_string(told.deny_reason));
  if (told.result != wire::SettledResult::none) out.text("result", wire::to_string(told.result));
  add_ground(out, ground);
  out.text("account", told.account.view());
  out.text("symbol", told.symbol.view());
  out.text("code", told.venue_code.view());
  if (told.code_class != wire::CodeClass::none) out.text("class", wire::to_string(told.code_class));
  out.nonzero("http", told.http_status);
  out.text("order_id", told.order_id.view());
  out.text("client_oid", told.client_oid.view());
  add_positions(out, told);
  out.nonzero("created_ns", told.created_ns);
  out.nonzero("taken_ns", told.taken_ns);
  out.nonzero("encoded_ns", told.encoded_ns);
  out.nonzero("written_ns", told.written_ns);
  out.nonzero("replied_ns", told.replied_ns);
  out.nonzero("published_ns", told.published_ns);
}
void add(Fields& out, const Resolved& body) {
  out.number("intent", body.intent_id);
  out.text("result", wire::to_string(body.result));
  out.number("uid", body.uid);
  out.text("note", body.note.view());
}
template <class Halting>
void add_halting(Fields& out, const Halting& body) {
  out.text("scope", to_string(body.scope));
  out.text("name", body.name.view());
  out.text("reason", body.reason.view());
}
void add(Fields& out, const Halted& body) { add_halting(out, body); }
void add(Fields& out, const Resumed& body) { add_halting(out, body); }
void add(Fields& out, const AccountHalted& body) {
  out.text("account", body.name.view());
  out.text("reason", body.reason.view());
  out.text("code", body.code.view());
  out.text("class", wire::to_string(body.code_class));
}
void add(Fields& out, const LaneMarks& body) {
  out.number("taken_mark", body.taken_mark);
  out.number("last_record", body.last_record_number);
  out.number("noted", body.noted);
}
void add(Fields& out, const LaneNoted& body) { out.number("noted", body.record_number); }
void add(Fields& out, const DayCount& body) {
  out.text("account", body.account.view());
  out.text("symbol", body.symbol.view());
  out.number("unix_day", body.unix_day);
  out.number("count", body.count);
}
void add(Fields& out, const HourCount& body) {
  out.text("account", body.account.view());
  out.text("symbol", body.symbol.view());
  out.number("unix_hour", body.unix_hour);
  out.number("count", body.count);
}
void add(Fields& out, const RunState& body) {
  add(out, started_of(body));
  out.number("epoch", body.epoch);
  out.text("clean_stop", body.clean_stop != 0 ? "yes" : "no");
}
void add(Fields& out, const CheckpointEnd& body) { out.number("records", body.records); }
void add(Fields& out, const CaseState& body) {
  out.number("intent", body.intent_id);
  out.text("phase", to_word(static_cast<CasePhase>(body.phase)));
  out.text("told_unknown", body.told_unknown != 0 ? "yes" : "no");
}
void add(Fields& out, const NameFound& body) {
  out.text("client_oid", body.client_oid.view());
  out.text("account", body.account.view());
  out.number("created_ms", body.created_venue_ms);
}
void add(Fields& out, const AccountUid& body) {
  out.text("account", body.account.view());
  out.text("uid", body.uid.empty() ? "unknown" : body.uid.view());
}
void add(Fields& out, const StartName& body) {
  out.text("names_begin", beginning_of({body.prefix, body.journal_tag, body.random}));
  out.number("last_sequence", body.last_sequence);
  out.text("found", body.found != 0 ? "yes" : "no");
}

template <class Body>
void add_as(Fields& out, std::span<const Record> parts) {
  add(out, body_of<Body>(parts));
}

void add_body(Fields& out, std::span<const Record> parts) {
  switch (parts[0].kind) {
    case Kind::none:
      return;
    case Kind::started:
      return add_as<Started>(out, parts);
    case Kind::stopped:
      return add_as<Stopped>(out, parts);
    case Kind::lane_opened:
      return add_as<LaneOpened>(out, parts);
    case Kind::taken:
      return add_as<Taken>(out, parts);
    case Kind::shot_taken:
      return add_as<ShotTaken>(out, parts);
    case Kind::intended:
      return add_as<Intended>(out, parts);
    case Kind::voided:
      return add_as<Voided>(out, parts);
    case Kind::sent:
      return add_as<Sent>(out, parts);
    case Kind::learned:
      return add_as<Learned>(out, parts);
    case Kind::settled:
      return add_as<Settled>(out, parts);
    case Kind::outcome: {
      const auto body = body_of<OutcomeBody>(parts);
      return add(out, unpack_outcome(body, parts[0].key()), body.ground);
    }
    case Kind::resolved:
      return add_as<Resolved>(out, parts);
    case Kind::halted:
      return add_as<Halted>(out, parts);
    case Kind::resumed:
      return add_as<Resumed>(out, parts);
    case Kind::account_halted:
      return add_as<AccountHalted>(out, parts);
    case Kind::lane_noted:
      return add_as<LaneNoted>(out, parts);
    case Kind::lane_marks:
      return add_as<LaneMarks>(out, parts);
    case Kind::day_count:
      return add_as<DayCount>(out, parts);
    case Kind::run_state:
      return add_as<RunState>(out, parts);
    case Kind::checkpoint_end:
      return add_as<CheckpointEnd>(out, parts);
    case Kind::case_state:
      return add_as<CaseState>(out, parts);
    case Kind::hour_count:
      return add_as<HourCount>(out, parts);
    case Kind::name_found:
      return add_as<NameFound>(out, parts);
    case Kind::start_name:
      return add_as<StartName>(out, parts);
    case Kind::account_uid:
      return add_as<AccountUid>(out, parts);
  }
}

Fields fields_of(std::span<const Record> parts, const LaneOpened* lane) {
  const Record& head = parts[0];
  Fields out;
  out.number("epoch", head.epoch);
  if (lane != nullptr || head.lane != 0 || head.sequence != 0) out.number("lane", head.lane);
  if (lane != nullptr) {
    out.text("strategy", lane->strategy.view());
    out.text("lane_name", lane->name.view());
  }
  if (head.key().valid()) {
    out.number("key_epoch", head.key_epoch);
    out.number("sequence", head.sequence);
  }
  if (wire::is_valid(head.product())) out.text("product", wire::to_string(head.product()));
  if (wire::is_valid(head.position_side())) out.text("position", wire::to_string(head.position_side()));
  add_body(out, parts);
  return out;
}

Fields fields_of(const RawReply& reply) {
  Fields out;
  out.number("key_epoch", reply.key.epoch);
  out.number("lane", reply.key.lane);
  out.number("sequence", reply.key.sequence);
  out.number("http", reply.http_status);
  out.text("trace_id", reply.trace_id);
  out.text("msg", reply.message);
  out.text("body_cut", reply.body_cut ? "yes" : "");
  out.text("body", reply.body);
  return out;
}

/// Bytes of the well-formed, printable UTF-8 sequence beyond ASCII that `text` begins with; 0 where it does
/// not.
std::size_t utf8_length(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t length = byte(0) < 0xC2   ? 0
                             : byte(0) < 0xE0 ? 2
                             : byte(0) < 0xF0 ? 3
                             : byte(0) < 0xF5 ? 4
                                              : 0;
  if (length == 0 || text.size() < length) return 0;
  std::uint32_t point = byte(0) & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
    point = point << 6 | (byte(i) & 0x3FU);
  }
  constexpr std::array<std::uint32_t, 5> kSmallest{0, 0, 0xA0, 0x800, 0x10000};
  const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
  const bool separator = point == 0x2028 || point == 0x2029;
  return point < kSmallest[length] || point > 0x10FFFF || surrogate || separator ? 0 : length;
}

/// Nothing of outside may break a line, a terminal or a JSON string: what is no printable text is escaped.
void append_escaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text[0]);
    std::size_t length = 1;
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text[0];
    } else if (byte >= 0x20 && byte < 0x7F) {
      out += text[0];
    } else if (const std::size_t sequence = utf8_length(text); sequence != 0) {
      out += text.substr(0, sequence);
      length = sequence;
    } else {
      std::array<char, 8> code{};
      std::snprintf(code.data(), code.size(), "\\u%04x", byte);
      out += code.data();
    }
    text.remove_prefix(length);
  }
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text);
  out += '"';
}

std::string text_of(std::string line, const Fields& fields) {
  for (const auto& field : fields.all()) {
    line += ' ';
    line += field.name;
    line += '=';
    const bool plain = !field.value.empty() && field.value.find_first_of(" \"\\=") == std::string::npos;
    if (field.quoted && !plain)
      append_quoted(line, field.value);
    else
      append_escaped(line, field.value);
  }
  return line;
}

std::string json_of(std::string line, const Fields& fields) {
  for (const auto& field : fields.all()) {
    line += ',';
    append_quoted(line, field.name);
    line += ':';
    if (field.quoted)
      append_quoted(line, field.value);
    else
      line += field.value;
  }
  return line + '}';
}

std::string json_head(std::int64_t real_ns, std::string_view kind) {
  return "{\"time\":\"" + iso_time(real_ns) + "\",\"kind\":\"" + std::string{kind} + '"';
}

}  // namespace

std::string to_text(std::span<const Record> parts, const LaneOpened* lane) {
  const Record& head = parts[0];
  return text_of(
      iso_time(head.real_ns) + " #" + std::to_string(head.number) + ' ' + std::string{to_string(head.kind)},
      fields_of(parts, lane));
}

std::string to_json(std::span<const Record> parts, const LaneOpened* lane) {
  const Record& head = parts[0];
  return json_of(json_head(head.real_ns, to_string(head.kind)) + ",\"number\":" +
                     std::to_string(head.number) + ",\"mono_ns\":" + std::to_string(head.mono_ns),
                 fields_of(parts, lane));
}

std::string to_text(const RawReply& reply) {
  return text_of(iso_time(reply.real_ns) + " raw_reply", fields_of(reply));
}

std::string to_json(const RawReply& reply) {
  return json_of(json_head(reply.real_ns, "raw_reply"), fields_of(reply));
}

}  // namespace backhand::journal
