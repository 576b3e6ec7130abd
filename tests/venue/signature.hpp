// Checks request signatures: base64(HMAC-SHA256(secret, timestamp + METHOD + target + body)).
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace backhand::venue {

class SignatureKey {
 public:
  explicit SignatureKey(std::string_view secret);
  ~SignatureKey();
  SignatureKey(SignatureKey&&) noexcept;
  SignatureKey& operator=(SignatureKey&&) noexcept;

  [[nodiscard]] bool verify(std::string_view timestamp, std::string_view method, std::string_view target,
                            std::string_view body, std::string_view signature) const;
  /// The signature itself, for tests and other programs that play a client.
  [[nodiscard]] std::string sign(std::string_view timestamp, std::string_view method, std::string_view target,
                                 std::string_view body) const;

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace backhand::venue
