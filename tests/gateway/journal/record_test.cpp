#include "gateway/journal/record.hpp"

#include <random>
#include <string_view>

#include <gtest/gtest.h>

#include "gateway/journal/crc32c.hpp"
#include "tests/gateway/journal/journal_fixture.hpp"

namespace backhand::journal {
namespace {

TEST(Crc32c, GivesThePublishedValues) {
  const std::string_view digits = "123456789";
  EXPECT_EQ(crc32c(std::as_bytes(std::span{digits})), 0xE3069283U);
  EXPECT_EQ(crc32c_portable(std::as_bytes(std::span{digits})), 0xE3069283U);
  const std::array<std::byte, 32> zeros{};  // RFC 3720, B.4.
  EXPECT_EQ(crc32c(zeros), 0x8A9136AAU);
}

TEST(Crc32c, IsTheSameByInstructionAndByTable) {
  std::mt19937 random{7};
  std::vector<std::byte> bytes(300);
  for (std::byte& b : bytes) b = static_cast<std::byte>(random());
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    const auto part = std::span{bytes}.first(length);
    ASSERT_EQ(crc32c(part), crc32c_portable(part)) << length;
  }
}

TEST(Record, EveryFlippedBitIsSeen) {
  Entry entry{Stamp{5, {1'700'000'000, 3, 9}, wire::Product::usdt_futures, wire::PositionSide::short_side},
              test::intended(77)};
  Record record = entry.parts()[0];
  record.number = 4711;
  record.crc = checksum_of(record);
  ASSERT_TRUE(is_valid(record));
  auto* bytes = reinterpret_cast<unsigned char*>(&record);
  for (std::size_t bit = 0; bit < sizeof(Record) * 8; ++bit) {
    bytes[bit / 8] = static_cast<unsigned char>(bytes[bit / 8] ^ 1U << bit % 8);
    EXPECT_FALSE(is_valid(record)) << "bit " << bit;
    bytes[bit / 8] = static_cast<unsigned char>(bytes[bit / 8] ^ 1U << bit % 8);
  }
  EXPECT_FALSE(is_valid(Record{})) << "a page of zeros is no record";
}

TEST(Record, HeaderAndBodyComeBack) {
  const Intended body = test::intended(77);
  const Entry entry{
      Stamp{5, {1'700'000'000, 3, 9}, wire::Product::susdc_futures, wire::PositionSide::short_side}, body};
  ASSERT_EQ(entry.parts().size(), 2U);
  for (std::uint8_t part = 0; part < 2; ++part) {
    const Record& record = entry.parts()[part];
    EXPECT_EQ(record.part(), part);
    EXPECT_EQ(record.parts(), 2);
    EXPECT_EQ(record.product(), wire::Product::susdc_futures);
    EXPECT_EQ(record.position_side(), wire::PositionSide::short_side);
    EXPECT_EQ(record.key(), (ReversalKey{1'700'000'000, 3, 9}));
  }
  const auto back = body_of<Intended>(entry.parts());
  EXPECT_EQ(std::memcmp(&back, &body, sizeof(body)), 0);
}

TEST(Record, AnOutcomeIsReplayedByteForByte) {
  std::mt19937 random{11};
  wire::Outcome told{};
  auto* bytes = reinterpret_cast<unsigned char*>(&told);
  for (std::size_t i = 0; i < sizeof(told); ++i) bytes[i] = static_cast<unsigned char>(random());
  const ReversalKey key{1'700'000'000, 2, 5};
  wire::Outcome back{};
  // A name as this version gives it, and one of an earlier version.
  for (const OidStart& start : {OidStart{FixedString<8>{"prefix"}, 1'679'615, 3'656'158'440'062'975},
                                OidStart{FixedString<8>{"prefix"}, 0, 0}}) {
    told.client_oid = render_client_oid(start, key);
    back = unpack_outcome(pack_outcome(told), key);
    back.event_number = told.event_number;
    EXPECT_EQ(std::memcmp(&back, &told, sizeof(told)), 0);
  }
  told.client_oid = {};
  back = unpack_outcome(pack_outcome(told), {});
  EXPECT_TRUE(back.client_oid.empty()) << "an intent that was never sent has no clientOid";
}

TEST(Record, EveryKindHasANameAndPartsAndNoOtherNumberHas) {
  int kinds = 0;
  for (int value = 0; value < 256; ++value) {
    const auto kind = static_cast<Kind>(value);
    EXPECT_EQ(parts_of(kind) != 0, to_string(kind) != "?" && kind != Kind::none) << value;
    kinds += parts_of(kind) != 0 ? 1 : 0;
  }
  EXPECT_EQ(kinds, 25);
}

}  // namespace
}  // namespace backhand::journal
