// Any bytes as the reply to a reversal: a yes or a no may come only of what says so. Input: status (2 bytes),
// body.
#include "tests/fuzz/bitget_input.hpp"

using namespace backhand;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const int status = bitget::status_from(data[0], data[1]);
  const bitget::PaddedInput body(data + 2, size - 2);
  const wire::ClientOid ours("bh-1");
  const auto reply = bitget::fuzzed_dialect().decode_reversal(ours, status, body.view(), {});

  using domain::Verdict;
  BH_ASSERT(reply.code.well_formed() && reply.order_id.well_formed());
  BH_ASSERT(bitget::is_plain_text(reply.order_id.view()));
  BH_ASSERT(reply.order_id.empty() == (reply.verdict != Verdict::acked));
  if (reply.verdict == Verdict::acked) {
    BH_ASSERT(status >= 200 && status < 300);
    BH_ASSERT(reply.code.view() == "00000" && reply.code_class == domain::CodeClass::success);
  } else if (reply.verdict != Verdict::unknown) {
    BH_ASSERT((status >= 200 && status < 300) || (status >= 400 && status < 500));
    // A code stands in the body as it is, or with an escape.
    BH_ASSERT(body.view().find(reply.code.view()) != std::string_view::npos ||
              body.view().find('\\') != std::string_view::npos);
  }
  // Any end cut off makes it less than a reply.
  if (reply.verdict != Verdict::unknown && body.view().back() == '}') {
    const bitget::PaddedInput cut(data + 2, size - 3);
    BH_ASSERT(bitget::fuzzed_dialect().decode_reversal(ours, status, cut.view(), {}).verdict ==
              Verdict::unknown);
  }
  const auto probe = bitget::fuzzed_dialect().decode_probe(200, body.view());
  BH_ASSERT(probe.ok || probe.server_venue_ms == 0);
  return 0;
}
