// A one-position scene for the scenario tests: says in a line what was held, what was executed when, and what
// the gateway knew.
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "tests/gateway/order/rig.hpp"

namespace backhand::order {

inline std::ostream& operator<<(std::ostream& out, const Decision& decision) {
  out << (decision.unresolved ? "unresolved" : "settled") << " result " << static_cast<int>(decision.result)
      << " by " << to_string(decision.ground) << (decision.foreign_change ? " foreign_change" : "");
  return out;
}

}  // namespace backhand::order

namespace backhand::order::test {

using domain::LegRole;
using domain::OrderState;
using domain::PositionMode;
using domain::PositionSide;
using wire::SettledResult;

class Scene : public testing::Test {
 protected:
  Rig rig;
  CaseFacts facts;
  PositionMode mode = PositionMode::one_way;
  VenueMs sent_ms = Rig::kEpoch_ms + 1'000;  ///< When the request went, on the venue's clock.
  int next_order = 100;
  std::uint64_t next_trade = 900'000;

  void SetUp() override { hold(5); }

  /// Held long before all else.
  void hold(std::int64_t longs, std::int64_t shorts = 0) {
    rig.venue.changes.clear();
    rig.venue.changes.push_back({instrument(), 0, longs, shorts});
  }
  void trade(VenueMs after_ms, std::int64_t longs, std::int64_t shorts) {
    rig.venue.changes.push_back({instrument(), sent_ms + after_ms, longs, shorts, next_trade++});
  }

  /// A leg created `created` and done `done` ms after the request went. Returns it for further dressing.
  FakeOrder& leg(LegRole role, VenueMs created, VenueMs done, std::int64_t size, std::int64_t filled,
                 const std::string& name, bool moves = true) {
    FakeOrder order;
    order.row.order_id = wire::OrderId{std::to_string(next_order++)};
    order.row.client_oid = wire::ClientOid{name};
    order.row.instrument = instrument();
    order.row.state = filled == size ? OrderState::filled : OrderState::canceled;
    order.row.from_reversal = true;
    order.row.size = units(size);
    order.row.filled = units(filled);
    order.row.created_venue_ms = sent_ms + created;
    order.row.updated_venue_ms = sent_ms + done;
    if (mode == PositionMode::hedge) {
      order.row.role = role;
      order.row.has_position_side = true;
      order.row.position_side = role == LegRole::close ? PositionSide::long_side : PositionSide::short_side;
    }
    if (moves)
      rig.venue.changes.push_back({instrument(), sent_ms + done, role == LegRole::close ? -filled : 0,
                                   role == LegRole::close ? 0 : filled});
    rig.venue.orders.push_back(order);
    return rig.venue.orders.back();
  }
  FakeOrder& close_leg(VenueMs created, VenueMs done, std::int64_t filled, const std::string& name = "bh-1") {
    return leg(LegRole::close, created, done, filled, filled, name);
  }
  FakeOrder& open_leg(VenueMs created, VenueMs done, std::int64_t filled, const std::string& name = "bh-1") {
    return leg(LegRole::open, created, done, filled, filled, name);
  }

  void know(Answer answer, const std::string& order_id = "") {
    facts = {};
    facts.case_id = 9;
    facts.account = AccountIndex{1};
    facts.position = PositionIndex{3};
    facts.instrument = instrument();
    facts.mode = mode;
    facts.client_oid = wire::ClientOid{"bh-1"};
    facts.order_id = wire::OrderId{order_id};
    facts.signed_venue_ms = sent_ms - 20;
    facts.written_venue_ms = sent_ms - 5;
    facts.answer = answer;
    facts.answered_venue_ms = answer == Answer::none ? 0 : sent_ms + 2;
    facts.before = rig.venue.holding(instrument(), sent_ms - 500);
  }
  /// The case is opened `after_ms` after the request went.
  void open(Answer answer, VenueMs after_ms = 10, const std::string& order_id = "") {
    know(answer, order_id);
    open_known(after_ms);
  }
  void open_known(VenueMs after_ms = 10) {
    rig.now = std::max(rig.now, Rig::from_venue(sent_ms + after_ms));
    rig.open(facts);
  }

  /// Seconds since the request went.
  [[nodiscard]] double since_sent(Ns when) const {
    return static_cast<double>(when - Rig::from_venue(sent_ms)) / 1e9;
  }
  /// Runs on and expects exactly one decision, between the two times (seconds since the request went).
  const Decision& decision(double not_before, double not_after) {
    rig.run_until(Rig::from_venue(sent_ms) + static_cast<Ns>(not_after * 1e9));
    if (rig.told.empty()) {
      ADD_FAILURE() << "no decision within " << not_after << " s";
      static const Decision kNone;
      return kNone;
    }
    EXPECT_EQ(rig.told.size(), 1U);
    EXPECT_GE(since_sent(rig.told[0].at), not_before) << rig.told[0].decision;
    return rig.told[0].decision;
  }
  static void expect(const Decision& decision, SettledResult result, Ground ground, bool foreign = false) {
    EXPECT_FALSE(decision.unresolved) << decision;
    EXPECT_EQ(decision.result, result) << decision;
    EXPECT_EQ(to_string(decision.ground), to_string(ground)) << decision;
    EXPECT_EQ(decision.foreign_change, foreign) << decision;
  }
  static void expect_unresolved(const Decision& decision, Ground ground) {
    EXPECT_TRUE(decision.unresolved) << decision;
    EXPECT_EQ(decision.result, SettledResult::none) << decision;
    EXPECT_EQ(to_string(decision.ground), to_string(ground)) << decision;
  }
};

/// Fuse, grace and second look with the default settings, in seconds since the request went.
inline constexpr double kBurnt_s = 41.9;
inline constexpr double kPatience_s = 170;

}  // namespace backhand::order::test
