#include "gateway/net/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace backhand::net {
namespace {

std::string openssl_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown OpenSSL error";
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "OpenSSL error " + std::to_string(code);
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const noexcept { SSL_CTX_free(context); }

std::expected<TlsContext, Error> TlsContext::without_authorities(std::string host) {
  SSL_CTX* native = SSL_CTX_new(TLS_client_method());
  if (native == nullptr) return std::unexpected(Error{"TLS: " + openssl_reason()});
  TlsContext context(std::move(host), native);
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  // A renegotiation or a compressed record has no place between a request and its reply. Sessions are not
  // resumed: a full handshake on another thread costs the shot nothing and always checks the certificate
  // anew.
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  // Buffers are kept between records (no SSL_MODE_RELEASE_BUFFERS), so that a record costs no malloc; a write
  // is whole or fails (no partial write).
  SSL_CTX_clear_mode(native, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
  SSL_CTX_set_verify(native, SSL_VERIFY_PEER, nullptr);
  // OpenSSL's own three in another order: the shorter key has four rounds less for each block of a request.
  if (SSL_CTX_set_ciphersuites(
          native, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") != 1)
    return std::unexpected(Error{"TLS: " + openssl_reason()});
  return context;
}

std::expected<TlsContext, Error> TlsContext::trusting_only(std::string host, x509_st* authority) {
  auto context = without_authorities(std::move(host));
  if (context && X509_STORE_add_cert(SSL_CTX_get_cert_store(context->native()), authority) != 1)
    return std::unexpected(Error{"TLS: " + openssl_reason()});
  return context;
}

std::expected<TlsContext, Error> TlsContext::create(std::string host, const std::string& ca_file) {
  auto context = without_authorities(std::move(host));
  if (!context) return context;
  SSL_CTX* const native = context->native();
  const int loaded = ca_file.empty() ? SSL_CTX_set_default_verify_paths(native)
                                     : SSL_CTX_load_verify_locations(native, ca_file.c_str(), nullptr);
  if (loaded != 1) {
    const std::string what = ca_file.empty() ? "the system's certificate authorities" : ca_file;
    return std::unexpected(Error{"TLS: cannot load " + what + ": " + openssl_reason()});
  }
  return context;
}

}  // namespace backhand::net
