#include "tests/gateway/journal/state_compare.hpp"

#include <cstring>
#include <sstream>

namespace backhand::test {
namespace {

template <class Value>
std::string hex(const Value& value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  const auto* bytes = reinterpret_cast<const unsigned char*>(&value);
  for (std::size_t i = 0; i < sizeof(value); ++i) {
    out += kDigits[bytes[i] >> 4];
    out += kDigits[bytes[i] & 15];
  }
  return out;
}

template <class Body>
std::string hex(const std::optional<journal::Dated<Body>>& dated) {
  if (!dated) return "-";
  std::ostringstream out;
  out << dated->real_ns << '/' << dated->mono_ns << '/' << dated->epoch << '/' << hex(dated->body);
  return out.str();
}

}  // namespace

std::string describe(const journal::State& state, bool with_start) {
  std::ostringstream out;
  if (with_start)
    out << "epoch " << state.epoch << " clean " << state.clean_stop << " start " << hex(state.last_start)
        << '\n';
  for (const auto& [number, lane] : state.lanes) {
    out << "lane " << number << '=' << lane.lane << ' ' << lane.strategy.view() << '/' << lane.name.view()
        << " taken " << lane.taken_mark << " told " << lane.last_record_number << " noted " << lane.noted
        << '\n';
    for (const auto& stored : lane.outcomes)
      out << "  outcome " << stored.real_ns << '/' << stored.mono_ns << '/' << stored.epoch << ' '
          << stored.key.epoch << '.' << stored.key.lane << '.' << stored.key.sequence << ' '
          << static_cast<int>(stored.product) << ' ' << hex(stored.outcome) << '\n';
  }
  for (const auto& [id, open] : state.cases) {
    out << "case " << id.first << '.' << id.second << " phase " << static_cast<int>(open.phase) << " key "
        << open.key.epoch << '.' << open.key.lane << '.' << open.key.sequence << ' '
        << static_cast<int>(open.product) << static_cast<int>(open.position_side) << ' ' << open.intent_id
        << ' ' << open.is_shot << open.told_unknown << ' ' << open.oid_start.prefix.view() << "\n  "
        << hex(open.taken) << "\n  " << hex(open.intended) << "\n  " << hex(open.voided) << "\n  "
        << hex(open.sent) << "\n  " << hex(open.learned) << "\n  " << hex(open.settled) << "\n  "
        << hex(open.resolved) << '\n';
  }
  for (const auto& halt : state.halts)
    out << "halt " << static_cast<int>(halt.scope) << ' ' << halt.name.view() << ' ' << halt.reason << ' '
        << halt.by_venue << ' ' << halt.code.view() << ' ' << static_cast<int>(halt.code_class) << ' '
        << halt.real_ns << '/' << halt.mono_ns << '/' << halt.epoch << '\n';
  for (const auto& [account, told] : state.uids)
    out << "uid " << account.view() << ' ' << told.body.account.view() << ' ' << told.body.uid.view() << ' '
        << told.real_ns << '/' << told.mono_ns << '/' << told.epoch << '\n';
  for (const auto& [key, count] : state.hour_counts)
    out << "hour " << key.unix_hour << ' ' << static_cast<int>(key.product) << ' ' << key.account.view()
        << ' ' << key.symbol.view() << ' ' << count << '\n';
  return out.str();
}

std::string first_difference(const std::string& got, const std::string& wanted) {
  std::istringstream left{got};
  std::istringstream right{wanted};
  std::string a;
  std::string b;
  do {
    if (!std::getline(left, a)) a = "(end)";
    if (!std::getline(right, b)) b = "(end)";
  } while (a == b && a != "(end)");
  return "got    " + a.substr(0, 400) + "\nwanted " + b.substr(0, 400);
}

}  // namespace backhand::test
