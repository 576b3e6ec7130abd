// Dialing: a host with several addresses, certificate authorities that change, keys renewed with the probe,
// and what the messages name.
#include <fstream>

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/gateway/net/pool_fixture.hpp"

namespace backhand::net::testing {
namespace {

/// An address of this machine at which connections are not answered, or are taken and then never served.
class Hole {
 public:
  Hole(const char* address, std::uint16_t port, bool takes) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    ::inet_pton(AF_INET, address, &at.sin_addr);
    const int listener = open_socket();
    const int on = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    EXPECT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
    EXPECT_EQ(::listen(listener, takes ? 64 : 0), 0);
    // With its queue full the kernel swallows what else is sent to it.
    for (int i = 0; !takes && i < 8; ++i)
      (void)::connect(open_socket(), reinterpret_cast<sockaddr*>(&at), sizeof at);
    if (!takes) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  ~Hole() {
    for (const int fd : held_) ::close(fd);
  }
  Hole(const Hole&) = delete;
  Hole& operator=(const Hole&) = delete;

 private:
  int open_socket() {
    held_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    return held_.back();
  }
  std::vector<int> held_;
};

using DialerTest = PoolTest;

TEST_F(DialerTest, AnAddressThatSwallowsEverythingCostsAFractionOfTheTime) {
  serve_echo();
  const Hole hole("127.0.0.2", settings.port, /*takes=*/false);
  settings.connect_address = "127.0.0.2,127.0.0.1";
  // One timer for all addresses would run out first, and no other dial begins before.
  open_and_wait(1);
  EXPECT_EQ(pool->counters().dials_failed, 0U);
}

TEST_F(DialerTest, AnAddressThatRefusesIsPassedOver) {
  serve_echo();
  settings.connect_address = "127.0.0.3,127.0.0.1";
  open_and_wait(1);
  EXPECT_EQ(pool->counters().dials_failed, 0U);
}

TEST_F(DialerTest, AnAddressThatTakesConnectionsAndServesNoneIsTriedLastNextTime) {
  serve_echo();
  const Hole hole("127.0.0.2", settings.port, /*takes=*/true);
  settings.connect_address = "127.0.0.2,127.0.0.1";
  settings.connect_timeout_ms = 500;
  open_and_wait(1);
  EXPECT_TRUE(recorder.told("(at 127.0.0.2:" + std::to_string(settings.port) + ")")) << "no address is named";
}

TEST_F(DialerTest, NamesEveryAddressThatFailed) {
  serve_echo();
  const Hole hole("127.0.0.2", settings.port, /*takes=*/false);
  settings.connect_address = "127.0.0.2,127.0.0.3";
  settings.connect_timeout_ms = 300;
  settings.connections = 1;
  open();
  turn_until([&] { return recorder.dials_failed > 0; });
  const std::string port = ":" + std::to_string(settings.port);
  EXPECT_TRUE(recorder.told("127.0.0.2" + port + ": no answer")) << recorder.reasons.back();
  EXPECT_TRUE(recorder.told("127.0.0.3" + port + ": Connection refused")) << recorder.reasons.back();
}

TEST_F(DialerTest, TooManyOpenFilesAreCalledThat) {
  serve_echo();
  settings.connections = 1;
  open();
  turn_until([&] { return pool->ready() == 1; });
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  int highest = 0;
  DIR* const folder = ::opendir("/proc/self/fd");
  while (const dirent* entry = ::readdir(folder)) highest = std::max(highest, std::atoi(entry->d_name));
  ::closedir(folder);
  // All numbers up to the highest are taken first.
  std::vector<int> held;
  for (int fd = ::dup(1); fd >= 0; fd = ::dup(1)) {
    held.push_back(fd);
    if (fd > highest) break;
  }
  rlimit low = before;
  low.rlim_cur = static_cast<rlim_t>(held.back() + 1);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  server->command([](Peer& peer) { peer.close(); });
  // What the closed connection gives back is taken, too.
  turn_until([&] {
    for (int fd = ::dup(1); fd >= 0; fd = ::dup(1)) held.push_back(fd);
    return recorder.dials_failed > 0;
  });
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  for (const int fd : held) ::close(fd);
  EXPECT_TRUE(recorder.told("too many open files")) << recorder.reasons.back();
}

TEST_F(DialerTest, AuthoritiesAreReadAgainWhenTheirFileHasChanged) {
  serve_echo();
  const std::string path = ::testing::TempDir() + "/authorities-" + std::to_string(::getpid()) + ".pem";
  const auto put = [&](const std::string& from) {
    std::ifstream source{from};
    std::ofstream{path + ".new"} << source.rdbuf();
    ASSERT_EQ(::rename((path + ".new").c_str(), path.c_str()), 0);
  };
  put(other_authority_file());
  settings.ca_file = path;
  settings.connections = 1;
  open();
  turn_until([&] { return recorder.dials_failed > 0; });
  EXPECT_TRUE(recorder.told("unknown authority"));
  put(authority_file());
  turn_until([&] { return pool->ready() == 1; });
  // One that cannot be read takes nothing away, but is told of.
  std::ofstream{path} << "half written";
  server->command([](Peer& peer) { peer.close(); });
  turn_until([&] { return pool->ready() == 0; });
  turn_until([&] { return pool->ready() == 1; });
  EXPECT_TRUE(recorder.told("cannot load " + path));
  ::unlink(path.c_str());
}

TEST_F(DialerTest, KeysRenewedWithTheProbeAreNoTrouble) {
  for (const bool before_the_reply : {true, false}) {
    serve([=](Peer& peer, const std::string& request) {
      const bool probe = request.starts_with("GET /probe ");
      if (probe && before_the_reply) peer.update_keys();
      peer.reply(probe ? "/probe" : "fine");
      if (probe && !before_the_reply) peer.update_keys();
    });
    open_and_wait(1);
    if (before_the_reply) {
      EXPECT_EQ(pool->counters().dials_failed, 0U);
    }
    send_and_wait(1, "/x");
    EXPECT_EQ(recorder.replies.back().body, "fine");
    pool.reset();
  }
}

}  // namespace
}  // namespace backhand::net::testing
