#include "gateway/net/rehearsal.hpp"

#include <algorithm>
#include <string>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "common/freer.hpp"
#include "gateway/net/http_exchange.hpp"
#include "gateway/net/tls_context.hpp"
#include "gateway/net/tls_session.hpp"

namespace backhand::net {
namespace {

constexpr const char* kName = "rehearsal.invalid";
/// Room for one record each way.
constexpr std::size_t kPipeBytes = 32'768;
constexpr long kYear_s = 365L * 24 * 60 * 60;

using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;

Certificate self_signed(EVP_PKEY* key) {
  Certificate out(X509_new());
  if (out == nullptr) return nullptr;
  X509_NAME* const subject = X509_get_subject_name(out.get());
  const bool made =
      X509_set_version(out.get(), 2) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(out.get()), 1) == 1 &&
      X509_gmtime_adj(X509_getm_notBefore(out.get()), -kYear_s) != nullptr &&
      X509_gmtime_adj(X509_getm_notAfter(out.get()), kYear_s) != nullptr &&
      X509_set_pubkey(out.get(), key) == 1 &&
      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(kName),
                                 -1, -1, 0) == 1 &&
      X509_set_issuer_name(out.get(), subject) == 1 && X509_sign(out.get(), key, EVP_sha256()) > 0;
  return made ? std::move(out) : nullptr;
}

/// The far end.
class Server {
 public:
  ~Server() {
    SSL_free(ssl_);
    BIO_free(pipe_);
    SSL_CTX_free(context_);
  }
  [[nodiscard]] bool start(EVP_PKEY* key, X509* certificate) {
    context_ = SSL_CTX_new(TLS_server_method());
    if (context_ == nullptr || SSL_CTX_use_certificate(context_, certificate) != 1 ||
        SSL_CTX_use_PrivateKey(context_, key) != 1 || SSL_CTX_set_num_tickets(context_, 0) != 1)
      return false;
    BIO* inner = nullptr;
    ssl_ = SSL_new(context_);
    if (ssl_ == nullptr || BIO_new_bio_pair(&inner, kPipeBytes, &pipe_, kPipeBytes) != 1) return false;
    SSL_set_bio(ssl_, inner, inner);
    SSL_set_accept_state(ssl_);
    return true;
  }
  /// Takes what the client wrote and goes on; true when its handshake is done.
  [[nodiscard]] bool handshake(std::span<const char> bytes) noexcept {
    if (!bytes.empty()) (void)BIO_write(pipe_, bytes.data(), static_cast<int>(bytes.size()));
    return SSL_do_handshake(ssl_) == 1;
  }
  [[nodiscard]] bool write(std::string_view bytes) noexcept {
    return SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size());
  }
  /// What it has for the client; how much was put into `room`.
  [[nodiscard]] std::size_t take(std::span<char> room) noexcept {
    const int got = BIO_read(pipe_, room.data(), static_cast<int>(std::min(room.size(), kPipeBytes)));
    return static_cast<std::size_t>(std::max(got, 0));
  }

 private:
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  BIO* pipe_ = nullptr;
};

class MemoryRehearsal final : public Rehearsal {
 public:
  MemoryRehearsal(TlsContext context, std::string_view reply)
      : context_(std::move(context)), client_(context_), exchange_({65'536, 16'384}), reply_(reply) {}

  [[nodiscard]] bool start(EVP_PKEY* key, X509* certificate) {
    if (!server_.start(key, certificate)) return false;
    // TLS 1.3 needs two rounds.
    for (int round = 0; round < 4; ++round) {
      const HandshakeStatus status = client_.handshake();
      if (status == HandshakeStatus::failed) return false;
      const bool server_done = server_.handshake(client_.output());
      client_.sent(client_.output().size());
      client_.received(server_.take(client_.input_space()));
      if (status == HandshakeStatus::done && server_done) return true;
    }
    return false;
  }

  void request(std::span<const char> bytes) noexcept override {
    if (exchange_.state() != ExchangeState::idle || !client_.encrypt(bytes)) return;
    // Here a request would be sent. The server never reads it either: nothing needs it.
    client_.sent(client_.output().size());
    exchange_.begin();
  }

  [[nodiscard]] const ReplyView* reply() noexcept override {
    if (exchange_.state() != ExchangeState::awaiting_reply || !server_.write(reply_)) return nullptr;
    client_.received(server_.take(client_.input_space()));
    const std::span<char> room = exchange_.space();
    std::size_t count = 0;
    const bool whole =
        client_.read(room, count) == TlsReadStatus::bytes && exchange_.commit(count) == FeedStatus::complete;
    if (!whole) return nullptr;
    view_ = exchange_.reply();
    exchange_.finish();
    return &view_;
  }

 private:
  TlsContext context_;
  TlsSession client_;
  Server server_;
  HttpExchange exchange_;
  std::string_view reply_;
  ReplyView view_;
};

}  // namespace

std::expected<std::unique_ptr<Rehearsal>, Error> Rehearsal::create(std::string_view reply) {
  const std::unexpected<Error> failed(Error{"TLS: the rehearsal's session cannot be made"});
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate = key == nullptr ? nullptr : self_signed(key.get());
  if (certificate == nullptr) return failed;
  auto context = TlsContext::trusting_only(kName, certificate.get());
  if (!context) return std::unexpected(context.error());
  auto made = std::make_unique<MemoryRehearsal>(std::move(*context), reply);
  if (!made->start(key.get(), certificate.get())) return failed;
  made->request(reply);
  if (made->reply() == nullptr) return failed;
  return made;
}

}  // namespace backhand::net
