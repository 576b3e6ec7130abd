// An account's key is replaced by another UID's between two starts, or the names of two accounts are swapped:
// nothing of what was sent on the old UID is told from what look-ups on the new one show.
#include <gtest/gtest.h>

#include "tests/gateway/engine/gateway_world.hpp"

namespace backhand::test {
namespace {

using engine::AccountPhase;
using engine::EngineEvent;
using wire::EventKind;

constexpr AccountIndex kFirst{0};
constexpr AccountIndex kOther{1};

class ReplacedKey : public ::testing::Test {
 protected:
  /// The gateway dies with a reversal of the first account that the venue has executed.
  void die_with_an_open_reversal() {
    world.hears_answers = false;
    ASSERT_TRUE(world.push(0, world.reversal(0, 0)));
    world.pass(20 * kMillisecond);
    ASSERT_EQ(world.trades, 1U);
    world.kill();
    world.hears_answers = true;
  }
  void swap_keys() { std::swap(world.keys[0], world.keys[1]); }
  [[nodiscard]] journal::State recorded() {
    auto recovered = journal::recover(world.storage, world.journal_settings,
                                      (GatewayWorld::kUnixBase_ns + world.now) / kSecond);
    EXPECT_TRUE(recovered.has_value());
    return std::move(recovered->state);
  }
  [[nodiscard]] AccountPhase phase(AccountIndex account) const {
    return world.engine->account(account).phase;
  }

  GatewayWorld world{[] {
    WorldSettings settings;
    settings.accounts = 2;
    return settings;
  }()};
};

TEST_F(ReplacedKey, TheSameUidTellsWhatBecameOfAReversal) {
  world.start();
  die_with_an_open_reversal();
  world.start();
  world.pass(200 * kSecond);
  const auto settled = world.told(0, EventKind::settled);
  ASSERT_EQ(settled.size(), 1U);
  EXPECT_EQ(settled[0].result, wire::SettledResult::reversed);
  EXPECT_EQ(world.count(EngineEvent::uid_changed), 0U);
}

TEST_F(ReplacedKey, AnotherUidTellsNothingAndIsRefused) {
  world.start();
  die_with_an_open_reversal();
  swap_keys();
  world.start();
  world.pass(200 * kSecond);
  EXPECT_TRUE(world.told(0, EventKind::settled).empty()) << "nothing may be told from another UID's look-ups";
  ASSERT_EQ(world.told(0, EventKind::unresolved).size(), 1U);
  EXPECT_EQ(phase(kFirst), AccountPhase::refused);
  EXPECT_EQ(world.engine->account(kFirst).why,
            "its key belongs to another UID than when the gateway last used it; reversals of it are open");
  EXPECT_EQ(phase(kOther), AccountPhase::ready) << "nothing of it is open";
  EXPECT_EQ(world.count(EngineEvent::account_refused), 1U);
  EXPECT_EQ(world.count(EngineEvent::uid_changed), 1U);
}

TEST_F(ReplacedKey, IsRefusedAtEveryStartUntilTheKeyIsBack) {
  world.start();
  die_with_an_open_reversal();
  swap_keys();
  world.start();
  world.pass(10 * kSecond);
  world.kill();
  world.start();
  world.pass(10 * kSecond);
  EXPECT_EQ(phase(kFirst), AccountPhase::refused)
      << "the journal keeps the UID that the reversal was sent on";
  world.kill();
  swap_keys();
  world.start();
  world.pass(200 * kSecond);
  EXPECT_EQ(phase(kFirst), AccountPhase::ready);
  EXPECT_TRUE(world.told(0, EventKind::settled).empty());
  EXPECT_EQ(world.told(0, EventKind::unresolved).size(), 1U);
}

TEST_F(ReplacedKey, IsTakenOnceAnOperatorHasResolvedWhatWasOpen) {
  world.start();
  die_with_an_open_reversal();
  swap_keys();
  world.start();
  world.pass(10 * kSecond);
  ASSERT_TRUE(world.engine->resume_account(kFirst, "too early", world.now));
  world.pass(10 * kSecond);
  EXPECT_EQ(phase(kFirst), AccountPhase::refused);
  const auto unresolved = world.told(0, EventKind::unresolved);
  ASSERT_EQ(unresolved.size(), 1U);
  ASSERT_TRUE(
      world.engine->resolve(unresolved[0].client_oid, wire::SettledResult::reversed, 1, "", world.now));
  ASSERT_TRUE(world.engine->resume_account(kFirst, "resolved", world.now));
  world.pass(10 * kSecond);
  EXPECT_EQ(phase(kFirst), AccountPhase::ready);
  world.kill();
  world.start();
  EXPECT_EQ(phase(kFirst), AccountPhase::ready);
}

TEST_F(ReplacedKey, IsTakenAndRecordedWhereNothingIsOpen) {
  world.start();
  world.kill();
  const journal::State before = recorded();
  ASSERT_EQ(before.uids.size(), 2U);
  for (int i = 0; i < 4; ++i) {
    world.start();
    world.kill();
  }
  EXPECT_EQ(recorded().uids.begin()->second.epoch, before.uids.begin()->second.epoch)
      << "the same UID is not recorded again, and outlives its segment";
  swap_keys();
  world.start();
  EXPECT_EQ(phase(kFirst), AccountPhase::ready);
  EXPECT_EQ(world.count(EngineEvent::uid_changed), 2U);
  world.kill();
  EXPECT_EQ(recorded().uids.begin()->second.body.uid, before.uids.rbegin()->second.body.uid);
}

TEST_F(ReplacedKey, AUidThatIsNotToldAnyMoreIsWaitedForAndProvesNothing) {
  world.start();
  die_with_an_open_reversal();
  swap_keys();
  world.tells_uid = false;
  world.start();
  world.pass(60 * kSecond);
  EXPECT_TRUE(world.told(0, EventKind::unresolved).empty()) << "the venue may tell it soon";
  world.pass(200 * kSecond);
  EXPECT_TRUE(world.told(0, EventKind::settled).empty());
  EXPECT_EQ(world.told(0, EventKind::unresolved).size(), 1U);
  EXPECT_EQ(phase(kFirst), AccountPhase::ready);
  world.kill();
  EXPECT_TRUE(recorded().uids.empty()) << "what is sent from now on may be sent on any UID";
}

TEST_F(ReplacedKey, AUidThatIsToldLateStillTellsWhatBecameOfAReversal) {
  world.start();
  die_with_an_open_reversal();
  world.tells_uid = false;
  world.start();
  world.pass(60 * kSecond);
  world.tells_uid = true;
  world.pass(200 * kSecond);
  ASSERT_EQ(world.told(0, EventKind::settled).size(), 1U);
  EXPECT_EQ(world.told(0, EventKind::settled)[0].result, wire::SettledResult::reversed);
}

TEST_F(ReplacedKey, WithoutAUidInTheJournalAllIsAsItWas) {
  world.tells_uid = false;
  world.start();
  die_with_an_open_reversal();
  ASSERT_TRUE(recorded().uids.empty());
  world.start();
  world.pass(200 * kSecond);
  ASSERT_EQ(world.told(0, EventKind::settled).size(), 1U);
  EXPECT_EQ(world.told(0, EventKind::settled)[0].result, wire::SettledResult::reversed);
}

}  // namespace
}  // namespace backhand::test
