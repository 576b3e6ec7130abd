#include "gateway/config/secrets.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <climits>
#include <cstring>
#include <new>
#include <utility>

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

namespace backhand::config {
namespace {

/// Room for a file of the longest secret, its newline, and one byte that proves it too long.
using Buffer = std::array<char, kMaxSecretBytes + 3>;

struct WipedBuffer {
  Buffer bytes{};
  WipedBuffer() = default;
  WipedBuffer(const WipedBuffer&) = delete;
  WipedBuffer& operator=(const WipedBuffer&) = delete;
  ~WipedBuffer() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

struct Descriptor {
  int fd;
  explicit Descriptor(int number) noexcept : fd(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

bool heap_is_locked = false;

/// The process's secure heap, large enough for the secrets of so many accounts. Set up once: it cannot grow.
void prepare_secure_heap(std::size_t accounts) {
  if (CRYPTO_secure_malloc_initialized() != 0) return;
  // Three secrets an account, each rounded up to a power of two and rarely above 128 bytes, twice over.
  const std::size_t size = std::bit_ceil(std::max<std::size_t>(accounts * 3 * 256, 65'536));
  // 1: as wished. 2: it works, but could not be locked, guarded or kept out of core dumps.
  heap_is_locked = CRYPTO_secure_malloc_init(size, 32) == 1;
}

bool is_our_group(gid_t group) {
  if (group == ::getegid()) return true;
  std::array<gid_t, 256> groups{};
  const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  return count > 0 && std::find(groups.begin(), groups.begin() + count, group) != groups.begin() + count;
}

/// Whether nobody but root and we can put something else in the place of what stands in `folder`.
bool is_ours_alone(const std::string& folder) {
  struct stat status{};
  if (::stat(folder.c_str(), &status) != 0) return false;
  const bool by_others = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  // With the sticky bit others may add to it, but not replace.
  return (status.st_uid == 0 || status.st_uid == ::geteuid()) &&
         (!by_others || (status.st_mode & S_ISVTX) != 0);
}

/// The file that `path` leads to. A link could be turned to another file of ours, whose text would then be
/// sent to the venue as a header: so a link counts only where nobody but root and we could have made or
/// turned it, as those of a Kubernetes secret.
std::expected<std::string, std::string> follow(const std::string& path) {
  constexpr int kMostLinks = 16;
  std::string done;
  std::string rest = path;
  for (int links = 0; !rest.empty();) {
    const auto begin = rest.find_first_not_of('/');
    if (begin == std::string::npos) break;
    const auto end = std::min(rest.find('/', begin), rest.size());
    const std::string part = rest.substr(begin, end - begin);
    rest.erase(0, end);
    std::string here = done;
    here.append("/").append(part);
    struct stat status{};
    if (::lstat(here.c_str(), &status) != 0)
      return std::unexpected("cannot be opened: " + std::string{std::strerror(errno)});
    if (!S_ISLNK(status.st_mode)) {
      done = here;
      continue;
    }
    if (++links > kMostLinks) return std::unexpected("leads through too many links");
    if ((status.st_uid != 0 && status.st_uid != ::geteuid()) || !is_ours_alone(done.empty() ? "/" : done)) {
      return std::unexpected("leads through the symbolic link " + here +
                             ", which others than root and this gateway can turn: name the file itself");
    }
    std::array<char, PATH_MAX> target{};
    const ssize_t size = ::readlink(here.c_str(), target.data(), target.size());
    if (size <= 0) return std::unexpected("cannot be opened: " + std::string{std::strerror(errno)});
    const std::string to{target.data(), static_cast<std::size_t>(size)};
    if (to.front() == '/') done.clear();
    rest.insert(0, to);
  }
  return done;
}

std::expected<void, std::string> check_file(const struct stat& status, bool is_credential) {
  if (!S_ISREG(status.st_mode)) return std::unexpected("is not a regular file");
  // systemd owns the credentials directory and opens it to this service alone; the modes in it are systemd's.
  if (is_credential) return {};
  if (status.st_uid != ::geteuid() && status.st_uid != 0) {
    return std::unexpected("belongs to user " + std::to_string(status.st_uid) +
                           ": it must be this gateway's or root's");
  }
  // A secret of Kubernetes belongs to root and to a group of the process (fsGroup), which reads it through
  // that.
  const bool by_our_group = status.st_uid == 0 && is_our_group(status.st_gid);
  if ((status.st_mode & (by_our_group ? 0037U : 0077U)) != 0) {
    constexpr std::string_view kOctal = "01234567";
    std::string mode = "0";
    for (const unsigned shift : {6U, 3U, 0U}) mode += kOctal[(status.st_mode >> shift) & 7U];
    return std::unexpected(
        "can be reached by others (mode " + mode + "): chmod 600 it" +
        (status.st_uid == 0 && ::geteuid() != 0
             ? "; of a Kubernetes secret: defaultMode 0440, and fsGroup a group of this process"
             : ""));
  }
  return {};
}

/// The text of one file without the newline at its end.
std::expected<Secret, std::string> read_secret(const std::string& path, bool is_credential) {
  const auto target = follow(path);
  if (!target) return std::unexpected(target.error());
  const Descriptor file{::open(target->c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  if (file.fd < 0) return std::unexpected("cannot be opened: " + std::string{std::strerror(errno)});
  struct stat status{};
  if (::fstat(file.fd, &status) != 0) {
    return std::unexpected("cannot be looked at: " + std::string{std::strerror(errno)});
  }
  if (const auto good = check_file(status, is_credential); !good) return std::unexpected(good.error());
  WipedBuffer buffer;
  std::size_t size = 0;
  while (size < buffer.bytes.size()) {
    const ssize_t got = ::read(file.fd, buffer.bytes.data() + size, buffer.bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected("cannot be read: " + std::string{std::strerror(errno)});
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  std::string_view text{buffer.bytes.data(), size};
  if (text.ends_with('\n')) text.remove_suffix(text.ends_with("\r\n") ? 2 : 1);
  if (text.empty()) return std::unexpected("is empty");
  if (text.size() > kMaxSecretBytes) {
    return std::unexpected("is longer than " + std::to_string(kMaxSecretBytes) + " bytes");
  }
  if (!std::ranges::all_of(text, [](char c) { return c >= 0x20 && c <= 0x7e; })) {
    return std::unexpected("holds something other than one line of printable ASCII");
  }
  if (text.front() == ' ' || text.back() == ' ') return std::unexpected("starts or ends with a space");
  return Secret{text};
}

bool is_credential_name(const std::string& name) {
  return !name.empty() && name.find('/') == std::string::npos;
}

/// One of the three of an account: a path, or a name in the credentials directory.
std::expected<Secret, std::string> read_named(const std::string& name, const std::string& credentials_dir) {
  if (name.empty()) return std::unexpected("is missing");
  std::string path = name;
  const bool is_credential = is_credential_name(name);
  if (is_credential) {
    if (credentials_dir.empty()) {
      return std::unexpected("\"" + name +
                             "\" names a systemd credential, but there is no credentials directory; for a "
                             "file beside the configuration write \"./" +
                             name + "\"");
    }
    path = credentials_dir + "/" + name;
  }
  auto secret = read_secret(path, is_credential);
  if (!secret) return std::unexpected(path + " " + secret.error());
  return secret;
}

}  // namespace

Secret::Secret(std::string_view text) {
  if (text.empty()) return;
  bytes_ = static_cast<char*>(OPENSSL_secure_malloc(text.size()));
  // A full secure heap is no reason not to start; `OPENSSL_secure_clear_free` knows both kinds.
  if (bytes_ == nullptr) bytes_ = static_cast<char*>(OPENSSL_malloc(text.size()));
  if (bytes_ == nullptr) throw std::bad_alloc{};
  std::memcpy(bytes_, text.data(), text.size());
  size_ = text.size();
}

Secret::Secret(Secret&& other) noexcept
    : bytes_(std::exchange(other.bytes_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    bytes_ = std::exchange(other.bytes_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Secret::~Secret() { wipe(); }

void Secret::wipe() noexcept {
  OPENSSL_secure_clear_free(bytes_, size_);
  bytes_ = nullptr;
  size_ = 0;
}

bool Secret::same_as(const Secret& other) const noexcept {
  return size_ == other.size_ && (size_ == 0 || CRYPTO_memcmp(bytes_, other.bytes_, size_) == 0);
}

bool secrets_are_locked() noexcept { return heap_is_locked; }

std::expected<std::vector<AccountSecrets>, std::vector<Problem>> load_secrets(
    const Config& config, const std::string& credentials_dir, std::vector<Problem>* unread) {
  prepare_secure_heap(config.accounts.size());
  std::vector<AccountSecrets> out(config.accounts.size());
  std::vector<Problem> problems;
  for (std::size_t i = 0; i < config.accounts.size(); ++i) {
    const Account& account = config.accounts[i];
    const std::string list = "accounts[" + std::to_string(i) + "].";
    const auto read = [&](const std::string& name, const char* key, Place place, Secret& into) {
      if (unread != nullptr && credentials_dir.empty() && is_credential_name(name)) {
        unread->push_back(
            {config.file, place, list + key,
             "\"" + name + "\" was not looked at: systemd gives it to the service when that starts"});
        return;
      }
      auto secret = read_named(name, credentials_dir);
      if (secret) {
        into = std::move(*secret);
      } else {
        problems.push_back({config.file, place, list + key, std::move(secret.error())});
      }
    };
    read(account.key_file, "key_file", account.key_place, out[i].key);
    read(account.secret_file, "secret_file", account.secret_place, out[i].secret);
    read(account.passphrase_file, "passphrase_file", account.passphrase_place, out[i].passphrase);
    for (std::size_t earlier = 0; earlier < i; ++earlier) {
      if (out[i].key.empty() || !out[i].key.same_as(out[earlier].key)) continue;
      problems.push_back({config.file, account.key_place, list + "key_file",
                          "holds the same API key as account \"" + config.accounts[earlier].name +
                              "\": the venue would count both as one"});
      break;
    }
  }
  if (!problems.empty()) return std::unexpected(std::move(problems));
  return out;
}

}  // namespace backhand::config
