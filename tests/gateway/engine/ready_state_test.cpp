// Ready is a state that comes and goes, for the gateway and for each account.
#include <algorithm>

#include <gtest/gtest.h>

#include "tests/gateway/engine/gateway_world.hpp"

namespace backhand::test {
namespace {

using engine::EngineEvent;

/// The last notice of this kind; account empty: of the whole gateway.
const wire::Outcome* last_notice(const GatewayWorld& world, wire::NoticeKind kind, std::string_view account) {
  const wire::Outcome* found = nullptr;
  for (const wire::Outcome& out : world.offered) {
    if (out.kind == wire::EventKind::notice && out.notice == kind && out.account.view() == account)
      found = &out;
  }
  return found;
}

TEST(ReadyState, GoesWithTheLastConnectionAndComesBack) {
  GatewayWorld world{{}};
  world.start();
  ASSERT_TRUE(world.engine->ready());
  const Ns lost_at = world.now;
  world.engine->on_pool_changed(0, 2, "connection refused");
  world.pass(2 * kSecond);
  EXPECT_FALSE(world.engine->ready());
  EXPECT_STREQ(world.engine->waits().what, "no connection is warm");
  EXPECT_LE(world.engine->waits().since_ns - lost_at, 10 * kMillisecond)
      << "since it began, not since it was told";
  EXPECT_EQ(world.count(EngineEvent::not_ready), 1U);
  const wire::Outcome* told = last_notice(world, wire::NoticeKind::not_ready, "");
  ASSERT_NE(told, nullptr);
  EXPECT_EQ(told->deny_reason, wire::DenyReason::no_connection);
  world.offered.clear();
  world.engine->on_pool_changed(2, 2, "");
  world.pass(10 * kMillisecond);
  EXPECT_TRUE(world.engine->ready());
  EXPECT_NE(last_notice(world, wire::NoticeKind::ready, ""), nullptr);
}

TEST(ReadyState, AConnectionMadeAnewIsNotWorthANotice) {
  GatewayWorld world{{}};
  world.start();
  for (int i = 0; i < 5; ++i) {
    world.engine->on_pool_changed(0, 2, "closed");
    world.pass(600 * kMillisecond);
    world.engine->on_pool_changed(2, 2, "");
    world.pass(600 * kMillisecond);
  }
  EXPECT_EQ(world.count(EngineEvent::not_ready), 0U);
  EXPECT_TRUE(world.engine->ready());
}

TEST(ReadyState, AnAccountWhosePositionsAreOldIsNotReady) {
  GatewayWorld world{{}};
  world.start();
  world.answers = false;
  world.pass(9 * kSecond);
  EXPECT_EQ(world.count(EngineEvent::account_not_ready), 1U);
  EXPECT_FALSE(world.engine->ready()) << "the only account";
  const std::string name = world.config.accounts[0].name;
  const wire::Outcome* told = last_notice(world, wire::NoticeKind::not_ready, name);
  ASSERT_NE(told, nullptr);
  EXPECT_EQ(told->deny_reason, wire::DenyReason::position_stale);
  world.answers = true;
  world.pass(30 * kSecond);
  EXPECT_TRUE(world.engine->ready());
  EXPECT_NE(last_notice(world, wire::NoticeKind::ready, name), nullptr);
  EXPECT_EQ(world.count(EngineEvent::account_ready), 2U);
}

TEST(ReadyState, AHaltedAccountIsNotReadyButTheGatewayIs) {
  GatewayWorld world{{}};
  world.start();
  (void)world.engine->halt_account(AccountIndex{0}, "test", world.now);
  world.pass(3 * kSecond);
  EXPECT_FALSE(world.engine->account(AccountIndex{0}).serves);
  EXPECT_EQ(world.engine->account(AccountIndex{0}).waits_for, "halted by the operator");
  EXPECT_TRUE(world.engine->ready());
  world.kill();
  world.offered.clear();
  world.start();
  EXPECT_EQ(last_notice(world, wire::NoticeKind::ready, world.config.accounts[0].name), nullptr);
  EXPECT_TRUE(world.engine->ready()) << "a halt must not keep a start from becoming ready";
  EXPECT_TRUE(world.engine->resume_account(AccountIndex{0}, "test", world.now));
  world.pass(3 * kSecond);
  EXPECT_TRUE(world.engine->account(AccountIndex{0}).serves);
}

}  // namespace
}  // namespace backhand::test
