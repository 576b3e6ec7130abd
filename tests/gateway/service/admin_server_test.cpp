// The admin socket from both sides in one thread, above all where the process has no descriptor left.
#include "gateway/service/admin_server.hpp"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace backhand::service {
namespace {

class AdminServerTest : public testing::Test {
 protected:
  AdminServerTest() {
    std::string name = testing::TempDir() + "backhand-admin-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    auto server = AdminServer::listen(folder_ + "/admin.sock", [](const AdminRequest& request) {
      return R"({"ok":true,"asked":")" + request.command + "\"}";
    });
    if (server) server_ = std::move(*server);
  }
  ~AdminServerTest() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  shm::Fd connect() {
    shm::Fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (folder_ + "/admin.sock").copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return socket;
  }
  [[nodiscard]] bool wants_work() const {
    pollfd watched{server_->poll_fd(), POLLIN, 0};
    return ::poll(&watched, 1, 0) > 0;
  }
  /// What lies in `socket`; empty where nothing does.
  static std::string answer(const shm::Fd& socket) {
    char bytes[256];
    const ssize_t got = ::recv(socket.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    return got > 0 ? std::string(bytes, static_cast<std::size_t>(got)) : std::string{};
  }

  std::string folder_;
  std::unique_ptr<AdminServer> server_;
};

TEST_F(AdminServerTest, AnswersLinesInTheirOrder) {
  ASSERT_NE(server_, nullptr);
  const shm::Fd client = connect();
  const std::string two = "{\"command\":\"status\"}\n{\"command\":5}\n";
  ASSERT_EQ(::send(client.get(), two.data(), two.size(), 0), static_cast<ssize_t>(two.size()));
  while (wants_work()) server_->do_work();
  EXPECT_EQ(answer(client),
            "{\"ok\":true,\"asked\":\"status\"}\n"
            "{\"ok\":false,\"error\":\"field \\\"command\\\" must be text\"}\n");
}

TEST_F(AdminServerTest, AReplyThatTakesTimeHoldsUpNobodyAndKeepsItsPlace) {
  std::optional<std::string> ready;
  server_.reset();
  auto server = AdminServer::listen(folder_ + "/admin.sock", [&ready](const AdminRequest& request) {
    using Answer = std::variant<std::string, AdminServer::Later>;
    return request.command == "slow" ? Answer{AdminServer::Later{[&ready] { return ready; }}}
                                     : Answer{"quick"};
  });
  ASSERT_TRUE(server) << server.error().message;
  server_ = std::move(*server);
  const shm::Fd slow = connect();
  const std::string lines = "{\"command\":\"slow\"}\n{\"command\":\"x\"}\n";
  ASSERT_EQ(::send(slow.get(), lines.data(), lines.size(), 0), static_cast<ssize_t>(lines.size()));
  ASSERT_EQ(::shutdown(slow.get(), SHUT_WR), 0);
  const shm::Fd gone = connect();
  ASSERT_EQ(::send(gone.get(), lines.data(), lines.size(), 0), static_cast<ssize_t>(lines.size()));
  const shm::Fd other = connect();
  ASSERT_EQ(::send(other.get(), lines.data() + 19, lines.size() - 19, 0),
            static_cast<ssize_t>(lines.size() - 19));
  for (int i = 0; i < 5; ++i) server_->do_work();
  EXPECT_EQ(answer(other), "quick\n");
  EXPECT_EQ(answer(slow), "");
  EXPECT_FALSE(wants_work()) << "whoever polls it would spin";
  ready = "at last";
  server_->do_work();
  EXPECT_EQ(answer(slow), "at last\nquick\n");
}

TEST_F(AdminServerTest, LooksAwayWhereThereIsNoDescriptorLeftAndComesBack) {
  ASSERT_NE(server_, nullptr);
  const shm::Fd client = connect();
  const std::string line = "{\"command\":\"status\"}\n";
  ASSERT_EQ(::send(client.get(), line.data(), line.size(), 0), static_cast<ssize_t>(line.size()));
  ASSERT_TRUE(wants_work());

  std::vector<shm::Fd> all;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = 64;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  for (;;) {
    shm::Fd one{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    if (!one.valid()) break;
    all.push_back(std::move(one));
  }
  server_->do_work();
  EXPECT_FALSE(wants_work()) << "whoever polls it would spin";
  EXPECT_EQ(answer(client), "");

  all.clear();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  std::string told;
  while (told.empty()) {
    server_->do_work();
    told = answer(client);
  }
  EXPECT_EQ(told, "{\"ok\":true,\"asked\":\"status\"}\n");
}

}  // namespace
}  // namespace backhand::service
