// The hot path must not allocate: malloc and OpenSSL's own allocator are counted, not only operator new. A
// program of its own, since OpenSSL takes its allocator once, before its first use.
#include <array>
#include <cstdlib>

#include <gtest/gtest.h>
#include <openssl/crypto.h>

#include "tests/gateway/bitget/support.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BACKHAND_COUNTS_MALLOC 0
#else
#define BACKHAND_COUNTS_MALLOC 1
#endif

namespace {

std::size_t allocations = 0;
std::size_t openssl_allocations = 0;

void* openssl_malloc(std::size_t size, const char*, int) {
  ++openssl_allocations;
  return std::malloc(size);
}
void* openssl_realloc(void* memory, std::size_t size, const char*, int) {
  ++openssl_allocations;
  return std::realloc(memory, size);
}
void openssl_free(void* memory, const char*, int) { std::free(memory); }

[[gnu::constructor(101)]] void count_openssl() {
  if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1) std::abort();
}

}  // namespace

#if BACKHAND_COUNTS_MALLOC
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  ++allocations;
  return __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) {
  ++allocations;
  return __libc_realloc(memory, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  ++allocations;
  return __libc_memalign(alignment, size);
}
}
#endif

namespace backhand::bitget {
namespace {

using testing::kNow;
using testing::PaddedBody;

/// Allocations of both kinds during `work`.
template <typename Work>
std::size_t allocated_by(Work&& work) {
  const std::size_t before = allocations + openssl_allocations;
  work();
  return allocations + openssl_allocations - before;
}

TEST(Allocation, TheCounterCounts) {
#if BACKHAND_COUNTS_MALLOC
  EXPECT_GE(allocated_by([] { std::free(std::malloc(10)); }), 1U);
#endif
  EXPECT_GE(allocated_by([] { OPENSSL_free(OPENSSL_malloc(10)); }), 1U);
}

TEST(Allocation, AReversalAllocatesNothing) {
  const auto dialect = testing::make_dialect(domain::PositionMode::hedge);
  std::array<char, Dialect::kMaxRequest> out{};
  const auto request = testing::reversal(domain::PositionSide::long_side, "bh-0000000001", "0.02");
  const PaddedBody yes(
      R"({"code":"00000","msg":"success","requestTime":1,"data":{"clientOid":"bh-0000000001","orderId":"1"}})");
  const PaddedBody no(R"({"code":"40020","msg":"no","requestTime":1,"data":null})");
  const PaddedBody rubbish("<html>");
  const testing::Headers headers;
  std::size_t written = 0;
  int acked = 0;
  // The very first round counts, too: a cold shot is what the gateway lives for.
  EXPECT_EQ(allocated_by([&] {
              for (int i = 0; i < 10; ++i) {
                if (i % 3 == 0) dialect->refresh(testing::kPosition, kNow + i);
                written += dialect->encode_reversal(request, kNow + i * 300, out);
                for (const PaddedBody* body : {&yes, &no, &rubbish}) {
                  const auto reply = dialect->decode_reversal(request.client_oid, 200, body->view(),
                                                              testing::look_into(headers));
                  acked += reply.verdict == domain::Verdict::acked ? 1 : 0;
                }
              }
            }),
            0U);
  EXPECT_GT(written, 0U);
  EXPECT_EQ(acked, 10);
}

TEST(Allocation, AProbeAllocatesOnlyAtAThreadsFirst) {
  const auto dialect = testing::make_dialect(domain::PositionMode::hedge);
  const std::string_view body =
      R"({"code":"00000","msg":"","requestTime":1,"data":{"serverTime":"1695806875900"}})";
  ASSERT_TRUE(dialect->decode_probe(200, body).ok);
  EXPECT_EQ(allocated_by([&] {
              for (int i = 0; i < 10; ++i) {
                if (!dialect->decode_probe(200, body).ok) std::abort();
              }
            }),
            0U);
}

TEST(Allocation, AQuestionAllocatesNothing) {
  const auto dialect = testing::make_dialect(domain::PositionMode::hedge);
  std::array<char, Dialect::kMaxRequest> out{};
  domain::LookupReply reply;
  reply.positions.reserve(4);
  reply.unread.reserve(4);
  reply.contracts.reserve(4);
  reply.orders.reserve(4);
  reply.fills.reserve(4);
  std::string rows;
  for (int i = 0; i < 50; ++i) {
    if (i > 0) rows += ",";
    rows +=
        R"({"symbol":"A","marginCoin":"U","holdSide":"long","total":"1","orderId":"1","clientOid":"x","size":"1",)"
        R"("baseVolume":"1","state":"live","side":"buy","cTime":"1","supportMarginCoins":["A","B"]})";
  }
  const std::string head = R"({"code":"00000","msg":"","requestTime":1,"data":)";
  const PaddedBody bodies[] = {
      PaddedBody(head + "[" + rows + "]}"),
      PaddedBody(head + R"({"entrustedList":[)" + rows + "]}}"),
      PaddedBody(head + R"({"fillList":[)" + rows + "]}}"),
      PaddedBody(head + R"({"serverTime":"1","posMode":"hedge_mode","traderType":"x"}})"),
      PaddedBody(R"({"code":"40109","msg":"","data":null})"),
      PaddedBody("rubbish")};
  domain::Lookup lookup;
  lookup.account = testing::kAccount;
  lookup.instrument = testing::instrument();
  lookup.client_oid = wire::ClientOid("x");
  lookup.order_id = wire::OrderId("1");
  EXPECT_EQ(allocated_by([&] {
              for (std::size_t kind = 0; kind < domain::kLookupKinds; ++kind) {
                lookup.kind = static_cast<domain::LookupKind>(kind);
                if (dialect->encode_lookup(lookup, kNow, out) == 0) std::abort();
                for (const PaddedBody& body : bodies)
                  dialect->decode_lookup(lookup, 200, body.view(), {}, reply);
              }
            }),
            0U);
}

}  // namespace
}  // namespace backhand::bitget
