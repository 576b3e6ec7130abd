// Any bytes, cut anywhere, on a connection that awaits a reply: the same answer however they are cut. Input:
// where to cut (1 byte), bytes.
#include "gateway/net/http_exchange.hpp"

#include <string>

#include "common/assert.hpp"

using namespace backhand::net;

namespace {

struct Answer {
  FeedStatus status = FeedStatus::need_more;
  int http_status = 0;
  std::string body;
};

Answer feed_in_pieces(std::string_view bytes, std::size_t piece) {
  static HttpExchange* exchange = nullptr;
  delete exchange;
  exchange = new HttpExchange({.max_body_bytes = 2'048, .max_header_bytes = 1'024});
  exchange->begin();
  Answer out;
  while (!bytes.empty() && out.status == FeedStatus::need_more) {
    const std::string_view now = bytes.substr(0, piece);
    bytes.remove_prefix(now.size());
    out.status = exchange->feed(now);
  }
  if (bytes.empty() && out.status == FeedStatus::need_more) out.status = exchange->end_of_stream(true);
  if (out.status != FeedStatus::complete) return out;
  const ReplyView reply = exchange->reply();
  BH_ASSERT(reply.http_status >= 100 && reply.http_status <= 999);
  BH_ASSERT(reply.body.size() <= 2'048);
  out.http_status = reply.http_status;
  out.body = reply.body;
  exchange->finish();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data + 1), size - 1};
  const Answer whole = feed_in_pieces(bytes, bytes.size() + 1);
  const Answer pieces = feed_in_pieces(bytes, 1 + data[0] % 7);
  // A reply that is whole before the bytes end leaves the rest as bytes that answer nothing; only what came
  // of the reply itself must not depend on the cuts.
  if (whole.status == FeedStatus::complete && pieces.status == FeedStatus::complete) {
    BH_ASSERT(whole.http_status == pieces.http_status && whole.body == pieces.body);
  }
  BH_ASSERT((whole.status == FeedStatus::complete) == (pieces.status == FeedStatus::complete));
  return 0;
}
