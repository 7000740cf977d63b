#include "daemon/net/tls_identity.h"

#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <utility>

namespace runnerwatch {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

namespace {

// Nobody is there to type one: a key that needs a passphrase is refused with a sentence.
int no_passphrase(char*, int, int, void*) { return -1; }

std::string why(const error_code& error) {
    const char* reason = ERR_reason_error_string(static_cast<unsigned long>(error.value()));
    return reason != nullptr && error.category() == boost::asio::error::get_ssl_category()
               ? reason
               : error.message();
}

Timestamp end_of(SSL_CTX* context) {
    const X509* certificate = SSL_CTX_get0_certificate(context);
    std::tm end{};
    if (certificate == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1)
        return {};
    return Timestamp(std::chrono::seconds(timegm(&end)));
}

}  // namespace

TlsIdentity::Stamp TlsIdentity::stamp_of(const std::string& file) {
    struct stat found {};
    if (::stat(file.c_str(), &found) != 0) return {};
    return {found.st_ino, found.st_size,
            std::int64_t{found.st_ctim.tv_sec} * 1'000'000'000 + found.st_ctim.tv_nsec};
}

Result<std::unique_ptr<TlsIdentity>, std::string> TlsIdentity::read(TlsFiles files) {
    std::unique_ptr<TlsIdentity> identity(new TlsIdentity(std::move(files)));
    identity->seen_ = {stamp_of(identity->files_.certificate), stamp_of(identity->files_.key)};
    auto context = identity->load();
    if (!context) return failure(context.error());
    identity->context_ = std::move(*context);
    identity->ends_ = end_of(identity->context_->native_handle());
    return identity;
}

std::shared_ptr<TlsIdentity::Context> TlsIdentity::current() {
    const std::array<Stamp, 2> now{stamp_of(files_.certificate), stamp_of(files_.key)};
    if (now == seen_) return context_;
    seen_ = now;
    auto context = load();
    if (context) {
        context_ = std::move(*context);
        ends_ = end_of(context_->native_handle());
        trouble_.clear();
    } else {
        trouble_ = context.error() + " The certificate read before is served on.";
    }
    return context_;
}

Result<std::shared_ptr<TlsIdentity::Context>, std::string> TlsIdentity::load() {
    auto context = std::make_shared<Context>(Context::tls_server);
    SSL_CTX* const native = context->native_handle();
    SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
    SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_default_passwd_cb(native, &no_passphrase);
    error_code error;
    context->use_certificate_chain_file(files_.certificate, error);
    if (error)
        return failure("the certificate in " + files_.certificate +
                       " cannot be used: " + why(error) +
                       ". Put the server's certificate there as PEM, behind it those that signed "
                       "it, readable for runnerwatch.");
    context->use_private_key_file(files_.key, Context::pem, error);
    if (error)
        return failure("the key in " + files_.key + " cannot be used with the certificate in " +
                       files_.certificate + ": " + why(error) +
                       ". Put the key of that certificate there as PEM, without a passphrase, "
                       "readable for runnerwatch alone.");
    return context;
}

}  // namespace runnerwatch
