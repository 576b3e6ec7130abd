// What stands beside the journal: locks, raw replies, printing, and the story of one intent.
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/domain/ground.hpp"
#include "gateway/journal/locks.hpp"
#include "gateway/journal/print.hpp"
#include "gateway/journal/raw_replies.hpp"
#include "gateway/journal/reader.hpp"
#include "gateway/journal/segment.hpp"
#include "tests/gateway/journal/journal_fixture.hpp"

namespace backhand::journal {
namespace {

using test::MemoryStorage;
using test::Run;
using test::small_settings;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Locks, ASecondGatewayIsRefusedUntilTheFirstIsGone) {
  MemoryStorage storage;
  {
    const auto first = lock_state_dir(storage, "/state");
    ASSERT_TRUE(first) << first.error().message;
    const auto second = lock_state_dir(storage, "/state");
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().message, AllOf(HasSubstr("another gateway"), HasSubstr("/state")));
    EXPECT_TRUE(lock_state_dir(storage, "/elsewhere"));
  }
  EXPECT_TRUE(lock_state_dir(storage, "/state"));
}

TEST(Locks, OneApiKeyIsUsedByOneGatewayOfTheHost) {
  MemoryStorage storage;
  const auto lock = [&](const std::string& hash, HostLockKind kind = HostLockKind::api_key) {
    return lock_host(storage, {kind, hash, "beta"});
  };
  auto first = lock("9f86d081");
  ASSERT_TRUE(first);
  const auto second = lock("9f86d081");
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, AllOf(HasSubstr("API key"), HasSubstr("\"beta\"")));
  EXPECT_TRUE(lock("60303ae2"));
  EXPECT_TRUE(lock("9f86d081", HostLockKind::uid)) << "a UID is no key";
  EXPECT_FALSE(lock("../../etc/passwd")) << "a hash is no path";
  EXPECT_FALSE(lock(""));
  *first = {};
  EXPECT_TRUE(lock("9f86d081"));
}

TEST(Locks, WhoeverRemovesALockFileFreesNothing) {
  MemoryStorage storage;
  const auto key = lock_host(storage, {HostLockKind::api_key, "9f86d081", "alpha"});
  const auto uid = lock_host(storage, {HostLockKind::uid, "60303ae2", "alpha"});
  const auto state = lock_state_dir(storage, "/state");
  ASSERT_TRUE(key && uid && state);
  for (const std::string& path : storage.paths()) storage.erase(path);
  const auto again = lock_host(storage, {HostLockKind::api_key, "9f86d081", "alpha"});
  ASSERT_FALSE(again) << "a second gateway on the same key, after somebody emptied a directory";
  EXPECT_THAT(again.error().message, HasSubstr("another gateway on this host is using the API key"));
  EXPECT_FALSE(lock_host(storage, {HostLockKind::uid, "60303ae2", "beta"}));
  EXPECT_FALSE(lock_state_dir(storage, "/state")) << "two gateways on one journal";
}

RawReply reply(std::uint64_t sequence, std::string_view body) {
  return {{1'700'000'000, 1, sequence}, 5, 200, false, body, "success", "trace-1"};
}

std::vector<std::string> read_all(MemoryStorage& storage, std::uint64_t expected_damage = 0) {
  std::vector<std::string> bodies;
  const auto damaged = read_raw_replies(storage, "/state", [&](const RawReply& r) {
    bodies.push_back(std::to_string(r.key.sequence) + ' ' + std::string{r.body.substr(0, 20)} +
                     (r.body_cut ? " (cut)" : ""));
  });
  EXPECT_TRUE(damaged);
  EXPECT_EQ(damaged.value_or(99), expected_damage);
  return bodies;
}

TEST(RawReplies, ComeBackAsTheyWere) {
  MemoryStorage storage;
  RawReplies replies{storage, "/state", 1 << 20, 8};
  ASSERT_TRUE(replies.push(reply(1, "{\"code\":\"00000\"}")));
  ASSERT_TRUE(replies.push({{1'700'000'000, 1, 2}, 5, 0, false, {}, {}, {}})) << "no reply came at all";
  ASSERT_TRUE(replies.push(reply(3, std::string(5'000, 'x'))));
  EXPECT_EQ(replies.do_work(), 3U);
  EXPECT_THAT(read_all(storage), ElementsAre("1 {\"code\":\"00000\"}", "2 ", "3 xxxxxxxxxxxxxxxxxxxx (cut)"));
  RawReplies later{storage, "/state", 1 << 20, 8};
  ASSERT_TRUE(later.push(reply(4, "later")));
  EXPECT_EQ(later.do_work(), 1U);
  EXPECT_EQ(read_all(storage).size(), 4U) << "a restart appends, it does not overwrite";
}

TEST(RawReplies, AFullQueueOrDiskLosesRepliesAndCountsThem) {
  MemoryStorage storage;
  RawReplies replies{storage, "/state", 1 << 20, 2};
  EXPECT_TRUE(replies.push(reply(1, "a")));
  EXPECT_TRUE(replies.push(reply(2, "b")));
  EXPECT_FALSE(replies.push(reply(3, "c")));
  EXPECT_EQ(replies.lost(), 1U);
  storage.set_capacity(0);
  EXPECT_EQ(replies.do_work(), 0U);
  EXPECT_EQ(replies.lost(), 3U);
  EXPECT_THAT(replies.trouble(), HasSubstr("No space left"));
  storage.set_capacity(UINT64_MAX);
  EXPECT_TRUE(replies.push(reply(4, "d")));
  EXPECT_EQ(replies.do_work(), 1U);
  EXPECT_EQ(replies.trouble(), "");
  EXPECT_THAT(read_all(storage), ElementsAre("4 d"));
}

TEST(RawReplies, ADamagedOneIsSteppedOver) {
  MemoryStorage storage;
  RawReplies replies{storage, "/state", 1 << 20, 8};
  for (std::uint64_t n = 1; n <= 3; ++n) ASSERT_TRUE(replies.push(reply(n, "body")));
  replies.do_work();
  auto& bytes = storage.bytes("/state/raw_replies.bhr");
  bytes.at(bytes.size() / 3 + 50) ^= std::byte{4};
  EXPECT_THAT(read_all(storage, 1), ElementsAre("1 body", "3 body"));
  bytes.resize(bytes.size() - 5);
  EXPECT_THAT(read_all(storage, 1), ElementsAre("1 body"));
}

TEST(RawReplies, KeepNoMoreThanTheyMay) {
  MemoryStorage storage;
  RawReplies replies{storage, "/state", 20'000, 8};
  for (std::uint64_t n = 1; n <= 100; ++n) {
    ASSERT_TRUE(replies.push(reply(n, std::string(1'000, 'x'))));
    replies.do_work();
  }
  std::uint64_t bytes = 0;
  for (const std::string& path : storage.paths()) bytes += storage.bytes(path).size();
  EXPECT_LE(bytes, 20'000U + 2 * 5'000U);
  EXPECT_THAT(read_all(storage).back(), HasSubstr("100 "));
}

/// A life in which intent 5 waits, is sent, answered, unknown and settled, beside another one.
wire::ClientOid live_one_story(MemoryStorage& storage, const Settings& settings) {
  auto run = Run::start(storage, settings);
  EXPECT_TRUE(run);
  const ReversalKey key{run->open->epoch(), 1, 1};
  const auto append = [&](const Stamp& stamp, const auto& body) {
    EXPECT_EQ(run->append(stamp, body).status, AppendStatus::durable);
  };
  append(run->stamp(1), test::lane_opened());
  append(run->stamp(1), test::taken(5));
  append(run->stamp(1), test::taken(6));
  append(run->stamp(1, 1), test::intended(5));
  append(run->stamp(1, 1), Sent{5, 1, 2, 300, 4, {}});
  run->flush();
  append(run->stamp(1, 1),
         Learned{5, 3, 0, {}, wire::VenueCode{"45001"}, 500, 4, wire::CodeClass::ambiguous, {}});
  append(run->stamp(1, 1), pack_outcome(test::outcome(1, 5, wire::EventKind::unknown, key)));
  append(run->stamp(1, 1), Settled{5,
                                   30,
                                   0,
                                   0,
                                   30,
                                   {},
                                   wire::SettledResult::reversed,
                                   wire::kHasPositions,
                                   1,
                                   static_cast<std::uint8_t>(domain::Ground::leg_and_sibling),
                                   {}});
  append(run->stamp(1, 1), pack_outcome(test::outcome(2, 5, wire::EventKind::settled, key)));
  append(run->stamp(1, 2), test::intended(6));
  RawReplies replies{storage, settings.state_dir, 1 << 20, 8};
  EXPECT_TRUE(
      replies.push({key, test::kRealOffset_ns + 6'500, 500, false, "{\"code\":\"45001\"}", "busy", "t-9"}));
  EXPECT_EQ(replies.do_work(), 1U);
  return render_client_oid(run->open->oid_start(), key);
}

TEST(Reader, TellsTheStoryOfOneIntent) {
  MemoryStorage storage;
  const Settings settings = small_settings();
  const wire::ClientOid oid = live_one_story(storage, settings);
  const auto story = explain(storage, settings, oid.view(), Format::text);
  ASSERT_TRUE(story) << story.error().message;
  EXPECT_THAT(
      *story,
      ElementsAre(HasSubstr(" taken "), HasSubstr(" intended "), HasSubstr(" sent "),
                  AllOf(HasSubstr(" raw_reply "), HasSubstr("trace_id=t-9"), HasSubstr("45001")),
                  AllOf(HasSubstr(" learned "), HasSubstr("code=45001")),
                  AllOf(HasSubstr(" outcome "), HasSubstr("event=unknown")),
                  AllOf(HasSubstr(" settled "), HasSubstr("result=reversed"), HasSubstr("long_before=3"),
                        HasSubstr("ground=leg_and_sibling"), HasSubstr("the other was found beside it")),
                  AllOf(HasSubstr(" outcome "), HasSubstr("event=settled"), HasSubstr("bh-"))));
  for (const std::string& line : *story) {
    EXPECT_THAT(line, Not(HasSubstr("intent=6")));
    if (line.find(" raw_reply ") != std::string::npos) continue;
    EXPECT_THAT(line, HasSubstr("lane=1 strategy=momentum lane_name=main")) << "a number alone names nobody";
  }
  EXPECT_THAT(story->front(), HasSubstr("2023-11-14T22:13:20.0000"));
  const auto json = explain(storage, settings, oid.view(), Format::json);
  ASSERT_TRUE(json);
  EXPECT_THAT(*json, Contains(HasSubstr("\"kind\":\"raw_reply\"")));
  EXPECT_THAT(*json, Contains(AllOf(HasSubstr("\"lane_name\":\"main\""),
                                    HasSubstr("\"ground\":\"leg_and_sibling\""))));
  EXPECT_THAT(*json, Contains(HasSubstr("\"body\":\"{\\\"code\\\":\\\"45001\\\"}\"")));
}

TEST(Reader, SaysWhereItKnowsNothing) {
  MemoryStorage storage;
  const Settings settings = small_settings();
  live_one_story(storage, settings);
  EXPECT_FALSE(explain(storage, settings, "not-ours", Format::text));
  const auto unknown = explain(storage, settings, "bh-0007000000000100100000zz", Format::text);
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message, HasSubstr("knows no"));
}

TEST(Reader, WalksDiskAndHotSegmentAndComplainsOfWhatIsWrong) {
  MemoryStorage storage;
  const Settings settings = small_settings();
  live_one_story(storage, settings);
  std::vector<std::uint64_t> numbers;
  const auto walk = [&] {
    numbers.clear();
    const auto complaints = walk_journal(storage, settings, {}, [&](std::span<const Record> entry) {
      numbers.push_back(entry[0].number);
      EXPECT_FALSE(to_text(entry).empty());
      EXPECT_EQ(to_json(entry).back(), '}');
    });
    EXPECT_TRUE(complaints);
    return complaints.value_or(std::vector<std::string>{});
  };
  EXPECT_THAT(walk(), ElementsAre());
  EXPECT_EQ(numbers.size(), 11U);
  EXPECT_EQ(numbers.front(), 1U);
  storage.bytes("/state/journal-00000001.bhj").at(128 * 6 + 60) ^= std::byte{1};
  EXPECT_THAT(walk(), Contains(HasSubstr("journal-00000001.bhj, offset ")));
}

TEST(Print, NothingOfOutsideBreaksALineOrAString) {
  MemoryStorage storage;
  const std::string body = "a\"b\\c\n\x1b[31m \xe4\xbd\xa0\xe5\xa5\xbd \xff\xc0\x80 end";
  const RawReply hostile{{1, 1, 1}, 5, 200, false, body, {}, {}};
  const std::string text = to_text(hostile);
  const std::string json = to_json(hostile);
  for (const std::string& line : {text, json}) {
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_EQ(line.find('\x1b'), std::string::npos);
    EXPECT_THAT(line, AllOf(HasSubstr("a\\\"b\\\\c\\u000a"), HasSubstr("\xe4\xbd\xa0\xe5\xa5\xbd"),
                            HasSubstr("\\u00ff\\u00c0\\u0080")));
  }
}

}  // namespace
}  // namespace backhand::journal
