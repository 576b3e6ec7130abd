#include "gateway/journal/client_oid.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace backhand::journal {
namespace {

TEST(ClientOid, KeepsOneLengthAndReadsBack) {
  const ReversalKey keys[] = {{1, 0, 1}, {1'700'000'000, 7, 42}, {UINT32_MAX, UINT16_MAX, kMaxSequence - 1}};
  for (const std::string prefix : {"b", "bh", "a-_9Zz", "------"}) {
    for (const ReversalKey key : keys) {
      const wire::ClientOid oid = render_client_oid(prefix, key);
      EXPECT_EQ(oid.view().size(), prefix.size() + kOidTail);
      EXPECT_TRUE(std::ranges::all_of(oid.view(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
               c == '-';
      })) << oid.view();
      const auto parsed = parse_client_oid(oid.view());
      ASSERT_TRUE(parsed) << oid.view();
      EXPECT_EQ(parsed->key, key);
      EXPECT_EQ(parsed->prefix, prefix);
    }
  }
}

TEST(ClientOid, LooksAsDocumented) {
  EXPECT_EQ(render_client_oid("bh", {1'700'000'000, 1, 82}).view(), "bh-0s44we8-0001-0000002a");
}

TEST(ClientOid, SeriesCountsAsRenderWrites) {
  OidSeries series("bh", 1'700'000'000);
  for (std::uint64_t sequence = 1; sequence <= 50'000;
       ++sequence) {  // Past 36^3, lanes in runs and in turns.
    const auto lane = static_cast<std::uint16_t>(sequence % 7 < 4 ? 3 : sequence * 257);
    const ReversalKey key{1'700'000'000, lane, sequence};
    const OidSeries::Name name = series.next(lane);
    ASSERT_EQ(name.key, key);
    ASSERT_EQ(name.text, render_client_oid("bh", key)) << sequence;
  }
}

TEST(ClientOid, RefusesWhatItNeverWrote) {
  const std::string good = "bh-0s44we8-0001-0000002a";
  ASSERT_TRUE(parse_client_oid(good));
  for (std::size_t length = 0; length < good.size(); ++length) {
    const auto cut = parse_client_oid(good.substr(good.size() - length));
    EXPECT_FALSE(cut && cut->key == parse_client_oid(good)->key && cut->prefix == "bh") << length;
    EXPECT_FALSE(parse_client_oid(good.substr(0, length)));
  }
  EXPECT_FALSE(parse_client_oid("bh-0s44we8-0001-0000002A")) << "upper case is no digit of ours";
  EXPECT_FALSE(parse_client_oid("bh-0s44we8_0001-0000002a"));
  EXPECT_FALSE(parse_client_oid("bh-zzzzzzz-0001-0000002a")) << "an epoch beyond 32 bits";
  EXPECT_FALSE(parse_client_oid("bh-0s44we8-zzzz-0000002a")) << "a lane beyond 16 bits";
  EXPECT_FALSE(parse_client_oid("bh-0s44we8-0001-00000000")) << "sequence 0 names no reversal";
  EXPECT_FALSE(parse_client_oid("-0s44we8-0001-0000002a"));
  EXPECT_FALSE(parse_client_oid("seventy-0s44we8-0001-0000002a"));
  EXPECT_FALSE(parse_client_oid("b h-0s44we8-0001-0000002a"));
}

}  // namespace
}  // namespace backhand::journal
