// The naive client in C++: the plain checks, snprintf and HMAC(), `SSL_write` on a socket, `SSL_read` until
// the reply is whole. It spins like everybody else.
#include <array>
#include <cerrno>
#include <stdexcept>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/round_trip/plain_client.hpp"
#include "common/clock.hpp"
#include "common/cpu.hpp"

namespace backhand::bench {

namespace {

/// OpenSSL's socket BIO with one clock read before `send`.
struct StampedSocket {
  int fd = -1;
  Ns write_entered = 0;
  Ns write_returned = 0;

  static int write(BIO* bio, const char* from, int count) {
    auto* self = static_cast<StampedSocket*>(BIO_get_data(bio));
    self->write_entered = monotonic_now();
    const auto sent = static_cast<int>(::send(self->fd, from, static_cast<std::size_t>(count), MSG_NOSIGNAL));
    self->write_returned = monotonic_now();
    BIO_clear_retry_flags(bio);
    if (sent <= 0 && errno == EAGAIN) BIO_set_retry_write(bio);
    return sent;
  }
  static int read(BIO* bio, char* to, int count) {
    auto* self = static_cast<StampedSocket*>(BIO_get_data(bio));
    const auto got = static_cast<int>(::recv(self->fd, to, static_cast<std::size_t>(count), 0));
    BIO_clear_retry_flags(bio);
    if (got < 0 && errno == EAGAIN) BIO_set_retry_read(bio);
    return got;
  }
  static long ctrl(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static BIO* make(StampedSocket& self) {
    static BIO_METHOD* const kMethod = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stamped socket");
      BIO_meth_set_write(made, write);
      BIO_meth_set_read(made, read);
      BIO_meth_set_ctrl(made, ctrl);
      return made;
    }();
    BIO* bio = BIO_new(kMethod);
    BIO_set_data(bio, &self);
    BIO_set_init(bio, 1);
    return bio;
  }
};

class Naive final : public ThreadSubject {
 public:
  using ThreadSubject::ThreadSubject;
  ~Naive() override {
    join();
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    if (socket_.fd >= 0) ::close(socket_.fd);
    if (idle_fd_ >= 0) ::close(idle_fd_);
  }
  [[nodiscard]] std::string_view name() const noexcept override { return "naive"; }

 private:
  void connect() override {
    client_ = std::make_unique<PlainClient>(place_, "naive");
    context_ = client_context(place_.ca_file);
    socket_.fd = connect_socket(place_.venue_port);
    idle_fd_ = connect_socket(place_.venue_port);
    ssl_ = SSL_new(context_);
    SSL_set1_host(ssl_, "localhost");
    SSL_set_tlsext_host_name(ssl_, "localhost");
    BIO* bio = StampedSocket::make(socket_);
    SSL_set_bio(ssl_, bio, bio);
    if (SSL_connect(ssl_) != 1) throw std::runtime_error("handshake");
    int on = 1;
    ::ioctl(socket_.fd, FIONBIO, &on);
  }

  void run() override {
    wire::Intent intent;
    while (running()) {
      if (!lane_.take(intent)) {
        cpu_pause();
        continue;
      }
      shoot(intent, monotonic_now());
    }
  }

  void shoot(const wire::Intent& intent, Ns taken) {
    if (const char* no = client_->check(intent, taken)) throw std::runtime_error(no);
    client_->build(intent, request_);
    const std::string bytes = request_.head + request_.body;
    const Ns encoded = monotonic_now();
    if (SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) <= 0)
      throw std::runtime_error("SSL_write");
    const Ns entered = socket_.write_entered;
    client_->note_sent(intent, entered, taken);
    wire::Outcome out = client_->outcome(intent, wire::EventKind::sent);
    out.taken_ns = taken;
    out.encoded_ns = encoded;
    out.written_ns = entered;
    out.published_ns = socket_.write_returned;
    lane_.publish(out);

    std::string reply;
    std::string unchunked;
    std::string_view body;
    std::array<char, 4'096> some;
    while (body.empty() && running()) {
      const int size = SSL_read(ssl_, some.data(), static_cast<int>(some.size()));
      if (size <= 0) continue;
      reply.append(some.data(), static_cast<std::size_t>(size));
      body = whole_body(reply, unchunked);
    }
    const Ns replied = monotonic_now();
    if (!client_->take_reply(intent, request_, body, out, replied))
      throw std::runtime_error("not an ack: " + reply);
    out.taken_ns = taken;
    out.encoded_ns = encoded;
    out.written_ns = entered;
    out.replied_ns = replied;
    out.published_ns = monotonic_now();
    lane_.publish(out);
  }

  std::unique_ptr<PlainClient> client_;
  PlainClient::Request request_;
  StampedSocket socket_;
  ssl_ctx_st* context_ = nullptr;
  ssl_st* ssl_ = nullptr;
  int idle_fd_ = -1;
};

}  // namespace

std::unique_ptr<Subject> make_naive(const Place& place) { return std::make_unique<Naive>(place); }

}  // namespace backhand::bench
