#include "bench/round_trip/spin_venue.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.hpp"
#include "tests/venue/certificates.hpp"
#include "tests/venue/http.hpp"

namespace backhand::bench {

namespace {

constexpr std::string_view kReversal = "POST /api/v2/mix/order/click-backhand ";
constexpr std::string_view kOidKey = R"("clientOid":")";

Ns real_now() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<Ns>(now.tv_sec) * kSecond + now.tv_nsec;
}

void write_digits(char* to, std::size_t digits, std::uint64_t value) noexcept {
  for (std::size_t i = digits; i > 0; --i) {
    to[i - 1] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

std::expected<void, Error> use_certificates(ssl_ctx_st* context, const std::string& ca_file) {
  const auto made = venue::make_certificates(venue::CertificateKind::good);
  if (!made) return std::unexpected(made.error());
  std::FILE* file = std::fopen(ca_file.c_str(), "w");
  if (file == nullptr) return std::unexpected(os_error("cannot write " + ca_file));
  std::fwrite(made->ca_pem.data(), 1, made->ca_pem.size(), file);
  std::fclose(file);
  BIO* certificate = BIO_new_mem_buf(made->certificate_pem.data(), -1);
  BIO* key = BIO_new_mem_buf(made->key_pem.data(), -1);
  X509* x509 = PEM_read_bio_X509(certificate, nullptr, nullptr, nullptr);
  EVP_PKEY* pkey = PEM_read_bio_PrivateKey(key, nullptr, nullptr, nullptr);
  const bool used = x509 != nullptr && pkey != nullptr && SSL_CTX_use_certificate(context, x509) == 1 &&
                    SSL_CTX_use_PrivateKey(context, pkey) == 1;
  X509_free(x509);
  EVP_PKEY_free(pkey);
  BIO_free(certificate);
  BIO_free(key);
  if (!used) return std::unexpected(Error{"cannot use the venue's certificate"});
  return {};
}

}  // namespace

struct SpinVenue::Peer {
  Peer(ssl_ctx_st* context, int socket, int its_group) : fd(socket), group(its_group), ssl(SSL_new(context)) {
    in = BIO_new(BIO_s_mem());
    out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, in, out);
    SSL_set_accept_state(ssl);
  }
  ~Peer() {
    SSL_free(ssl);
    if (fd >= 0) ::close(fd);
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  int fd;
  int group;
  ssl_st* ssl;
  BIO* in = nullptr;  ///< Owned by ssl, as the next.
  BIO* out = nullptr;
  bool open = false;   ///< The handshake is done.
  bool waits = false;  ///< A question lies in `plain`.
  bool over = false;
  Ns arrived = 0;
  std::string plain;
};

/// One whole reply, and where in it the changing fields lie.
struct SpinVenue::Reply {
  std::string bytes;
  std::size_t oid_at = 0, order_at = 0, time_at = 0;
};

SpinVenue::SpinVenue(venue::Exchange& exchange) : exchange_(exchange), replies_(65) {}

SpinVenue::~SpinVenue() {
  peers_.clear();
  if (listener_ >= 0) ::close(listener_);
  if (epoll_ >= 0) ::close(epoll_);
  SSL_CTX_free(context_);
}

std::expected<std::unique_ptr<SpinVenue>, Error> SpinVenue::make(venue::Exchange& exchange,
                                                                 const std::string& ca_file) {
  std::unique_ptr<SpinVenue> out(new SpinVenue(exchange));
  out->context_ = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_min_proto_version(out->context_, TLS1_3_VERSION);
  if (auto used = use_certificates(out->context_, ca_file); !used) return std::unexpected(used.error());
  out->listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (out->listener_ < 0 || ::bind(out->listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(out->listener_, 64) != 0 ||
      ::getsockname(out->listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return std::unexpected(os_error("cannot listen on loopback"));
  }
  out->epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (out->epoll_ < 0) return std::unexpected(os_error("epoll_create1"));
  out->port_ = ntohs(address.sin_port);
  return out;
}

void SpinVenue::accept_all() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int one = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    peers_.push_back(std::make_unique<Peer>(context_, fd, group_));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = peers_.back().get();
    (void)::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }
}

void SpinVenue::send_out(Peer& peer, std::string_view plain) {
  if (!plain.empty()) (void)SSL_write(peer.ssl, plain.data(), static_cast<int>(plain.size()));
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(peer.out, &bytes);
  long sent = 0;
  // Only a reply to a question is ever larger than a socket's buffer.
  while (sent < size) {
    const ssize_t n = ::send(peer.fd, bytes + sent, static_cast<std::size_t>(size - sent), MSG_NOSIGNAL);
    if (n > 0) {
      sent += n;
    } else if (errno != EAGAIN && errno != EINTR) {
      peer.over = true;
      break;
    }
  }
  (void)BIO_reset(peer.out);
}

bool SpinVenue::advance_handshake(Peer& peer) {
  const int done = SSL_do_handshake(peer.ssl);
  send_out(peer, {});
  if (done == 1) {
    peer.open = true;
  } else if (SSL_get_error(peer.ssl, done) != SSL_ERROR_WANT_READ) {
    peer.over = true;
  }
  ERR_clear_error();
  return true;
}

/// True where plain text came.
bool SpinVenue::read(Peer& peer) {
  std::array<char, 16'384> bytes;
  const ssize_t got = ::recv(peer.fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got <= 0) {
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) peer.over = true;
    return false;
  }
  peer.arrived = monotonic_now();
  BIO_write(peer.in, bytes.data(), static_cast<int>(got));
  if (!peer.open) {
    (void)advance_handshake(peer);
    if (!peer.open) return false;
  }
  for (;;) {
    const int size = SSL_read(peer.ssl, bytes.data(), static_cast<int>(bytes.size()));
    if (size <= 0) {
      if (SSL_get_error(peer.ssl, size) != SSL_ERROR_WANT_READ) peer.over = true;
      ERR_clear_error();
      return !peer.plain.empty();
    }
    peer.plain.append(bytes.data(), static_cast<std::size_t>(size));
  }
}

std::string& SpinVenue::prepared_reply(std::size_t oid_size) {
  std::unique_ptr<Reply>& reply = replies_[oid_size];
  if (reply == nullptr) {
    reply = std::make_unique<Reply>();
    venue::HttpResponse response;
    const std::string oid(oid_size, 'o');
    response.body = R"({"code":"00000","msg":"success","requestTime":1111111111111,"data":{"clientOid":")" +
                    oid + R"(","orderId":"2222222222222222222"}})";
    response.trace_id = "0123456789abcdef0123456789abcdef";
    reply->bytes = venue::to_http(response);
    reply->oid_at = reply->bytes.find(oid + "\"");
    reply->order_at = reply->bytes.find("2222222222222222222");
    reply->time_at = reply->bytes.find("1111111111111");
  }
  return reply->bytes;
}

bool SpinVenue::answer_fast(Peer& peer, VenueTimes& times) {
  const std::size_t key = peer.plain.rfind(kOidKey);
  if (key == std::string::npos || peer.plain.back() != '}') return false;
  const std::size_t at = key + kOidKey.size();
  const std::size_t size = peer.plain.find('"', at) - at;
  if (size == 0 || size >= replies_.size()) return false;
  times.request_seen = peer.arrived;
  std::string& bytes = prepared_reply(size);
  const Reply& reply = *replies_[size];
  const Ns now = real_now();
  const std::uint64_t order_id = next_order_id_;
  std::memcpy(bytes.data() + reply.oid_at, peer.plain.data() + at, size);
  write_digits(bytes.data() + reply.order_at, 19, order_id);
  write_digits(bytes.data() + reply.time_at, 13, static_cast<std::uint64_t>(now / kMillisecond));
  (void)SSL_write(peer.ssl, bytes.data(), static_cast<int>(bytes.size()));
  char* record = nullptr;
  const long record_size = BIO_get_mem_data(peer.out, &record);
  times.reply_entered = monotonic_now();
  const ssize_t sent = ::send(peer.fd, record, static_cast<std::size_t>(record_size), MSG_NOSIGNAL);
  if (sent != record_size) peer.over = true;
  // From here on the subject reads; the rest is bookkeeping.
  (void)BIO_reset(peer.out);
  ++answered_;
  if (keeps_books_) {
    next_order_id_ += 2;
    past_.push_back({peer.plain, now, order_id});
  }
  peer.plain.clear();
  return true;
}

bool SpinVenue::look(VenueTimes& times) {
  // One call, however many connections a subject keeps.
  std::array<epoll_event, 64> events;
  const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    auto* const peer = static_cast<Peer*>(events[static_cast<std::size_t>(i)].data.ptr);
    if (peer->group != group_ || peer->over || peer->waits) continue;
    if (!read(*peer)) continue;
    if (!checks_ && peer->plain.starts_with(kReversal) && answer_fast(*peer, times)) return true;
    peer->waits = true;
    if (!checks_ || !peer->plain.starts_with(kReversal)) continue;
    times.request_seen = peer->arrived;
    answer_slow(*peer);
    times.reply_entered = monotonic_now();
    if (!peer->waits) return true;
  }
  return false;
}

void SpinVenue::answer_slow(Peer& peer) {
  venue::HttpRequest request;
  std::size_t used = 0;
  switch (venue::parse_request(peer.plain, request, used)) {
    case venue::ParseStatus::incomplete:
      peer.waits = false;  // The rest is still to come.
      return;
    case venue::ParseStatus::malformed:
      trouble_ = "a request is malformed: " + peer.plain;
      peer.over = true;
      return;
    case venue::ParseStatus::complete:
      break;
  }
  const bool reversal = peer.plain.starts_with(kReversal);
  const venue::HttpResponse response = exchange_.handle(request, real_now(), "127.0.0.1");
  if (reversal) {
    ++answered_;
    if (response.body.find(R"("00000")") == std::string::npos) {
      trouble_ = "the exchange refused " + peer.plain + "\nwith " + response.body;
    }
    next_order_id_ = 0;
    const std::size_t id = response.body.find(R"("orderId":")");
    if (id != std::string::npos) next_order_id_ = std::stoull(response.body.substr(id + 11)) + 2;
  } else {
    ++questions_;
  }
  send_out(peer, venue::to_http(response));
  peer.plain.erase(0, used);
  peer.waits = false;
}

void SpinVenue::book(const Past& past) {
  venue::HttpRequest request;
  std::size_t used = 0;
  if (venue::parse_request(past.bytes, request, used) != venue::ParseStatus::complete) {
    trouble_ = "a reversal is malformed: " + past.bytes;
    return;
  }
  const venue::HttpResponse response = exchange_.handle(request, past.at, "127.0.0.1");
  if (response.body.find(R"("00000")") == std::string::npos ||
      response.body.find(std::to_string(past.order_id)) == std::string::npos) {
    trouble_ = "the exchange disagrees about order " + std::to_string(past.order_id) + " of\n" + past.bytes +
               "\nand says " + response.body;
  }
}

bool SpinVenue::serve_rest() {
  accept_all();
  std::erase_if(peers_, [](const auto& peer) { return peer->over; });
  if (!past_.empty()) {
    book(past_.front());
    past_.pop_front();
    return true;
  }
  for (const auto& peer : peers_) {
    if (!peer->waits && peer->group == group_) {
      if (!read(*peer) && peer->plain.empty()) continue;
      peer->waits = !peer->plain.empty();
    }
    if (!peer->waits) continue;
    answer_slow(*peer);
    return true;
  }
  return false;
}

}  // namespace backhand::bench
