// What the one JSON writer of the tools and the admin socket writes, byte by byte.
#include "common/json_text.hpp"

#include <cstdint>

#include <gtest/gtest.h>

namespace backhand {
namespace {

TEST(JsonText, QuotesEveryByteThatIsNoPrintableAscii) {
  EXPECT_EQ(json_quoted("a\"b\\c\n\x7f\xff"), R"("a\"b\\c\u000a\u007f\u00ff")");
  EXPECT_EQ(json_quoted({"\0", 1}), R"("\u0000")");
  EXPECT_EQ(json_quoted(""), R"("")");
}

TEST(JsonText, WritesAnObjectInTheOrderOfItsKeys) {
  EXPECT_EQ(JsonObject{}.line(), "{}");
  JsonObject out;
  out.flag("ok", true).text("why", "a \"b\"").number("least", INT64_MIN).number("most", UINT64_MAX);
  out.raw("inner", JsonObject{}.line()).flag("last", false);
  EXPECT_EQ(out.line(), R"({"ok":true,"why":"a \"b\"","least":-9223372036854775808,)"
                        R"("most":18446744073709551615,"inner":{},"last":false})");
}

}  // namespace
}  // namespace backhand
