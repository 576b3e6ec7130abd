// Secrets are taken only from files that nobody else can read, and never shown.
#include "gateway/config/secrets.hpp"

#include <concepts>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <string>
#include <type_traits>

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/config/load.hpp"

namespace backhand::config {
namespace {

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };
static_assert(!Printable<Secret>, "a secret must not be printable");
static_assert(!std::is_copy_constructible_v<Secret> && !std::is_convertible_v<Secret, std::string_view>);

class Secrets : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "/backhand-secrets-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = std::filesystem::canonical(name).string();
    config_.file = "c.toml";
    put("k", "the-key");
    put("s", "the-secret");
    put("p", "the-passphrase");
    add_account("main", "k", "s", "p");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void put(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    std::ofstream{folder_ + "/" + name} << text;
    ASSERT_EQ(::chmod((folder_ + "/" + name).c_str(), mode), 0);
  }
  void add_account(const std::string& name, const std::string& key, const std::string& secret,
                   const std::string& passphrase) {
    Account account;
    account.name = name;
    account.key_file = folder_ + "/" + key;
    account.secret_file = folder_ + "/" + secret;
    account.passphrase_file = folder_ + "/" + passphrase;
    account.key_place = {1, 2};
    account.secret_place = {3, 4};
    account.passphrase_place = {5, 6};
    config_.accounts.push_back(account);
  }
  [[nodiscard]] std::string messages(const std::string& credentials_dir = {}) const {
    const auto secrets = load_secrets(config_, credentials_dir);
    std::string out = secrets ? std::string{} : to_string(secrets.error());
    for (auto at = out.find(folder_); at != std::string::npos; at = out.find(folder_)) {
      out.replace(at, folder_.size(), "DIR");
    }
    return out;
  }

  std::string folder_;
  Config config_;
};

TEST_F(Secrets, AreReadWithoutTheNewlineAtTheEnd) {
  put("k", "the-key\n");
  put("p", "pass phrase\r\n");
  const auto secrets = load_secrets(config_, {});
  ASSERT_TRUE(secrets.has_value()) << to_string(secrets.error());
  ASSERT_EQ(secrets->size(), 1U);
  EXPECT_EQ((*secrets)[0].key.reveal(), "the-key");
  EXPECT_EQ((*secrets)[0].secret.reveal(), "the-secret");
  EXPECT_EQ((*secrets)[0].passphrase.reveal(), "pass phrase");
  EXPECT_EQ(to_string((*secrets)[0].secret), "[redacted]");
}

TEST_F(Secrets, OfLooseModeAreRefusedTogetherWithAllOtherProblems) {
  put("k", "the-key", 0620);
  put("s", "the-secret", 0604);
  std::filesystem::remove(folder_ + "/p");
  EXPECT_EQ(messages(),
            "c.toml:1:2: accounts[0].key_file: DIR/k can be reached by others (mode 0620): chmod 600 it\n"
            "c.toml:3:4: accounts[0].secret_file: DIR/s can be reached by others (mode 0604): chmod 600 it\n"
            "c.toml:5:6: accounts[0].passphrase_file: DIR/p cannot be opened: No such file or directory\n");
}

TEST_F(Secrets, MustBeRegularFiles) {
  std::filesystem::remove(folder_ + "/k");
  std::filesystem::create_directory(folder_ + "/k");
  std::filesystem::remove(folder_ + "/p");
  ASSERT_EQ(::mkfifo((folder_ + "/p").c_str(), 0600), 0);
  EXPECT_EQ(messages(),
            "c.toml:1:2: accounts[0].key_file: DIR/k is not a regular file\n"
            "c.toml:5:6: accounts[0].passphrase_file: DIR/p is not a regular file\n");
}

/// A volume as Kubernetes lays it out: key -> ..data/key, ..data -> ..2026_11_29/, all of root's and sticky.
TEST_F(Secrets, MayBeLinksThatOthersCannotTurn) {
  std::filesystem::create_directory(folder_ + "/..2026_11_29");
  for (const char* name : {"k", "s", "p"}) {
    std::filesystem::rename(folder_ + "/" + name, folder_ + "/..2026_11_29/" + name);
    std::filesystem::create_symlink(std::string{"..data/"} + name, folder_ + "/" + name);
  }
  std::filesystem::create_directory_symlink("..2026_11_29", folder_ + "/..data");
  const auto secrets = load_secrets(config_, {});
  ASSERT_TRUE(secrets.has_value()) << to_string(secrets.error());
  EXPECT_EQ((*secrets)[0].secret.reveal(), "the-secret");
  ASSERT_EQ(::chmod(folder_.c_str(), 01777), 0);
  EXPECT_EQ(messages(), "");
  ASSERT_EQ(::chmod(folder_.c_str(), 0777), 0);
  EXPECT_TRUE(messages().starts_with(
      "c.toml:1:2: accounts[0].key_file: DIR/k leads through the symbolic link DIR/k, which others than root "
      "and this gateway can turn: name the file itself\n"))
      << messages();
  ASSERT_EQ(::chmod(folder_.c_str(), 0700), 0);
  std::filesystem::remove(folder_ + "/k");
  std::filesystem::create_symlink("k", folder_ + "/k");
  EXPECT_TRUE(messages().starts_with("c.toml:1:2: accounts[0].key_file: DIR/k leads through too many links"));
}

/// In a process of another user's, as root cannot be refused.
TEST_F(Secrets, OfRootMayBeReadThroughAGroupOfOurs) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be somebody else";
  constexpr gid_t kGroup = 54'321;
  ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
  for (const char* name : {"k", "s", "p"}) {
    ASSERT_EQ(::chown((folder_ + "/" + name).c_str(), 0, kGroup), 0);
    ASSERT_EQ(::chmod((folder_ + "/" + name).c_str(), 0440), 0);
  }
  const auto as_user = [&](gid_t group, const std::string& expected) {
    const pid_t child = ::fork();
    if (child == 0) {
      const bool changed = ::setgroups(1, &group) == 0 && ::setgid(12'345) == 0 && ::setuid(12'345) == 0;
      ::_exit(changed && messages().starts_with(expected) && messages().empty() == expected.empty() ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  };
  EXPECT_TRUE(as_user(kGroup, ""));
  EXPECT_TRUE(
      as_user(kGroup + 1, "c.toml:1:2: accounts[0].key_file: DIR/k cannot be opened: Permission denied"));
  for (const mode_t loose : {0460U, 0444U, 0442U}) {
    ASSERT_EQ(::chmod((folder_ + "/k").c_str(), loose), 0);
    EXPECT_TRUE(as_user(kGroup, "c.toml:1:2: accounts[0].key_file: DIR/k can be reached by others (mode 0"))
        << std::oct << loose;
  }
}

TEST_F(Secrets, MustBeOneLineOfPrintableText) {
  put("k", "\n");
  put("s", "two\nlines");
  put("p", std::string(kMaxSecretBytes + 1, 'x'));
  EXPECT_EQ(
      messages(),
      "c.toml:1:2: accounts[0].key_file: DIR/k is empty\n"
      "c.toml:3:4: accounts[0].secret_file: DIR/s holds something other than one line of printable ASCII\n"
      "c.toml:5:6: accounts[0].passphrase_file: DIR/p is longer than 1024 bytes\n");
  put("k", "");
  put("s",
      "gr\xc3\xb6\xc3\x9f"
      "e");
  put("p", " padded");
  EXPECT_EQ(
      messages(),
      "c.toml:1:2: accounts[0].key_file: DIR/k is empty\n"
      "c.toml:3:4: accounts[0].secret_file: DIR/s holds something other than one line of printable ASCII\n"
      "c.toml:5:6: accounts[0].passphrase_file: DIR/p starts or ends with a space\n");
  put("k", std::string(kMaxSecretBytes, 'x') + "\r\n");
  put("s", "the-secret");
  put("p", "the-passphrase");
  EXPECT_EQ(messages(), "") << "the longest secret with its line end must fit";
}

TEST_F(Secrets, OfAnotherUserAreRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  ASSERT_EQ(::chown((folder_ + "/k").c_str(), 12'345, 12'345), 0);
  EXPECT_EQ(messages(),
            "c.toml:1:2: accounts[0].key_file: DIR/k belongs to user 12345: it must be this gateway's or "
            "root's\n");
}

TEST_F(Secrets, AreFoundByNameInTheCredentialsDirectoryWhateverItsModes) {
  put("main.key", "credential", 0440);
  config_.accounts[0].key_file = "main.key";
  const auto secrets = load_secrets(config_, folder_);
  ASSERT_TRUE(secrets.has_value()) << to_string(secrets.error());
  EXPECT_EQ((*secrets)[0].key.reveal(), "credential");
  EXPECT_EQ(messages(),
            "c.toml:1:2: accounts[0].key_file: \"main.key\" names a systemd credential, but there is no "
            "credentials directory; for a file beside the configuration write \"./main.key\"\n");
  std::vector<Problem> unread;
  EXPECT_TRUE(load_secrets(config_, {}, &unread).has_value());
  EXPECT_EQ(
      to_string(unread),
      "c.toml:1:2: accounts[0].key_file: \"main.key\" was not looked at: systemd gives it to the service "
      "when that starts\n");
  put("s", "the-secret", 0604);
  EXPECT_FALSE(load_secrets(config_, {}, &unread).has_value()) << "the files are looked at all the same";
}

TEST_F(Secrets, OfTwoAccountsMustNotShareAKey) {
  put("k2", "the-key\n");
  add_account("other", "k2", "s", "p");
  EXPECT_EQ(messages(),
            "c.toml:1:2: accounts[1].key_file: holds the same API key as account \"main\": the venue would "
            "count both as one\n");
}

TEST_F(Secrets, AndConfigurationAreCheckedInOneGo) {
  put("k", "the-key", 0666);
  const std::string path = folder_ + "/c.toml";
  put("c.toml",
      "environment = \"demo\"\ndry_rum = true\ngateway.state_dir = \".\"\n[[accounts]]\nname = "
      "\"main\"\nkey_file = \"./k\"\n"
      "secret_file = \"./s\"\npassphrase_file = \"./p\"\n[[instruments]]\nsymbol = \"ETHUSDT\"\n"
      "product = 1\n");
  const auto both = load_with_secrets(path, {});
  ASSERT_FALSE(both.has_value());
  EXPECT_EQ(to_string(both.error()),
            path + ":2:1: dry_rum: unknown key; did you mean \"dry_run\"?\n" + path +
                ":6:12: accounts[0].key_file: " + folder_ +
                "/k can be reached by others (mode 0666): chmod 600 it\n" + path +
                ":11:11: instruments[0].product: must be a string, not an integer\n");
}

TEST_F(Secrets, ComeWithTheConfigurationWhereAllIsWell) {
  put("c.toml",
      "environment = \"demo\"\ngateway.state_dir = \".\"\n[[accounts]]\nname = \"main\"\nkey_file = "
      "\"./k\"\nsecret_file = \"./s\"\n"
      "passphrase_file = \"./p\"\n[[instruments]]\nsymbol = \"ETHUSDT\"\nproduct = \"USDT-FUTURES\"\n");
  const auto both = load_with_secrets(folder_ + "/c.toml", {});
  ASSERT_TRUE(both.has_value()) << to_string(both.error());
  EXPECT_EQ(both->config.accounts[0].name, "main");
  EXPECT_EQ(both->secrets[0].passphrase.reveal(), "the-passphrase");
}

TEST(Secret, MovesAndCompares) {
  Secret a{"one"};
  const Secret same{"one"};
  const Secret other{"two"};
  EXPECT_TRUE(a.same_as(same));
  EXPECT_FALSE(a.same_as(other));
  EXPECT_FALSE(a.same_as(Secret{}));
  Secret moved{std::move(a)};
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): a moved-from secret is promised to be empty.
  EXPECT_EQ(moved.reveal(), "one");
  moved = Secret{"three"};
  EXPECT_EQ(moved.reveal(), "three");
  EXPECT_TRUE(Secret{""}.empty());
}

}  // namespace
}  // namespace backhand::config
