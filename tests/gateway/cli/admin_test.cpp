// Asking a gateway: one line there, one line back, and a clear word where that fails.
#include "gateway/cli/admin.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace backhand::cli {
namespace {

/// Listens in a folder of its own and answers one caller, in pieces.
class OneAnswer {
 public:
  explicit OneAnswer(std::string answer) : answer_(std::move(answer)) {
    std::string folder = testing::TempDir() + "/backhand-admin-XXXXXX";
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path(), address.sun_path);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd_, 1), 0);
    thread_ = std::thread{[this] { serve(); }};
  }
  OneAnswer(const OneAnswer&) = delete;
  OneAnswer& operator=(const OneAnswer&) = delete;
  ~OneAnswer() {
    finish();
    ::close(fd_);
    std::filesystem::remove_all(folder_);
  }
  [[nodiscard]] std::string path() const { return folder_ + "/admin.sock"; }
  std::string finish() {
    if (thread_.joinable()) thread_.join();
    return asked_;
  }

 private:
  void serve() {
    const int caller = ::accept(fd_, nullptr, nullptr);
    char byte = 0;
    while (asked_.find('\n') == std::string::npos && ::recv(caller, &byte, 1, 0) == 1) asked_ += byte;
    const std::size_t half = answer_.size() / 2;
    EXPECT_EQ(::send(caller, answer_.data(), half, MSG_NOSIGNAL), static_cast<ssize_t>(half));
    EXPECT_EQ(::send(caller, answer_.data() + half, answer_.size() - half, MSG_NOSIGNAL),
              static_cast<ssize_t>(answer_.size() - half));
    ::close(caller);
  }

  std::string folder_;
  std::string answer_;
  std::string asked_;
  int fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::thread thread_;
};

TEST(Admin, AsksOneLineAndReadsOneLine) {
  OneAnswer gateway{"{\"ok\":true}\n"};
  const auto line = ask_gateway(gateway.path(), R"({"command":"status"})", 5'000);
  ASSERT_TRUE(line.has_value()) << line.error().message;
  EXPECT_EQ(*line, "{\"ok\":true}");
  EXPECT_EQ(gateway.finish(), "{\"command\":\"status\"}\n");
}

TEST(Admin, ReadsALongAnswer) {
  const std::string text(300'000, 'x');
  OneAnswer gateway{"{\"ok\":true,\"text\":\"" + text + "\"}\n"};
  const auto line = ask_gateway(gateway.path(), "{}", 5'000);
  ASSERT_TRUE(line.has_value()) << line.error().message;
  EXPECT_EQ(line->size(), text.size() + 21);
}

TEST(Admin, SaysWhyThereIsNoAnswer) {
  EXPECT_EQ(ask_gateway("/nowhere/admin.sock", "{}", 100).error().message,
            "/nowhere/admin.sock: cannot reach the gateway: No such file or directory");
  EXPECT_EQ(ask_gateway("/" + std::string(200, 'a'), "{}", 100).error().message,
            "/" + std::string(200, 'a') + ": is too long for a socket");
  OneAnswer closing{"no newline"};
  EXPECT_EQ(ask_gateway(closing.path(), "{}", 5'000).error().message,
            closing.path() + ": the gateway closed the connection without an answer");
}

TEST(Admin, GivesUpAfterItsTime) {
  std::string folder = testing::TempDir() + "/backhand-admin-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/admin.sock";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::ranges::copy(path, address.sun_path);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(fd, 1), 0);
  // Nobody accepts: the kernel connects, and nothing is ever read.
  EXPECT_EQ(ask_gateway(path, "{}", 20).error().message, path + ": no answer in time");
  ::close(fd);
  std::filesystem::remove_all(folder);
}

TEST(AdminReply, TellsYesFromNo) {
  EXPECT_TRUE(read_reply(R"({"ok":true})")->ok);
  const auto no = read_reply(R"({"ok":false,"error":"no such account: x"})");
  ASSERT_TRUE(no.has_value());
  EXPECT_FALSE(no->ok);
  EXPECT_EQ(no->error, "no such account: x");
  EXPECT_EQ(read_reply(R"({"ok":false})")->error, "no reason given");
  for (const char* line : {"", "[]", "{}", "{\"ok\":1}", "hello"}) {
    EXPECT_FALSE(read_reply(line).has_value()) << line;
  }
}

TEST(AdminReply, ShowsEveryKeyAlignedAndListsAsTables) {
  const auto reply = read_reply(
      R"({"ok":true,"ready":false,"uptime_s":12,"waits_for":"clock","accounts":[{"name":"main","sent":3},)"
      R"({"name":"ünï","halted":true}],"empty":[],"venue":{"host":"x","rtt_us":1.5,"tags":["a","b"]},)"
      R"("steps":[{"at":1,"more":{"a":null}}]})");
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->text,
            "ready      false\n"
            "uptime_s   12\n"
            "waits_for  clock\n"
            "accounts:\n"
            "  name  sent  halted\n"
            "  main  3     -\n"
            "  ünï   -     true\n"
            "empty  none\n"
            "venue:\n"
            "  host    x\n"
            "  rtt_us  1.5\n"
            "  tags:\n"
            "    a\n"
            "    b\n"
            "steps:\n"
            "  -\n"
            "    at  1\n"
            "    more:\n"
            "      a  null\n");
}

TEST(AdminReply, KeepsTextFromSteeringTheTerminal) {
  const auto reply = read_reply("{\"ok\":true,\"a\":\"\\u001b[2Jx\\ny\"}");
  EXPECT_EQ(reply->text, "a    [2Jx y\n") << "each control character must become a space";
}

}  // namespace
}  // namespace backhand::cli
