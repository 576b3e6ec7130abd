// An account's key, secret and passphrase, kept in OpenSSL's secure heap where one was set up, wiped when
// freed. Never printable, never copied.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <string_view>
#include <utility>

namespace backhand::bitget {

/// A text in memory that is wiped before it is given back. Move-only.
class SecretText {
 public:
  SecretText() noexcept = default;
  /// Copies `text`; the caller wipes its own copy. Throws std::bad_alloc (set-up only).
  explicit SecretText(std::string_view text);
  SecretText(SecretText&& other) noexcept
      : bytes_(std::exchange(other.bytes_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  SecretText& operator=(SecretText&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
    return *this;
  }
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;
  ~SecretText();

  /// For signing and for the request's headers only.
  [[nodiscard]] std::string_view reveal() const noexcept { return {bytes_, size_}; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  friend std::ostream& operator<<(std::ostream&, const SecretText&) = delete;

 private:
  char* bytes_ = nullptr;
  std::size_t size_ = 0;
};

struct Credentials {
  SecretText key;
  SecretText secret;
  SecretText passphrase;
};

}  // namespace backhand::bitget
