// TOML text → one checked Config. All problems are reported together; only a syntax error hides what follows
// it. Called before the loop starts; these functions may allocate and read files.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/config.hpp"
#include "gateway/config/problem.hpp"
#include "gateway/config/secrets.hpp"

namespace backhand::config {

/// A larger file is refused: it is not a configuration.
inline constexpr std::size_t kMaxConfigBytes = 4'194'304;

/// Reads and checks the file at `path`. Problems are sorted by place. `warnings`, where given, receives what
/// is allowed but should be looked at, also when there are problems. Relative paths in the file are taken
/// from the file's own folder.
[[nodiscard]] std::expected<Config, std::vector<Problem>> load(const std::string& path,
                                                               std::vector<Problem>* warnings = nullptr);

/// The same for text in memory; `file_name` is what messages call it and where relative paths start.
[[nodiscard]] std::expected<Config, std::vector<Problem>> load_text(std::string_view text,
                                                                    const std::string& file_name,
                                                                    std::vector<Problem>* warnings = nullptr);

struct Loaded {
  Config config;
  std::vector<AccountSecrets> secrets;  ///< In the order of Config::accounts.
};

/// `load`, `check_folders`, `check_machine` and `load_secrets` in one, so that a bad key, a folder that
/// everybody may write to and a secret file with a loose mode are told together. `unread`: as `load_secrets`
/// has it.
[[nodiscard]] std::expected<Loaded, std::vector<Problem>> load_with_secrets(
    const std::string& path, const std::string& credentials_dir, std::vector<Problem>* warnings = nullptr,
    std::vector<Problem>* unread = nullptr);

}  // namespace backhand::config
