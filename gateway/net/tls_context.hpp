// What all TLS connections to the host share: trusted authorities, protocol rules, the name to be proven.
// Made before the loop starts; const and shared by both threads afterwards.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "common/error.hpp"

struct ssl_ctx_st;
struct x509_st;

namespace backhand::net {

class TlsContext {
 public:
  /// `host`: DNS name or IP literal that certificates must carry. `ca_file`: PEM; empty: the system's
  /// authorities.
  [[nodiscard]] static std::expected<TlsContext, Error> create(std::string host, const std::string& ca_file);

  /// The same rules, with one certificate as the only authority.
  [[nodiscard]] static std::expected<TlsContext, Error> trusting_only(std::string host, x509_st* authority);

  [[nodiscard]] const std::string& host() const noexcept { return host_; }
  [[nodiscard]] ssl_ctx_st* native() const noexcept { return context_.get(); }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const noexcept;
  };
  TlsContext(std::string host, ssl_ctx_st* context) noexcept : host_(std::move(host)), context_(context) {}
  [[nodiscard]] static std::expected<TlsContext, Error> without_authorities(std::string host);

  std::string host_;
  std::unique_ptr<ssl_ctx_st, Free> context_;
};

}  // namespace backhand::net
