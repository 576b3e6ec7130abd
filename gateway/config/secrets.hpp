// Reads the accounts' secrets from their files and keeps them in memory that is locked, left out of core
// dumps and wiped. Start-up only; the values live as long as the gateway.
#pragma once

#include <cstddef>
#include <expected>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/config.hpp"
#include "gateway/config/problem.hpp"

namespace backhand::config {

/// A piece of text that cannot be printed, formatted or copied by accident. Lives in OpenSSL's secure heap
/// (locked, guarded, not dumped) where that could be set up, and is wiped when it goes.
class Secret {
 public:
  Secret() noexcept = default;
  explicit Secret(std::string_view text);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  /// The text itself, for signing and for the venue's headers only. Valid as long as this object.
  [[nodiscard]] std::string_view reveal() const noexcept { return {bytes_, size_}; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  /// Compares without telling by its time where the two differ.
  [[nodiscard]] bool same_as(const Secret& other) const noexcept;

  friend std::ostream& operator<<(std::ostream&, const Secret&) = delete;

 private:
  void wipe() noexcept;

  char* bytes_ = nullptr;
  std::size_t size_ = 0;
};

/// What stands in a text where a secret would: there is no other way to write one.
[[nodiscard]] constexpr std::string_view to_string(const Secret&) noexcept { return "[redacted]"; }

struct AccountSecrets {
  Secret key;
  Secret secret;
  Secret passphrase;
};

/// No secret of the venue comes near this length.
inline constexpr std::size_t kMaxSecretBytes = 1'024;

/// Reads every account's three files, in the order of `config.accounts`; all problems together. A name
/// without
/// '/' is looked up in `credentials_dir` (what systemd calls $CREDENTIALS_DIRECTORY; empty: there is none);
/// any other must be a regular file of ours or root's that nobody else may read, but a group of ours where it
/// is root's. Symbolic links count where nobody but root and we can turn them. With `unread`, names that
/// could not be looked up since there is no credentials directory are put there and are no problem. One
/// newline at the end is dropped; the rest must be printable ASCII. Two accounts with the same API key are
/// refused: the venue would count them as one.
[[nodiscard]] std::expected<std::vector<AccountSecrets>, std::vector<Problem>> load_secrets(
    const Config& config, const std::string& credentials_dir, std::vector<Problem>* unread = nullptr);

/// Whether secrets lie in locked memory; false where the system's limit on it is too low. After load_secrets.
[[nodiscard]] bool secrets_are_locked() noexcept;

}  // namespace backhand::config
