#include "gateway/net/tls_session.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "common/assert.hpp"

namespace backhand::net {
namespace {

// One record is at most 2^14 bytes and its overhead; twice that takes a record and whatever came with it.
constexpr std::size_t kInputBytes = 2 * 16'384 + 1'024;
// A request's record, or a client's flight of the handshake, or an alert behind one of them.
constexpr std::size_t kOutputBytes = 16'384 + 4'096;

std::string certificate_problem(long verdict, const std::string& host) {
  switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "the certificate of " + host + " has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "the certificate of " + host + " is not valid yet";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "the certificate of " + host + " is self-signed";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "the certificate shown is not for the host " + host;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "the certificate of " + host + " comes from an unknown authority";
    default:
      return "the certificate of " + host + " is refused: " + X509_verify_cert_error_string(verdict);
  }
}

}  // namespace

/// OpenSSL's way into the two fixed buffers. Its own memory BIO grows and shrinks on the heap.
struct TlsSession::Callbacks {
  static TlsSession& self(BIO* bio) noexcept { return *static_cast<TlsSession*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* to, int wanted) {
    TlsSession& session = self(bio);
    BIO_clear_retry_flags(bio);
    const std::size_t count =
        std::min(session.input_end_ - session.input_begin_, static_cast<std::size_t>(std::max(wanted, 0)));
    if (count == 0) {
      BIO_set_retry_read(bio);
      return -1;
    }
    std::memcpy(to, session.input_.get() + session.input_begin_, count);
    session.input_begin_ += count;
    if (session.input_begin_ == session.input_end_) session.input_begin_ = session.input_end_ = 0;
    return static_cast<int>(count);
  }

  static int write(BIO* bio, const char* from, int offered) {
    TlsSession& session = self(bio);
    BIO_clear_retry_flags(bio);
    const auto count = static_cast<std::size_t>(std::max(offered, 0));
    // Only a peer that makes us answer without end could fill this; it is not waited for.
    if (count > kOutputBytes - session.output_end_) return -1;
    std::memcpy(session.output_.get() + session.output_end_, from, count);
    session.output_end_ += count;
    return offered;
  }

  static long ctrl(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static int create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
  }

  static const BIO_METHOD* method() {
    static BIO_METHOD* const kMethod = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "fixed buffers");
      if (made == nullptr) throw std::bad_alloc();
      BIO_meth_set_read(made, read);
      BIO_meth_set_write(made, write);
      BIO_meth_set_ctrl(made, ctrl);
      BIO_meth_set_create(made, create);
      return made;
    }();
    return kMethod;
  }

  /// Set after the handshake: sees every message that is not application data.
  static void message(int is_write, int, int content_type, const void* bytes, std::size_t count, SSL*,
                      void* arg) {
    if (is_write != 0) return;
    const bool is_ticket = content_type == SSL3_RT_HANDSHAKE && count > 0 &&
                           *static_cast<const unsigned char*>(bytes) == SSL3_MT_NEWSESSION_TICKET;
    const bool is_message = content_type == SSL3_RT_HANDSHAKE || content_type == SSL3_RT_ALERT ||
                            content_type == SSL3_RT_CHANGE_CIPHER_SPEC;
    if (!is_message || is_ticket) return;
    auto* const session = static_cast<TlsSession*>(arg);
    session->spoiled_ = true;
    const bool is_key_update = content_type == SSL3_RT_HANDSHAKE && count > 0 &&
                               *static_cast<const unsigned char*>(bytes) == SSL3_MT_KEY_UPDATE;
    if (!is_key_update) session->spoiled_beyond_keys_ = true;
  }
};

void TlsSession::Free::operator()(ssl_st* ssl) const noexcept { SSL_free(ssl); }

TlsSession::TlsSession(const TlsContext& context)
    : host_(context.host()),
      input_(std::make_unique<char[]>(kInputBytes)),
      output_(std::make_unique<char[]>(kOutputBytes)) {
  const TlsMemory::Watch watching(memory_);
  ssl_.reset(SSL_new(context.native()));
  BIO* bio = BIO_new(Callbacks::method());
  if (ssl_ == nullptr || bio == nullptr) {
    BIO_free(bio);
    throw std::bad_alloc();
  }
  BIO_set_data(bio, this);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_connect_state(ssl_.get());
  const std::string& host = host_;
  X509_VERIFY_PARAM* rules = SSL_get0_param(ssl_.get());
  X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (X509_VERIFY_PARAM_set1_ip_asc(rules, host.c_str()) != 1) {
    const bool named = SSL_set1_host(ssl_.get(), host.c_str()) == 1 &&
                       SSL_set_tlsext_host_name(ssl_.get(), host.c_str()) == 1;
    // An unset name would let every certificate pass.
    if (!named) throw std::bad_alloc();
  }
  ERR_clear_error();
}

TlsSession::~TlsSession() = default;

HandshakeStatus TlsSession::handshake() noexcept {
  ERR_clear_error();
  const TlsMemory::Watch watching(memory_);
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    SSL_set_msg_callback(ssl_.get(), Callbacks::message);
    SSL_set_msg_callback_arg(ssl_.get(), this);
    return HandshakeStatus::done;
  }
  if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) return HandshakeStatus::more;
  note_failure();
  return HandshakeStatus::failed;
}

void TlsSession::note_failure() {
  const long verdict = SSL_get_verify_result(ssl_.get());
  if (verdict != X509_V_OK) {
    problem_ = certificate_problem(verdict, host_);
    return;
  }
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  problem_ = "TLS handshake with " + host_ + " failed: " + (reason != nullptr ? reason : "protocol error");
}

std::span<char> TlsSession::input_space() noexcept {
  if (input_begin_ > 0) {
    std::memmove(input_.get(), input_.get() + input_begin_, input_end_ - input_begin_);
    input_end_ -= input_begin_;
    input_begin_ = 0;
  }
  return {input_.get() + input_end_, kInputBytes - input_end_};
}

void TlsSession::received(std::size_t count) noexcept {
  BH_ASSERT(count <= kInputBytes - input_end_);
  input_end_ += count;
}

bool TlsSession::encrypt(std::span<const char> bytes) noexcept {
  BH_ASSERT(output_begin_ == output_end_);
  // No look at the error queue, so no need to clear it before: that goes through all of its sixteen places.
  std::size_t written = 0;
  return SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written) == 1 && written == bytes.size();
}

void TlsSession::sent(std::size_t count) noexcept {
  BH_ASSERT(count <= output_end_ - output_begin_);
  output_begin_ += count;
  if (output_begin_ == output_end_) output_begin_ = output_end_ = 0;
}

TlsReadStatus TlsSession::read(std::span<char> room, std::size_t& count) noexcept {
  if (ERR_peek_error() != 0) ERR_clear_error();
  count = 0;
  const int result = SSL_read_ex(ssl_.get(), room.data(), room.size(), &count);
  if (result == 1) return TlsReadStatus::bytes;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return TlsReadStatus::more;
    case SSL_ERROR_ZERO_RETURN:
      return TlsReadStatus::closed;
    default:
      return TlsReadStatus::failed;
  }
}

bool TlsSession::input_is_used_up() const noexcept {
  return input_begin_ == input_end_ && SSL_has_pending(ssl_.get()) == 0;
}

void TlsSession::add_to(NearMemory& near) const {
  // Of buffers, as much as a request or a usual reply needs.
  constexpr std::size_t kBuffer = 8'192;
  constexpr std::size_t kUsed = 1'536;
  near.add(this, sizeof *this - sizeof memory_);
  near.add(input_.get(), kUsed);
  near.add(output_.get(), kUsed);
  for (const TlsMemory::Block& block : memory_.blocks())
    near.add(block.at, block.size > kBuffer ? kUsed : block.size);
}

bool TlsSession::accept_key_updates() noexcept {
  if (spoiled_beyond_keys_) return false;
  spoiled_ = false;
  // Where the peer asked for our new keys too, OpenSSL writes them now rather than before the next request.
  return handshake() == HandshakeStatus::done;
}

void TlsSession::say_goodbye() noexcept {
  ERR_clear_error();
  (void)SSL_shutdown(ssl_.get());
}

}  // namespace backhand::net
