// A rehearsal walks the whole way and leaves no trace: no descriptor, no memory, however often.
#include "gateway/net/rehearsal.hpp"

#include <filesystem>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

namespace backhand::net {
namespace {

constexpr std::string_view kReply =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n";

std::size_t descriptors() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

TEST(Rehearsal, BringsTheReplyBackAndOpensNothing) {
  const std::size_t before = descriptors();
  const auto rehearsal = Rehearsal::create(kReply);
  ASSERT_TRUE(rehearsal.has_value()) << rehearsal.error().message;
  const std::string request(900, 'r');
  for (int i = 0; i < 10'000; ++i) {
    (*rehearsal)->request(request);
    const ReplyView* reply = (*rehearsal)->reply();
    ASSERT_NE(reply, nullptr) << "walk " << i;
    ASSERT_EQ(reply->http_status, 200);
    ASSERT_EQ(reply->body, "body");
  }
  EXPECT_EQ((*rehearsal)->reply(), nullptr) << "without a request";
  EXPECT_EQ(descriptors(), before) << "a rehearsal must have no way out";
}

TEST(Rehearsal, RefusesAReplyThatIsNoReply) {
  EXPECT_FALSE(Rehearsal::create("this is no HTTP\r\n\r\n").has_value());
}

}  // namespace
}  // namespace backhand::net
