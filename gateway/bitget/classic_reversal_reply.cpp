// The reply to a reversal, and the reply to a probe.
#include <cstring>

#include "gateway/bitget/classic.hpp"
#include "gateway/bitget/codes.hpp"
#include "gateway/bitget/endpoints.hpp"
#include "gateway/bitget/json.hpp"
#include "gateway/bitget/quota.hpp"
#include "gateway/bitget/verdict.hpp"

namespace backhand::bitget {

domain::ReversalReply ClassicDialect::decode_reversal(const wire::ClientOid& ours, int http_status,
                                                      std::string_view body, HeaderLookup headers) noexcept {
  domain::ReversalReply reply;
  reply.remaining_quota = remaining_quota(headers);
  json::Envelope envelope;
  json::Scalar order_id;
  json::Scalar client_oid;
  const auto read_data = [&](json::value data) {
    json::object fields;
    const auto error = data.get_object().get(fields);
    // Anything but an object names neither an order nor us: null is what comes with a no.
    if (error == simdjson::INCORRECT_TYPE) return true;
    if (error != simdjson::SUCCESS) return false;
    return json::for_each_field(fields, [&](std::string_view key, json::value content) {
      if (key == "orderId")
        return order_id.shape == json::Shape::absent && json::read_scalar(content, order_id);
      if (key != "clientOid") return true;
      return client_oid.shape == json::Shape::absent && json::read_scalar(content, client_oid);
    });
  };
  if (!json::read_envelope(parser_, body, envelope, read_data) || !envelope.has_code()) return reply;

  reply.code = wire::VenueCode(envelope.code.text);
  reply.code_class = class_of(envelope.code.text);
  reply.venue_ms = envelope.venue_ms();
  // Our own names are plain text, so an order id that is not could not be asked about and is none.
  const bool usable_id =
      order_id.given() && wire::OrderId::fits(order_id.text) && is_plain_text(order_id.text);
  reply.of_another = client_oid.given() && client_oid.text != view_of(ours);
  reply.verdict = verdict_of({
      .http_status = http_status,
      .code_class = reply.code_class,
      .precedes_first_leg = precedes_first_leg(envelope.code.text),
      .rate_limit = is_rate_limit(envelope.code.text),
      .venue_envelope = envelope.is_the_venues(),
      .has_order_id = reply.code_class == CodeClass::success ? usable_id : order_id.given(),
      .names_us = client_oid.given() && client_oid.text == view_of(ours),
      .names_another = reply.of_another,
  });
  if (reply.verdict == domain::Verdict::acked) reply.order_id = wire::OrderId(order_id.text);
  return reply;
}

ProbeReply ClassicDialect::decode_probe(int http_status, std::string_view body) const noexcept {
  // Probes are read on the dialing thread, too: a copy and a parser of each thread's own, made at its first
  // probe.
  constexpr std::size_t kLongest = 1'024;
  thread_local json::parser parser;
  std::array<char, kLongest + kReplyPadding> padded{};
  ProbeReply out;
  out.throttled = http_status == 429;
  if (body.size() > kLongest) return out;
  if (parser.capacity() == 0 && parser.allocate(kLongest) != simdjson::SUCCESS) return out;
  if (!body.empty()) std::memcpy(padded.data(), body.data(), body.size());
  json::Envelope envelope;
  json::Scalar time;
  const auto read_data = [&](json::value data) {
    json::object fields;
    const auto error = data.get_object().get(fields);
    if (error == simdjson::INCORRECT_TYPE) return true;
    if (error != simdjson::SUCCESS) return false;
    return json::for_each_field(fields, [&](std::string_view key, json::value content) {
      return key != "serverTime" || json::read_scalar(content, time);
    });
  };
  if (!json::read_envelope(parser, {padded.data(), body.size()}, envelope, read_data)) return out;
  if (!envelope.is_the_venues()) return out;
  out.code = wire::VenueCode(envelope.code.text);
  out.code_class = class_of(envelope.code.text);
  out.throttled = out.throttled || is_rate_limit(envelope.code.text);
  const auto server_time = json::to_count(time);
  out.ok = http_status == 200 && envelope.code.text == kSuccessCode && server_time;
  if (out.ok) {
    out.server_venue_ms = *server_time;
  } else if (envelope.message.given()) {
    out.message = printable<96>(envelope.message.text);
  }
  return out;
}

}  // namespace backhand::bitget
