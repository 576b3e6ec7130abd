// The way of a request and its reply must not allocate after warm-up: malloc is counted here, under operator
// new and under OpenSSL's allocator alike. A program of its own, as both are replaced for the whole process.
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/crypto.h>

#include "gateway/net/pool.hpp"
#include "gateway/net/tls_memory.hpp"
#include "tests/gateway/net/pool_fixture.hpp"

namespace {

thread_local bool counting = false;
thread_local std::size_t allocations = 0;

void note() noexcept {
  if (counting) ++allocations;
}

}  // namespace

// glibc's own names for what is replaced here.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* pointer, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) {
  note();
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  note();
  return __libc_calloc(count, size);
}
void* realloc(void* pointer, std::size_t size) {
  note();
  return __libc_realloc(pointer, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  note();
  return __libc_memalign(alignment, size);
}
}

namespace backhand::net::testing {
namespace {

/// Before any other use of OpenSSL.
const bool kInstalled = install_tls_allocator();

/// Answers without keeping anything, so that no vector grows while malloc is counted.
class Quiet final : public Handler {
 public:
  void on_reply(RequestToken, const ReplyView& reply, Ns) noexcept override {
    ++replies;
    bytes += reply.body.size() + reply.header("content-type").size();
  }
  void on_lost(RequestToken, LossReason, bool, Ns) noexcept override { ++losses; }
  void on_ping(const ReplyView&, Ns) noexcept override { ++pings; }
  void on_pool_changed(unsigned, unsigned, std::string_view) noexcept override {}
  bool may_ping(Ns) noexcept override { return true; }
  bool may_dial(Ns) noexcept override { return true; }

  std::size_t replies = 0;
  std::size_t losses = 0;
  std::size_t pings = 0;
  std::size_t bytes = 0;
};

TEST(TlsMemory, NotesTheLargerBlocksThatAreStillThere) {
  ASSERT_TRUE(kInstalled);
  TlsMemory memory;
  void* before = OPENSSL_malloc(500);
  void* kept = nullptr;
  {
    const TlsMemory::Watch watching(memory);
    void* small = OPENSSL_malloc(32);
    void* freed = OPENSSL_malloc(500);
    kept = OPENSSL_malloc(300);
    kept = OPENSSL_realloc(kept, 4'000);
    OPENSSL_free(freed);
    OPENSSL_free(small);
  }
  void* after = OPENSSL_malloc(500);
  ASSERT_EQ(memory.blocks().size(), 1U);
  EXPECT_EQ(memory.blocks()[0].at, kept);
  EXPECT_EQ(memory.blocks()[0].size, 4'000U);
  for (void* block : {before, kept, after}) OPENSSL_free(block);
}

TEST(TlsMemory, NotesNoMoreThanItHasPlacesFor) {
  TlsMemory memory;
  std::vector<void*> blocks;
  {
    const TlsMemory::Watch watching(memory);
    for (int i = 0; i < 1'000; ++i) blocks.push_back(OPENSSL_malloc(500));
  }
  EXPECT_GT(memory.blocks().size(), 30U);
  EXPECT_LT(memory.blocks().size(), 1'000U);
  for (void* block : blocks) OPENSSL_free(block);
}

class AllocationTest : public PoolTest, public ::testing::WithParamInterface<bool> {
 protected:
  void run(int count, const std::string& request) {
    for (int i = 0; i < count; ++i) {
      const std::size_t before = quiet.replies;
      const Ns now = test_clock();
      ASSERT_EQ(pool->send({1}, RequestClass::trade, request, now + 60 * kSecond, now).status,
                WriteStatus::written);
      while (quiet.replies == before) pool->do_work(test_clock());
    }
  }
  Quiet quiet;
};

TEST_P(AllocationTest, NothingFromRequestToReplyAfterWarmUp) {
  ASSERT_TRUE(kInstalled);
  serve(
      [](Peer& peer, const std::string&) {
        peer.write(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            "4\r\n{\"a\"\r\n4\r\n:12}\r\n0\r\n\r\n");
      },
      CertificateKind::good, GetParam());
  settings.connections = 2;
  auto made = Pool::create(settings, quiet);
  ASSERT_TRUE(made.has_value());
  pool = std::move(*made);
  while (pool->ready() < 2) pool->do_work(test_clock());
  const std::string request = get("/x");
  run(100, request);
  counting = true;
  allocations = 0;
  run(1'000, request);
  // Turns without anything to do, and a ping, belong to a warm connection as well.
  advance_ms(1'800'001);
  for (int i = 0; i < 10'000; ++i) pool->do_work(test_clock());
  counting = false;
  EXPECT_EQ(allocations, 0U);
  EXPECT_EQ(quiet.losses, 0U);
}

INSTANTIATE_TEST_SUITE_P(Tls, AllocationTest, ::testing::Bool(),
                         [](const auto& tls) { return tls.param ? "V1_2" : "V1_3"; });

TEST(Allocation, CountingWorks) {
  counting = true;
  allocations = 0;
  auto made = std::make_unique<int>(1);
  counting = false;
  EXPECT_EQ(allocations, 1U) << "the counter is not under operator new";
}

}  // namespace
}  // namespace backhand::net::testing
