#include "common/fixed_string.hpp"

#include <string>

#include <gtest/gtest.h>

namespace backhand {
namespace {

TEST(FixedString, KeepsUpToItsSizeWithoutATerminator) {
  const FixedString<4> full("abcd");
  EXPECT_EQ(full.view(), "abcd");
  EXPECT_TRUE(FixedString<4>::fits("abcd"));
  EXPECT_FALSE(FixedString<4>::fits("abcde"));
  EXPECT_FALSE(FixedString<4>::fits(std::string_view("a\0b", 3)));
  EXPECT_TRUE(FixedString<4>().empty());
}

TEST(FixedString, TellsWhatAnHonestWriterWouldNotLeave) {
  FixedString<4> text("ab");
  EXPECT_TRUE(text.well_formed());
  text.bytes[3] = 'x';
  EXPECT_FALSE(text.well_formed()) << "bytes behind the first zero could tell two equal names apart";
}

TEST(FixedString, TellsItForEveryPattern) {
  for (std::uint32_t pattern = 0; pattern < 1U << 16; ++pattern) {
    FixedString<16> text;
    bool ended = false;
    bool honest = true;
    for (std::size_t i = 0; i < 16; ++i) {
      const bool set = (pattern >> i & 1) != 0;
      // Bytes that a borrow or a carry could confuse.
      if (set) text.bytes[i] = i % 3 == 0 ? '\x01' : i % 3 == 1 ? '\x80' : '\xff';
      honest = honest && !(ended && set);
      ended = ended || !set;
    }
    ASSERT_EQ(text.well_formed(), honest) << pattern;
  }
}

}  // namespace
}  // namespace backhand
