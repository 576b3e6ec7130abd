// Runs a Settlement against a FakeVenue in virtual time: look-ups take their way there and back, may be lost
// or refused, and decisions are collected. Only for the tests of order/.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <random>
#include <vector>

#include "gateway/order/settlement.hpp"
#include "tests/gateway/order/fake_venue.hpp"

namespace backhand::order::test {

struct Told {
  Decision decision;
  Ns at = 0;
};

/// The default settings at a venue whose look-ups show everything at once.
inline Settings prompt_settings() {
  Settings settings;
  settings.lookup_lag_ms = 0;
  return settings;
}

class Rig {
 public:
  static constexpr VenueMs kEpoch_ms = 1'700'000'000'000;

  explicit Rig(const Settings& settings_in = prompt_settings(), std::size_t accounts = 2,
               std::size_t positions = 64, std::size_t max_cases = 64)
      : settings(settings_in), settlement(settings_in, accounts, positions, max_cases) {}

  Settings settings;
  FakeVenue venue;
  Settlement settlement;
  Ns now = 0;
  Ns way_ns = 5 * kMillisecond;  ///< One way; a reply is read two of them after the question.
  std::vector<Told> told;
  std::array<int, domain::kLookupKinds> asked{};
  /// What goes wrong with a question: a status instead of the answer, or nothing (lost) by `lose`.
  std::function<std::optional<domain::LookupStatus>(const domain::Lookup&, VenueMs)> spoil;
  std::function<bool(const domain::Lookup&)> lose;
  /// Another venue answers, or null: as it would for another account.
  std::function<const FakeVenue*(const domain::Lookup&)> replace;
  std::function<Ns()> draw_way;
  std::function<void(const Told&)> on_told;

  [[nodiscard]] VenueMs venue_now() const { return at(now); }
  [[nodiscard]] static VenueMs at(Ns when) { return kEpoch_ms + when / kMillisecond; }
  [[nodiscard]] static Ns from_venue(VenueMs when) { return (when - kEpoch_ms) * kMillisecond; }

  void open(const CaseFacts& facts) {
    settlement.open(facts, now);
    collect();
  }

  /// One turn at the next moment at which anything is due, if that is not after `end`.
  bool turn(Ns end) {
    if (settlement.open_cases() == 0) return false;
    Ns next = settlement.next_due();
    for (const Flight& flight : flights_) next = std::min(next, flight.back_at);
    if (next > end) return false;
    now = std::max(now, next);
    land();
    ask();
    collect();
    return true;
  }

  /// Goes on until `end` or until nothing is open any more.
  void run_until(Ns end) {
    while (turn(end)) {
    }
    now = std::max(now, end);
  }

  /// Runs for `seconds` more; returns the decisions told meanwhile.
  std::size_t run_for(double seconds) {
    const std::size_t before = told.size();
    run_until(now + static_cast<Ns>(seconds * 1e9));
    return told.size() - before;
  }

 private:
  struct Flight {
    LookupTicket ticket;
    domain::Lookup lookup;
    VenueMs answered_at = 0;
    Ns back_at = 0;
    bool lost = false;
  };

  void ask() {
    domain::Lookup lookup;
    LookupTicket ticket;
    while (settlement.next_lookup(now, lookup, ticket)) {
      ++asked[static_cast<std::size_t>(lookup.kind)];
      Flight flight;
      flight.ticket = ticket;
      const Ns there = draw_way ? draw_way() : way_ns;
      const Ns back = draw_way ? draw_way() : way_ns;
      flight.back_at = now + there + back;
      flight.lost = lose && lose(lookup);
      flight.lookup = lookup;
      flight.answered_at = at(now + there);
      flights_.push_back(std::move(flight));
    }
  }

  void land() {
    for (std::size_t i = 0; i < flights_.size();) {
      if (flights_[i].back_at > now) {
        ++i;
        continue;
      }
      const Flight flight = std::move(flights_[i]);
      flights_.erase(flights_.begin() + static_cast<std::ptrdiff_t>(i));
      if (flight.lost)
        settlement.on_failed(flight.ticket, now);
      else
        settlement.on_reply(flight.ticket, answer(flight), now);
    }
  }

  domain::LookupReply answer(const Flight& flight) {
    domain::LookupReply reply;
    const FakeVenue* other = replace ? replace(flight.lookup) : nullptr;
    (other != nullptr ? *other : venue).answer(flight.lookup, flight.answered_at, reply);
    const auto status = spoil ? spoil(flight.lookup, flight.answered_at) : std::nullopt;
    if (status) {
      reply.clear();
      reply.status = *status;
      reply.venue_ms = flight.answered_at;
    }
    return reply;
  }

  void collect() {
    Decision decision;
    while (settlement.pop_decision(decision)) {
      told.push_back({decision, now});
      if (on_told) on_told(told.back());
    }
  }

  std::vector<Flight> flights_;
};

}  // namespace backhand::order::test
