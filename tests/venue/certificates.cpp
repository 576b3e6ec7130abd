#include "tests/venue/certificates.hpp"

#include <memory>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "common/freer.hpp"

namespace backhand::venue {

namespace {

using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Memory = std::unique_ptr<BIO, Freer<BIO_free>>;

constexpr long kDay = 24L * 60 * 60;
constexpr const char* kOurNames =
    "DNS:localhost,DNS:api.bitget.test,DNS:api.bitget.com,DNS:venue,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1";

bool add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  if (extension == nullptr) return false;
  const bool ok = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return ok;
}

/// A certificate without extensions and signature; null on failure.
Certificate make_blank(const char* name, EVP_PKEY* key, X509* issuer, long from, long until) {
  Certificate out(X509_new());
  std::uint64_t serial = 0;
  if (out == nullptr || RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1)
    return nullptr;
  X509_NAME* const subject = X509_get_subject_name(out.get());
  const bool ok = X509_set_version(out.get(), 2) == 1 &&
                  ASN1_INTEGER_set_uint64(X509_get_serialNumber(out.get()), serial >> 1U) == 1 &&
                  X509_gmtime_adj(X509_getm_notBefore(out.get()), from) != nullptr &&
                  X509_gmtime_adj(X509_getm_notAfter(out.get()), until) != nullptr &&
                  X509_set_pubkey(out.get(), key) == 1 &&
                  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0) == 1;
  if (!ok) return nullptr;
  X509* const by = issuer == nullptr ? out.get() : issuer;
  return X509_set_issuer_name(out.get(), X509_get_subject_name(by)) == 1 ? std::move(out) : nullptr;
}

std::string text_of(BIO* memory) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

std::string pem_of(X509* certificate) {
  const Memory memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(memory.get(), certificate);
  return text_of(memory.get());
}

std::string pem_of(EVP_PKEY* key) {
  const Memory memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(memory.get());
}

}  // namespace

std::expected<Certificates, Error> make_certificates(CertificateKind kind) {
  const std::unexpected<Error> failed(Error{"cannot make certificates: OpenSSL refuses"});
  const Key ca_key(EVP_EC_gen("P-256"));
  const Key key(EVP_EC_gen("P-256"));
  if (ca_key == nullptr || key == nullptr) return failed;
  const Certificate ca = make_blank("Backhand simulated venue CA", ca_key.get(), nullptr, -kDay, 30 * kDay);
  if (ca == nullptr || !add_extension(ca.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE") ||
      !add_extension(ca.get(), ca.get(), NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(ca.get(), ca.get(), NID_subject_key_identifier, "hash") ||
      X509_sign(ca.get(), ca_key.get(), EVP_sha256()) == 0) {
    return failed;
  }
  const bool self_signed = kind == CertificateKind::self_signed;
  const long until = kind == CertificateKind::expired ? -kDay : 30 * kDay;
  const Certificate server = make_blank("api.bitget.test", key.get(), self_signed ? nullptr : ca.get(),
                                        kind == CertificateKind::expired ? -2 * kDay : -kDay, until);
  if (server == nullptr) return failed;
  X509* const issuer = self_signed ? server.get() : ca.get();
  const char* const names = kind == CertificateKind::wrong_host ? "DNS:wrong.example" : kOurNames;
  if (!add_extension(server.get(), issuer, NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(server.get(), issuer, NID_key_usage, "critical,digitalSignature") ||
      !add_extension(server.get(), issuer, NID_ext_key_usage, "serverAuth") ||
      !add_extension(server.get(), issuer, NID_subject_alt_name, names) ||
      X509_sign(server.get(), self_signed ? key.get() : ca_key.get(), EVP_sha256()) == 0) {
    return failed;
  }
  return Certificates{pem_of(ca.get()), pem_of(server.get()), pem_of(key.get())};
}

}  // namespace backhand::venue
