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

}  // namespace
}  // namespace backhand
