// Any bytes as the reply to any question: no allocation, no half-read row, nothing left of an answer that is
// none. Input: kind (1 byte), status (2 bytes), body.
#include "tests/fuzz/bitget_input.hpp"

using namespace backhand;

namespace {

constexpr std::size_t kRoom = 16;

domain::LookupReply& reused_reply() {
  static domain::LookupReply reply = [] {
    domain::LookupReply made;
    made.positions.reserve(kRoom);
    made.unread.reserve(kRoom);
    made.contracts.reserve(kRoom);
    made.orders.reserve(kRoom);
    made.fills.reserve(kRoom);
    return made;
  }();
  return reply;
}

void check_instrument(const domain::Instrument& instrument) {
  BH_ASSERT(!instrument.symbol.empty() && instrument.symbol.well_formed());
  BH_ASSERT(bitget::is_plain_text(instrument.symbol.view()) &&
            bitget::is_plain_text(instrument.margin_coin.view()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  domain::Lookup lookup;
  lookup.kind = static_cast<domain::LookupKind>(data[0] % domain::kLookupKinds);
  lookup.client_oid = wire::ClientOid("1750958278008");
  lookup.order_id = wire::OrderId("1323031696869281794");
  const int status = bitget::status_from(data[1], data[2]);
  const bitget::PaddedInput body(data + 3, size - 3);
  domain::LookupReply& reply = reused_reply();
  bitget::fuzzed_dialect().decode_lookup(lookup, status, body.view(), {}, reply);

  using domain::LookupStatus;
  BH_ASSERT(reply.positions.capacity() == kRoom && reply.contracts.capacity() == kRoom);
  BH_ASSERT(reply.orders.capacity() == kRoom && reply.fills.capacity() == kRoom);
  if (reply.status != LookupStatus::ok) {
    BH_ASSERT(reply.positions.empty() && reply.contracts.empty() && reply.orders.empty() &&
              reply.fills.empty());
    BH_ASSERT(!reply.truncated && reply.server_venue_ms == 0 && !reply.is_lead_trader);
  } else {
    BH_ASSERT(status >= 200 && status < 300 && reply.code.view() == "00000");
  }
  for (const auto& row : reply.positions) check_instrument(row.instrument);
  for (const auto& row : reply.contracts) {
    check_instrument(row.instrument);
    BH_ASSERT(row.status == domain::ContractStatus::closed || !row.size_step.is_zero());
  }
  for (const auto& row : reply.orders) {
    check_instrument(row.instrument);
    BH_ASSERT(!row.order_id.empty() && bitget::is_plain_text(row.order_id.view()));
    BH_ASSERT(row.client_oid.well_formed() && bitget::is_plain_text(row.client_oid.view()));
    if (lookup.kind == domain::LookupKind::order_by_order_id) BH_ASSERT(row.order_id == lookup.order_id);
  }
  for (const auto& row : reply.fills) BH_ASSERT(bitget::is_plain_text(row.order_id.view()));
  return 0;
}
