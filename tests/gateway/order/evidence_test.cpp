// The pure judgement: the order in which evidence comes must not matter, and answers that are no proof must
// not count.
#include "gateway/order/evidence.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "gateway/order/legs.hpp"
#include "tests/gateway/order/fake_venue.hpp"

namespace backhand::order::test {
namespace {

constexpr VenueMs kSent = 1'700'000'000'000;

CaseFacts facts() {
  CaseFacts out;
  out.instrument = instrument();
  out.client_oid = wire::ClientOid{"bh-1"};
  out.signed_venue_ms = kSent;
  out.before = {units(5), {}, kSent - 100};
  return out;
}

domain::OrderRow row(const char* id, VenueMs created, const char* name = "") {
  domain::OrderRow out;
  out.order_id = wire::OrderId{id};
  out.client_oid = wire::ClientOid{name};
  out.instrument = instrument();
  out.state = domain::OrderState::filled;
  out.from_reversal = true;
  out.size = out.filled = units(5);
  out.created_venue_ms = kSent + created;
  out.updated_venue_ms = kSent + created + 10;
  return out;
}

TEST(Confirmation, NeedsTwoAnswersFarEnoughApartByTheVenuesClock) {
  const Settings settings;
  Confirmation seen;
  seen.note(0, 0);
  seen.note(999, 1'000);
  EXPECT_FALSE(seen.begun()) << "without a time, or before the fuse has burnt";
  seen.note(1'000, 1'000);
  EXPECT_FALSE(seen.done(settings)) << "once is not enough";
  seen.note(2'999, 1'000);
  EXPECT_FALSE(seen.done(settings));
  seen.note(3'000, 1'000);
  EXPECT_TRUE(seen.done(settings));
}

TEST(Fuse, IsSetByTheTimestampOrByTheVenuesNo) {
  const Settings settings;
  CaseFacts f = facts();
  EXPECT_EQ(burnt_venue_ms(f, settings), kSent + 40'000);
  f.answer = Answer::acked;
  EXPECT_EQ(burnt_venue_ms(f, settings), kSent + 40'000);
  f.answer = Answer::doubtful_no;
  EXPECT_EQ(burnt_venue_ms(f, settings), kSent + 40'000) << "a no without a time does not shorten it";
  f.answered_venue_ms = kSent + 50;
  EXPECT_EQ(burnt_venue_ms(f, settings), kSent + 10'050);
}

TEST(Evidence, TheOrderOfArrivalDoesNotMatter) {
  const Settings settings;
  std::mt19937 random(5);
  domain::OrderRow live = row("2", 30);
  live.state = domain::OrderState::live;
  live.filled = {};
  live.updated_venue_ms = live.created_venue_ms;
  domain::OrderRow partial = live;
  partial.state = domain::OrderState::partly_filled;
  partial.filled = units(2);
  partial.updated_venue_ms += 3;
  std::vector<domain::OrderRow> rows{row("1", 14, "bh-1"), row("1", 14), live, partial, row("2", 30)};
  for (int round = 0; round < 200; ++round) {
    std::shuffle(rows.begin(), rows.end(), random);
    CaseEvidence evidence = begin_case(facts(), settings);
    for (const auto& each : rows) take_row(evidence, each, settings);
    take_position(evidence, {{}, units(5), kSent + 100}, settings);
    take_position(evidence, {units(5), {}, kSent + 20}, settings);
    const Finding finding = weigh(evidence, settings);
    ASSERT_TRUE(finding.proven);
    EXPECT_EQ(finding.result, wire::SettledResult::reversed);
    EXPECT_EQ(evidence.row_count, 2);
  }
}

TEST(Evidence, RowsThatCannotBeOursAreNotKept) {
  const Settings settings;
  CaseEvidence evidence = begin_case(facts(), settings);
  domain::OrderRow elsewhere = row("1", 14, "bh-1");
  elsewhere.instrument = instrument("BTCUSDT");
  EXPECT_FALSE(take_row(evidence, elsewhere, settings));
  domain::OrderRow other_coin = row("1", 14, "bh-1");
  other_coin.instrument.margin_coin = wire::CoinName{"USDC"};
  EXPECT_FALSE(take_row(evidence, other_coin, settings));
  EXPECT_FALSE(take_row(evidence, row("1", -51), settings)) << "older than the request";
  EXPECT_FALSE(take_row(evidence, row("1", 40'051), settings)) << "later than anything of this request";
  domain::OrderRow plain = row("1", 14);
  plain.from_reversal = false;
  EXPECT_FALSE(take_row(evidence, plain, settings)) << "no reversal, and not our name";
  EXPECT_EQ(evidence.row_count, 0);
  EXPECT_TRUE(take_row(evidence, row("2", -20'000, "bh-1"), settings)) << "our name needs no time";
  domain::OrderRow no_coin = row("1", 14, "bh-1");
  no_coin.instrument.margin_coin = {};
  EXPECT_TRUE(take_row(evidence, no_coin, settings));
}

TEST(Evidence, AReadFromBeforeTheLegsDoesNotShowThem) {
  const Settings settings;
  CaseEvidence evidence = begin_case(facts(), settings);
  take_row(evidence, row("1", 100, "bh-1"), settings);
  take_row(evidence, row("2", 106, "bh-1"), settings);
  take_position(evidence, {{}, units(5), kSent + 65}, settings);
  EXPECT_TRUE(weigh(evidence, settings).lacks_position) << "another trader's doing, or a coincidence";
  take_position(evidence, {{}, units(5), kSent + 66}, settings);
  EXPECT_FALSE(weigh(evidence, settings).lacks_position) << "the clock of positions may be 50 ms behind";
}

TEST(Evidence, AReadThatDoesNotShowTheEffectMustBeLaterThanClocksDiffer) {
  const Settings settings;
  CaseEvidence evidence = begin_case(facts(), settings);
  take_row(evidence, row("1", 14, "bh-1"), settings);
  take_row(evidence, row("2", 20, "bh-1"), settings);
  take_position(evidence, {units(5), {}, kSent + 79}, settings);
  EXPECT_FALSE(weigh(evidence, settings).foreign_change) << "its clock may be ahead: from before the legs";
  take_position(evidence, {units(5), {}, kSent + 20'079}, settings);
  EXPECT_FALSE(weigh(evidence, settings).foreign_change) << "it may lag";
  EXPECT_TRUE(weigh(evidence, settings).lacks_position);
  take_position(evidence, {units(5), {}, kSent + 20'080}, settings);
  EXPECT_TRUE(weigh(evidence, settings).foreign_change);
}

TEST(Evidence, NothingIsToldThatThePositionsContradict) {
  const Settings settings;
  CaseEvidence evidence = begin_case(facts(), settings);
  const domain::PositionSnapshot turned{{}, units(5), kSent + 20'000};
  const domain::PositionSnapshot flat{{}, {}, kSent + 20'000};
  Finding finding;
  finding.proven = true;
  finding.closed = units(5);
  finding.result = wire::SettledResult::closed_only;
  finding.foreign_change = true;
  EXPECT_TRUE(contradicts(evidence, finding, turned)) << "whatever others are said to have done";
  EXPECT_FALSE(contradicts(evidence, finding, flat));
  finding.foreign_change = false;
  EXPECT_FALSE(contradicts(evidence, finding, flat));
  finding.opened = units(5);
  EXPECT_TRUE(contradicts(evidence, finding, turned)) << "the sizes are those of another result";
  finding.result = wire::SettledResult::reversed;
  EXPECT_FALSE(contradicts(evidence, finding, turned));
  EXPECT_TRUE(contradicts(evidence, finding, flat)) << "without foreign_change the position must be exact";
  finding.foreign_change = true;
  EXPECT_FALSE(contradicts(evidence, finding, flat)) << "a stop after the reversal";
}

TEST(Evidence, EveryNewRowStartsTheCountAgain) {
  const Settings settings;
  CaseEvidence evidence = begin_case(facts(), settings);
  for (Confirmation* seen : {&evidence.history, &evidence.client_oid_absent, &evidence.order_id_absent})
    seen->note(kSent + 50'000, kSent);
  take_row(evidence, row("1", 30'000), settings);
  EXPECT_FALSE(evidence.history.begun() || evidence.client_oid_absent.begun() ||
               evidence.order_id_absent.begun());
  evidence.history.note(kSent + 50'000, kSent);
  EXPECT_FALSE(take_row(evidence, row("1", 30'000), settings));
  EXPECT_TRUE(evidence.history.begun()) << "the same row again is nothing new";
}

TEST(Evidence, AFinishedOrderNeverBecomesLiveAgain) {
  const Settings settings;
  CaseEvidence evidence = begin_case(facts(), settings);
  take_row(evidence, row("1", 14, "bh-1"), settings);
  domain::OrderRow odd = row("1", 14, "bh-1");
  odd.state = domain::OrderState::live;
  odd.filled = units(1);
  odd.updated_venue_ms += 500;
  EXPECT_FALSE(take_row(evidence, odd, settings)) << "whatever time it names";
  EXPECT_TRUE(is_final(evidence.rows[0]));
  EXPECT_EQ(evidence.rows[0].filled, units(5));
}

TEST(Evidence, OurRowFindsRoomAmongManyOthers) {
  const Settings settings;
  CaseEvidence evidence = begin_case(facts(), settings);
  for (int i = 0; i < 20; ++i) take_row(evidence, row(std::to_string(i + 50).c_str(), 100 + i), settings);
  EXPECT_TRUE(evidence.overflow);
  EXPECT_TRUE(take_row(evidence, row("1", 14, "bh-1"), settings));
  EXPECT_TRUE(take_row(evidence, row("2", 20, "bh-1"), settings));
  EXPECT_EQ(attribute(evidence, settings).ours, 2);
}

TEST(Evidence, UnstatedLegsAtOneMillisecondAreToldByWhatTheyExecuted) {
  const Settings settings;
  CaseEvidence evidence = begin_case(facts(), settings);
  domain::OrderRow opened = row("1", 14, "bh-1");
  opened.filled = units(2);
  opened.state = domain::OrderState::canceled;
  take_row(evidence, opened, settings);
  take_row(evidence, row("2", 14, "bh-1"), settings);
  const Legs legs = attribute(evidence, settings);
  ASSERT_TRUE(legs.close != nullptr && legs.open != nullptr);
  EXPECT_EQ(legs.close->filled, units(5)) << "an opening leg never exceeds what was closed";
}

TEST(Evidence, APositionsAnswerThatIsNoProofGivesNoSnapshot) {
  domain::LookupReply reply;
  reply.status = domain::LookupStatus::ok;
  reply.venue_ms = kSent;
  reply.positions.push_back({instrument("BTCUSDT"), domain::PositionSide::long_side, units(7)});
  const auto flat = snapshot_of(reply, instrument());
  ASSERT_TRUE(flat.has_value()) << "no row is a flat position";
  EXPECT_TRUE(flat->long_size.is_zero() && flat->short_size.is_zero());
  EXPECT_EQ(snapshot_of(reply, instrument("BTCUSDT"))->long_size, units(7));
  reply.truncated = true;
  EXPECT_FALSE(snapshot_of(reply, instrument()).has_value());
  reply.truncated = false;
  reply.venue_ms = 0;
  EXPECT_FALSE(snapshot_of(reply, instrument()).has_value());
  reply.venue_ms = kSent;
  reply.status = domain::LookupStatus::unavailable;
  EXPECT_FALSE(snapshot_of(reply, instrument()).has_value());
}

}  // namespace
}  // namespace backhand::order::test
