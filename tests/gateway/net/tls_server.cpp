#include "tests/gateway/net/tls_server.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/assert.hpp"

namespace backhand::net::testing {
namespace {

struct Certificate {
  EVP_PKEY* key = nullptr;
  X509* x509 = nullptr;
};

void add_extension(X509* x509, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, x509, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  BH_ASSERT(extension != nullptr);
  X509_add_ext(x509, extension, -1);
  X509_EXTENSION_free(extension);
}

/// `issuer` null: signed by itself. Days count from now.
Certificate make_certificate(const char* name, const Certificate* issuer, bool is_authority,
                             const char* alt_names, int from_day, int to_day) {
  static std::atomic<int> serial = 1;
  Certificate made;
  made.key = EVP_EC_gen("P-256");
  made.x509 = X509_new();
  BH_ASSERT(made.key != nullptr && made.x509 != nullptr);
  X509_set_version(made.x509, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made.x509), serial++);
  X509_gmtime_adj(X509_getm_notBefore(made.x509), from_day * 86'400L);
  X509_gmtime_adj(X509_getm_notAfter(made.x509), to_day * 86'400L);
  X509_set_pubkey(made.x509, made.key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.x509), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509* signer = issuer != nullptr ? issuer->x509 : made.x509;
  X509_set_issuer_name(made.x509, X509_get_subject_name(signer));
  add_extension(made.x509, signer, NID_basic_constraints,
                is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (alt_names != nullptr) add_extension(made.x509, signer, NID_subject_alt_name, alt_names);
  X509_sign(made.x509, issuer != nullptr ? issuer->key : made.key, EVP_sha256());
  return made;
}

const Certificate& authority() {
  static const Certificate kAuthority = make_certificate("Test Authority", nullptr, true, nullptr, -2, 30);
  return kAuthority;
}

Certificate make_leaf(CertificateKind kind) {
  static const Certificate kStranger = make_certificate("Unknown Authority", nullptr, true, nullptr, -2, 30);
  const char* names = "DNS:localhost,IP:127.0.0.1";
  switch (kind) {
    case CertificateKind::good:
      return make_certificate("localhost", &authority(), false, names, -2, 30);
    case CertificateKind::expired:
      return make_certificate("localhost", &authority(), false, names, -2, -1);
    case CertificateKind::self_signed:
      return make_certificate("localhost", nullptr, false, names, -2, 30);
    case CertificateKind::wrong_host:
      return make_certificate("elsewhere", &authority(), false, "DNS:elsewhere.example", -2, 30);
    case CertificateKind::unknown_authority:
      return make_certificate("localhost", &kStranger, false, names, -2, 30);
  }
  return {};
}

void poke(int fd) {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(fd, &one, sizeof one);
}

/// Length of the first whole request in `pending`; 0 where there is none yet.
std::size_t request_length(const std::string& pending) {
  const std::size_t head = pending.find("\r\n\r\n");
  if (head == std::string::npos) return 0;
  const std::size_t field = pending.find("Content-Length: ");
  const std::size_t body = field < head ? std::strtoul(pending.c_str() + field + 16, nullptr, 10) : 0;
  return pending.size() >= head + 4 + body ? head + 4 + body : 0;
}

/// A file that goes away with the process.
std::string put_into_file(const Certificate& certificate) {
  static std::vector<std::string> to_remove;
  if (to_remove.empty()) {
    std::atexit([] {
      for (const std::string& path : to_remove) ::unlink(path.c_str());
    });
  }
  std::string path = "/tmp/backhand-net-test-XXXXXX";
  const int fd = ::mkstemp(path.data());
  BH_ASSERT(fd >= 0);
  std::FILE* file = ::fdopen(fd, "w");
  PEM_write_X509(file, certificate.x509);
  std::fclose(file);
  to_remove.push_back(path);
  return path;
}

}  // namespace

const std::string& authority_file() {
  static const std::string kPath = put_into_file(authority());
  return kPath;
}

const std::string& other_authority_file() {
  static const Certificate kOther = make_certificate("Another Authority", nullptr, true, nullptr, -2, 30);
  static const std::string kPath = put_into_file(kOther);
  return kPath;
}

std::string http_reply(std::string_view body, int status) {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}

void Peer::write(std::string_view bytes) {
  while (!bytes.empty() && open()) {
    const int written = SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
    if (written <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void Peer::write_slowly(std::string_view bytes) {
  for (const char& byte : bytes) write({&byte, 1});
}

void Peer::reply(std::string_view body, int status) { write(http_reply(body, status)); }

void Peer::close() {
  if (!open()) return;
  SSL_shutdown(ssl_);
  cut();
}

void Peer::cut() {
  if (!open()) return;
  ::close(fd_);
  fd_ = -1;
}

void Peer::half_close() {
  if (!open()) return;
  SSL_shutdown(ssl_);
  ::shutdown(fd_, SHUT_WR);
}

void Peer::reset() {
  if (!open()) return;
  const linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  cut();
}

void Peer::update_keys() {
  SSL_key_update(ssl_, SSL_KEY_UPDATE_REQUESTED);
  SSL_do_handshake(ssl_);
}

TlsServer::TlsServer(Handler handler, CertificateKind kind, bool only_tls_1_2)
    : handler_(std::move(handler)) {
  // OpenSSL's socket BIO writes without MSG_NOSIGNAL.
  std::signal(SIGPIPE, SIG_IGN);
  (void)authority();
  const Certificate leaf = make_leaf(kind);
  context_ = SSL_CTX_new(TLS_server_method());
  if (only_tls_1_2) SSL_CTX_set_max_proto_version(context_, TLS1_2_VERSION);
  SSL_CTX_use_certificate(context_, leaf.x509);
  SSL_CTX_use_PrivateKey(context_, leaf.key);
  X509_free(leaf.x509);
  EVP_PKEY_free(leaf.key);
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  BH_ASSERT(::bind(listener_, reinterpret_cast<sockaddr*>(&address), length) == 0);
  BH_ASSERT(::listen(listener_, 64) == 0);
  BH_ASSERT(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  port_ = ntohs(address.sin_port);
  stop_fd_ = ::eventfd(0, EFD_CLOEXEC);
  acceptor_ = std::thread([this] { accept_all(); });
}

TlsServer::~TlsServer() {
  stopping_ = true;
  poke(stop_fd_);
  acceptor_.join();
  for (const auto& served : served_) poke(served->wake_fd);
  for (const auto& served : served_) {
    served->thread.join();
    ::close(served->wake_fd);
  }
  ::close(listener_);
  ::close(stop_fd_);
  SSL_CTX_free(context_);
}

void TlsServer::accept_all() {
  for (;;) {
    pollfd fds[2] = {{listener_, POLLIN, 0}, {stop_fd_, POLLIN, 0}};
    ::poll(fds, 2, -1);
    if (stopping_) return;
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const int one = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    const std::lock_guard lock(mutex_);
    served_.push_back(std::make_unique<Served>());
    Served& served = *served_.back();
    served.wake_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    const int number = ++accepted_;
    served.thread = std::thread([this, fd, number, &served] { serve(fd, number, served); });
  }
}

void TlsServer::serve(int fd, int number, Served& served) {
  SSL* ssl = SSL_new(context_);
  SSL_set_fd(ssl, fd);
  Peer peer(ssl, fd, number);
  if (SSL_accept(ssl) == 1) serve_established(peer, served);
  ERR_clear_error();
  peer.cut();
  SSL_free(ssl);
  served.over = true;
  ++ended_;
}

void TlsServer::serve_established(Peer& peer, Served& served) {
  std::string pending;
  {
    const std::lock_guard lock(mutex_);
    served.commands_seen = command_number_;  // Earlier ones are not for a new connection.
  }
  while (peer.open()) {
    pollfd fds[2] = {{peer.fd_, POLLIN, 0}, {served.wake_fd, POLLIN, 0}};
    ::poll(fds, 2, -1);
    if (stopping_) return;
    std::uint64_t pokes = 0;
    [[maybe_unused]] const ssize_t got = ::read(served.wake_fd, &pokes, sizeof pokes);
    std::function<void(Peer&)> command;
    int number = 0;
    {
      const std::lock_guard lock(mutex_);
      number = command_number_;
      if (served.commands_seen != number) command = command_;
    }
    if (command) command(peer);
    served.commands_seen = number;
    if (fds[0].revents == 0 || !peer.open()) continue;
    if (!read_some(peer, pending)) return;
  }
}

bool TlsServer::read_some(Peer& peer, std::string& pending) {
  char bytes[4096];
  do {
    const int got = SSL_read(peer.ssl_, bytes, sizeof bytes);
    if (got <= 0) {
      if (SSL_get_error(peer.ssl_, got) == SSL_ERROR_SYSCALL && errno == ECONNRESET) ++reset_by_client_;
      return false;
    }
    pending.append(bytes, static_cast<std::size_t>(got));
  } while (SSL_pending(peer.ssl_) > 0);
  while (const std::size_t length = request_length(pending)) {
    const std::string request = pending.substr(0, length);
    pending.erase(0, length);
    {
      const std::lock_guard lock(mutex_);
      request_lines_.push_back(request.substr(0, request.find("\r\n")));
    }
    ++peer.requests_;
    handler_(peer, request);
    if (!peer.open()) return false;
  }
  return true;
}

void TlsServer::command(std::function<void(Peer&)> command) {
  std::vector<Served*> targets;
  int number = 0;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& served : served_) {
      if (!served->over) targets.push_back(served.get());
    }
    number = ++command_number_;
    command_ = std::move(command);
    for (const Served* served : targets) poke(served->wake_fd);
  }
  for (const Served* served : targets) {
    while (!served->over && served->commands_seen < number) std::this_thread::yield();
  }
}

std::vector<std::string> TlsServer::request_lines() {
  const std::lock_guard lock(mutex_);
  return request_lines_;
}

}  // namespace backhand::net::testing
