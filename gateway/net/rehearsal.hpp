// A TLS session with ourselves over memory: both ends, no socket. What is encrypted into it can leave
// nowhere, so the way of a request and its reply through TLS and HTTP can be walked at will between two shots
// and stays in the caches. Made before the loop starts; then I/O thread only, without allocation.
#pragma once

#include <expected>
#include <memory>
#include <span>
#include <string_view>

#include "common/error.hpp"
#include "gateway/net/handler.hpp"

namespace backhand::net {

class Rehearsal {
 public:
  /// `reply`: a whole HTTP/1.1 reply, as the venue would write it; must outlive this. Makes a key and a
  /// certificate of its own.
  [[nodiscard]] static std::expected<std::unique_ptr<Rehearsal>, Error> create(std::string_view reply);
  virtual ~Rehearsal() = default;
  Rehearsal(const Rehearsal&) = delete;
  Rehearsal& operator=(const Rehearsal&) = delete;

  /// Encrypts `bytes` as for a request, and drops the record.
  virtual void request(std::span<const char> bytes) noexcept = 0;
  /// Decrypts and parses the reply to it. Null where there was no request, or TLS refused it; the view lives
  /// until the next call.
  [[nodiscard]] virtual const ReplyView* reply() noexcept = 0;

 protected:
  Rehearsal() = default;
};

}  // namespace backhand::net
