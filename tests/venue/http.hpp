// One HTTP exchange as the venue's logic sees it, and how it looks on the wire. No sockets: the TLS server
// and the simulation bring the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/time.hpp"

namespace backhand::venue {

struct Header {
  std::string_view name;  ///< Compared without regard to case.
  std::string_view value;
};

/// A view of a request; valid as long as the bytes it was parsed from.
struct HttpRequest {
  std::string_view method;
  std::string_view target;  ///< Path with its query, exactly as sent: the signature covers these bytes.
  std::vector<Header> headers;
  std::string_view body;

  /// Value of the first header with this name (lower case here), without surrounding blanks; empty: absent.
  [[nodiscard]] std::string_view header(std::string_view lower_case_name) const noexcept;
};

/// What the transport does with a reply.
enum class Delivery : std::uint8_t {
  normal,
  slices,    ///< One byte at a time.
  truncate,  ///< The first half of the bytes, then end of stream.
  close,     ///< End of stream without a byte.
  reset,     ///< Connection reset without a byte.
  stall,     ///< Nothing, ever; the connection stays open.
};

struct HttpResponse {
  int status = 200;
  std::string body;
  std::string trace_id;  ///< Header x-traceid.
  int remaining = -1;    ///< Header x-mbx-used-remain-limit: calls left of this endpoint; -1: not sent.
  bool json = true;      ///< application/json; else text/html.
  bool chunked = true;   ///< Transfer-Encoding: chunked; else Content-Length.
  Delivery delivery = Delivery::normal;
  Ns delay = 0;  ///< How long the transport holds the reply back.
};

/// The whole reply as HTTP/1.1 bytes. `close`: says "Connection: close". What `delivery` asks for is the
/// transport's business.
[[nodiscard]] std::string to_http(const HttpResponse& response, bool close = false);

enum class ParseStatus : std::uint8_t {
  complete,
  incomplete,  ///< More bytes are needed.
  malformed,
};

/// Reads one request with a Content-Length or without a body from the start of `bytes` (as the gateway sends
/// them); `used` is its length when complete. The views of `out` point into `bytes`.
[[nodiscard]] ParseStatus parse_request(std::string_view bytes, HttpRequest& out, std::size_t& used);

}  // namespace backhand::venue
