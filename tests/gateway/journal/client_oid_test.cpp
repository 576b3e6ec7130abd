#include "gateway/journal/client_oid.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace backhand::journal {
namespace {

OidStart start_of(std::string_view prefix, std::uint32_t tag, std::uint64_t random) {
  return {FixedString<8>{prefix}, tag, random};
}

TEST(ClientOid, KeepsOneLengthAndReadsBack) {
  const ReversalKey keys[] = {{1, 0, 1}, {1'700'000'000, 7, 42}, {UINT32_MAX, 4'095, kMaxSequence - 1}};
  for (const std::string prefix : {"b", "bh", "a-_9Zz", "------"}) {
    for (const OidStart& start :
         {start_of(prefix, 0, 1), start_of(prefix, 1'679'615, 3'656'158'440'062'975)}) {
      for (const ReversalKey key : keys) {
        const wire::ClientOid oid = render_client_oid(start, key);
        EXPECT_EQ(oid.view().size(), prefix.size() + kOidTail);
        EXPECT_LT(oid.view().size(), 32U) << "no room for a leg";
        EXPECT_TRUE(std::ranges::all_of(oid.view(), [](char c) {
          return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
                 c == '-';
        })) << oid.view();
        EXPECT_TRUE(std::ranges::none_of(oid.view().substr(prefix.size()), [](char c) {
          return c >= 'A' && c <= 'Z';
        })) << "a venue may not tell upper case from lower";
        const auto parsed = parse_client_oid(oid.view());
        ASSERT_TRUE(parsed) << oid.view();
        EXPECT_EQ(parsed->start, start);
        EXPECT_EQ(parsed->lane, key.lane);
        EXPECT_EQ(parsed->sequence, key.sequence);
      }
    }
  }
}

TEST(ClientOid, LooksAsDocumented) {
  EXPECT_EQ(render_client_oid(start_of("bh", 82, 36), {1'700'000'000, 1, 82}).view(),
            "bh-002a0000000010001000002a");
}

TEST(ClientOid, TheEpochHasNoPartInIt) {
  const OidStart start = start_of("bh", 82, 36);
  EXPECT_EQ(render_client_oid(start, {1, 1, 82}), render_client_oid(start, {2, 1, 82}));
  EXPECT_NE(render_client_oid(start, {1, 1, 82}), render_client_oid(start_of("bh", 82, 37), {1, 1, 82}));
}

TEST(ClientOid, SeriesCountsAsRenderWrites) {
  const OidStart start = start_of("bh", 5, 77);
  OidSeries series(start, 1'700'000'000);
  for (std::uint64_t sequence = 1; sequence <= 50'000;
       ++sequence) {  // Past 36^3, lanes in runs and in turns.
    const auto lane = static_cast<std::uint16_t>(sequence % 7 < 4 ? 3 : sequence * 257 % 4'096);
    const ReversalKey key{1'700'000'000, lane, sequence};
    const OidSeries::Name name = series.next(lane);
    ASSERT_EQ(name.key, key);
    ASSERT_EQ(name.text, render_client_oid(start, key)) << sequence;
    ASSERT_EQ(series.last_sequence(), sequence);
  }
}

TEST(ClientOid, ReadsNamesOfEarlierVersions) {
  const auto parsed = parse_client_oid("bh-0s44we8-0001-0000002a");
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->start.is_old_style());
  EXPECT_EQ(parsed->start.prefix.view(), "bh");
  EXPECT_EQ(parsed->epoch, 1'700'000'000U);
  EXPECT_EQ(parsed->lane, 1U);
  EXPECT_EQ(parsed->sequence, 82U);
  EXPECT_EQ(render_client_oid(parsed->start, {parsed->epoch, 1, 82}).view(), "bh-0s44we8-0001-0000002a");
}

TEST(ClientOid, RefusesWhatItNeverWrote) {
  const std::string old = "bh-0s44we8-0001-0000002a";
  const std::string good{render_client_oid(start_of("bh", 82, 36), {1, 1, 82}).view()};
  for (const std::string& name : {old, good}) {
    ASSERT_TRUE(parse_client_oid(name));
    for (std::size_t length = 0; length < name.size(); ++length) {
      const auto cut = parse_client_oid(name.substr(name.size() - length));
      EXPECT_FALSE(cut && cut->start.prefix.view() == "bh") << length;
      EXPECT_FALSE(parse_client_oid(name.substr(0, length)));
    }
  }
  EXPECT_FALSE(parse_client_oid("bh-0s44we8-0001-0000002A")) << "upper case is no digit of ours";
  EXPECT_FALSE(parse_client_oid("bh-0s44we8_0001-0000002a"));
  EXPECT_FALSE(parse_client_oid("bh-zzzzzzz-0001-0000002a")) << "an epoch beyond 32 bits";
  EXPECT_FALSE(parse_client_oid("bh-0s44we8-zzzz-0000002a")) << "a lane beyond 16 bits";
  EXPECT_FALSE(parse_client_oid("bh-0s44we8-0001-00000000")) << "sequence 0 names no reversal";
  EXPECT_FALSE(parse_client_oid("bh-002a00000000000010000001")) << "a start without a random part";
  EXPECT_FALSE(parse_client_oid("-0s44we8-0001-0000002a"));
  EXPECT_FALSE(parse_client_oid("seventy-0s44we8-0001-0000002a"));
  EXPECT_FALSE(parse_client_oid("b h-0s44we8-0001-0000002a"));
}

}  // namespace
}  // namespace backhand::journal
