// The floor: what the machine can do at all with this ring, this socket and this TLS. One request is
// encrypted ahead; a shot is one `send` of it, one `SSL_read` of the reply, and one event in the ring. It
// checks nothing and looks at nothing.
#include <array>
#include <cerrno>
#include <stdexcept>

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/round_trip/plain_client.hpp"
#include "common/clock.hpp"
#include "common/cpu.hpp"

namespace backhand::bench {

namespace {

class Floor final : public ThreadSubject {
 public:
  using ThreadSubject::ThreadSubject;
  ~Floor() override {
    join();
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    if (fd_ >= 0) ::close(fd_);
    if (idle_fd_ >= 0) ::close(idle_fd_);
  }
  [[nodiscard]] std::string_view name() const noexcept override { return "floor"; }

 private:
  void connect() override {
    PlainClient client(place_, "floor");
    wire::Intent intent{};
    intent.account = wire::AccountName{place_.accounts[0].name};
    intent.symbol = wire::SymbolName{place_.accounts[0].symbols[0]};
    intent.position_side = wire::PositionSide::long_side;
    client.build(intent, request_);
    plain_ = request_.head + request_.body;
    context_ = client_context(place_.ca_file);
    fd_ = connect_socket(place_.venue_port);
    // As many sockets to look at for the venue as with the others.
    idle_fd_ = connect_socket(place_.venue_port);
    ssl_ = SSL_new(context_);
    SSL_set1_host(ssl_, "localhost");
    SSL_set_tlsext_host_name(ssl_, "localhost");
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl_, in_, out_);
    SSL_set_connect_state(ssl_);
    while (SSL_do_handshake(ssl_) != 1) {
      flush();
      receive(0);
    }
    flush();
    seal();
  }

  void flush() {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(out_, &bytes);
    if (size > 0 && ::send(fd_, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL) != size)
      throw std::runtime_error("send");
    (void)BIO_reset(out_);
  }
  /// True where bytes came.
  bool receive(int flags) {
    std::array<char, 4'096> bytes;
    const ssize_t got = ::recv(fd_, bytes.data(), bytes.size(), flags);
    if (got == 0) throw std::runtime_error("the venue closed");
    if (got < 0) return false;
    BIO_write(in_, bytes.data(), static_cast<int>(got));
    return true;
  }
  void seal() {
    if (SSL_write(ssl_, plain_.data(), static_cast<int>(plain_.size())) <= 0)
      throw std::runtime_error("SSL_write");
    ready_size_ = BIO_get_mem_data(out_, &ready_);
  }

  void run() override {
    wire::Intent intent;
    while (running()) {
      if (!lane_.take(intent)) {
        cpu_pause();
        continue;
      }
      const Ns taken = monotonic_now();
      if (::send(fd_, ready_, static_cast<std::size_t>(ready_size_), MSG_NOSIGNAL) != ready_size_)
        throw std::runtime_error("send");
      const Ns returned = monotonic_now();
      std::array<char, 4'096> reply;
      int size = -1;
      Ns readable = 0;
      do {
        if (!receive(MSG_DONTWAIT)) continue;
        readable = monotonic_now();
        size = SSL_read(ssl_, reply.data(), reply.size());
      } while (size <= 0 && running());
      wire::Outcome out{};
      out.intent_id = intent.id;
      out.kind = wire::EventKind::acked;
      out.created_ns = intent.created_ns;
      out.taken_ns = out.encoded_ns = out.written_ns = taken;
      // Fields that mean something else in the gateway's events carry what only the floor can say.
      out.slot_ns = returned;
      out.long_before = static_cast<std::uint64_t>(readable);
      out.replied_ns = out.published_ns = monotonic_now();
      lane_.publish(out);
      (void)BIO_reset(out_);
      seal();
    }
  }

  PlainClient::Request request_;
  std::string plain_;
  ssl_ctx_st* context_ = nullptr;
  ssl_st* ssl_ = nullptr;
  BIO* in_ = nullptr;
  BIO* out_ = nullptr;
  int fd_ = -1;
  int idle_fd_ = -1;
  char* ready_ = nullptr;
  long ready_size_ = 0;
};

}  // namespace

std::unique_ptr<Subject> make_floor(const Place& place) { return std::make_unique<Floor>(place); }

}  // namespace backhand::bench
