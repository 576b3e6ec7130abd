#include "gateway/ingress/admission.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace backhand::ingress {
namespace {

using testing::HasSubstr;
using wire::AttachStatus;

const std::vector<StrategyAccess> kStrategies = {{"own", {}}, {"shared", {1'000, 1'001}}};

wire::AttachRequest good(const char* strategy = "shared") {
  return {.magic = wire::kAttachMagic,
          .abi_version = wire::kAbiVersion,
          .layout_version = wire::kLayoutVersion,
          .strategy = wire::StrategyName(strategy),
          .lane = wire::LaneName("main"),
          .cursor = 0};
}

TEST(Admission, LetsConfiguredUsersIn) {
  EXPECT_EQ(admit(good(), 1'001, kStrategies)->value, 1U);
  EXPECT_EQ(admit(good("own"), ::geteuid(), kStrategies)->value, 0U);
}

TEST(Admission, RefusesEachThingByItsName) {
  struct Case {
    const char* what;
    void (*spoil)(wire::AttachRequest&);
    AttachStatus status;
    const char* words;
  };
  const Case cases[] = {
      {"magic", [](wire::AttachRequest& r) { ++r.magic; }, AttachStatus::bad_request,
       "not an attach request"},
      {"abi", [](wire::AttachRequest& r) { r.abi_version = 99; }, AttachStatus::wrong_abi, "ABI version 99"},
      {"layout", [](wire::AttachRequest& r) { r.layout_version = 7; }, AttachStatus::wrong_layout,
       "layout 7"},
      {"no strategy", [](wire::AttachRequest& r) { r.strategy = {}; }, AttachStatus::bad_request,
       "need a name"},
      {"no lane", [](wire::AttachRequest& r) { r.lane = {}; }, AttachStatus::bad_request, "need a name"},
      {"padding", [](wire::AttachRequest& r) { r.lane.bytes[20] = 'x'; }, AttachStatus::bad_request,
       "need a name"},
      {"unknown", [](wire::AttachRequest& r) { r.strategy = wire::StrategyName("nobody"); },
       AttachStatus::unknown_strategy, "\"nobody\" is not in the gateway's configuration"},
      {"user", [](wire::AttachRequest& r) { r.strategy = wire::StrategyName("own"); },
       AttachStatus::wrong_user, "user 1001 may not attach as strategy \"own\""},
  };
  if (::geteuid() == 1'001) GTEST_SKIP() << "this user is the wrong user here";
  for (const Case& one : cases) {
    wire::AttachRequest request = good();
    one.spoil(request);
    const auto admitted = admit(request, 1'001, kStrategies);
    ASSERT_FALSE(admitted.has_value()) << one.what;
    EXPECT_EQ(admitted.error().status, one.status) << one.what;
    EXPECT_THAT(admitted.error().message, HasSubstr(one.words)) << one.what;
  }
}

TEST(Admission, EvenRootNeedsToBeNamed) {
  const auto admitted = admit(good(), 0, kStrategies);
  ASSERT_FALSE(admitted.has_value());
  EXPECT_EQ(admitted.error().status, AttachStatus::wrong_user);
}

}  // namespace
}  // namespace backhand::ingress
