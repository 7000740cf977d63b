#include "daemon/net/tls_client.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace runnerwatch {
namespace {

constexpr std::chrono::seconds read_again_after{60};
constexpr std::size_t contexts_max = 8;
constexpr std::size_t read_ahead_bytes = 64 * 1024;

struct OpensslFree {
    void operator()(BIO* bio) const { BIO_free(bio); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Certificate = std::unique_ptr<X509, OpensslFree>;

// Nobody is there to type one: a key that needs a passphrase is refused.
int no_passphrase(char*, int, int, void*) { return -1; }

using Pem = std::unique_ptr<BIO, OpensslFree>;

// Of the text or, where there is none, of the file; null: it cannot be opened.
Pem open_pem(const std::string& data, const std::string& file) {
    if (data.empty()) return Pem(BIO_new_file(file.c_str(), "r"));
    return Pem(BIO_new_mem_buf(data.data(), static_cast<int>(data.size())));
}

std::vector<Certificate> certificates_in(const Pem& pem) {
    std::vector<Certificate> found;
    if (!pem) return found;
    while (X509* certificate = PEM_read_bio_X509(pem.get(), nullptr, &no_passphrase, nullptr))
        found.emplace_back(certificate);
    return found;
}

std::string trust(SSL_CTX& context, const TlsOptions& options) {
    if (options.ca_data.empty() && options.ca_file.empty())
        return SSL_CTX_set_default_verify_paths(&context) == 1
                   ? ""
                   : "the system's certificate authorities cannot be read";
    const auto authorities = certificates_in(open_pem(options.ca_data, options.ca_file));
    if (authorities.empty())
        return "no certificate can be read from " +
               (options.ca_data.empty() ? options.ca_file : "the given certificate authority");
    for (const auto& authority : authorities)
        X509_STORE_add_cert(SSL_CTX_get_cert_store(&context), authority.get());
    return "";
}

std::string show(SSL_CTX& context, const TlsOptions& options) {
    if (options.client_certificate_data.empty() && options.client_certificate_file.empty())
        return "";
    const auto chain =
        certificates_in(open_pem(options.client_certificate_data, options.client_certificate_file));
    if (chain.empty() || SSL_CTX_use_certificate(&context, chain[0].get()) != 1)
        return "the client certificate cannot be read";
    for (std::size_t i = 1; i < chain.size(); ++i)
        SSL_CTX_add1_chain_cert(&context, chain[i].get());
    const Pem pem = open_pem(options.client_key_data, options.client_key_file);
    const std::unique_ptr<EVP_PKEY, OpensslFree> key(
        pem ? PEM_read_bio_PrivateKey(pem.get(), nullptr, &no_passphrase, nullptr) : nullptr);
    if (!key || SSL_CTX_use_PrivateKey(&context, key.get()) != 1)
        return "the client key cannot be read, or is not that of the client certificate";
    return "";
}

// A socket that is closed by the other end must not be the end of the process, as it is with
// OpenSSL's own, which calls write().
int socket_of(BIO* bio) {
    return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

int on_result(BIO* bio, ssize_t result, int retry) {
    BIO_clear_retry_flags(bio);
    if (result < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
    return static_cast<int>(result);
}

int socket_read(BIO* bio, char* into, int size) {
    return on_result(bio, ::recv(socket_of(bio), into, static_cast<std::size_t>(size), 0),
                     BIO_FLAGS_READ);
}

int socket_write(BIO* bio, const char* from, int size) {
    return on_result(bio,
                     ::send(socket_of(bio), from, static_cast<std::size_t>(size), MSG_NOSIGNAL),
                     BIO_FLAGS_WRITE);
}

long socket_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO* new_socket_bio(int socket) {
    static BIO_METHOD* const method = [] {
        BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
        BIO_meth_set_read(made, &socket_read);
        BIO_meth_set_write(made, &socket_write);
        BIO_meth_set_ctrl(made, &socket_control);
        return made;
    }();
    BIO* bio = BIO_new(method);
    if (!bio) return nullptr;
    BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
    BIO_set_init(bio, 1);
    return bio;
}

bool is_address(const std::string& name) {
    unsigned char bytes[sizeof(in6_addr)];
    return inet_pton(AF_INET, name.c_str(), bytes) == 1 ||
           inet_pton(AF_INET6, name.c_str(), bytes) == 1;
}

Result<std::shared_ptr<SSL_CTX>, std::string> new_context(const TlsOptions& options) {
    std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
    if (!context) return failure("there is no memory for TLS");
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    // There are hundreds of idle connections, and busy ones: buffers are large and not kept.
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context.get(), 1);
    SSL_CTX_set_default_read_buffer_len(context.get(), read_ahead_bytes);
    // Without its farewell a connection is over as well, and HTTP/2 knows what is missing.
    SSL_CTX_set_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(context.get(),
                       options.insecure_skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
    // As Go and curl do: an intermediate authority may be the one that is trusted.
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context.get()), X509_V_FLAG_PARTIAL_CHAIN);
    constexpr unsigned char protocols[] = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    SSL_CTX_set_alpn_protos(context.get(), protocols, sizeof protocols);
    std::string wrong = options.insecure_skip_verify ? "" : trust(*context, options);
    if (wrong.empty()) wrong = show(*context, options);
    ERR_clear_error();  // that a file has no more certificates is told as an error
    if (!wrong.empty()) return failure(wrong);
    return context;
}

}  // namespace

Result<std::shared_ptr<SSL_CTX>, std::string> TlsContexts::get(const TlsOptions& options, Now now) {
    std::erase_if(made_, [&](const Made& one) { return now - one.at >= read_again_after; });
    for (const auto& one : made_)
        if (one.options == options) return one.context;
    auto context = new_context(options);
    if (!context) return context;
    if (made_.size() == contexts_max) made_.erase(made_.begin());
    made_.push_back({options, *context, now});
    return context;
}

// As SSL_set_tlsext_host_name(), a macro that casts as C does.
static bool ask_for(SSL& tls, const std::string& host) {
    void* name = const_cast<char*>(host.c_str());
    return SSL_ctrl(&tls, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name) == 1;
}

SslHandle new_tls_client(SSL_CTX& context, int socket, const std::string& name) {
    SslHandle tls(SSL_new(&context));
    BIO* bio = tls ? new_socket_bio(socket) : nullptr;
    if (!bio) return nullptr;
    SSL_set_bio(tls.get(), bio, bio);
    if (is_address(name)) {
        if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls.get()), name.c_str()) != 1)
            return nullptr;
    } else if (SSL_set1_host(tls.get(), name.c_str()) != 1 || !ask_for(*tls, name)) {
        return nullptr;
    }
    return tls;
}

std::string tls_trouble(const SSL& tls, int error) {
    if (const long verdict = SSL_get_verify_result(&tls); verdict != X509_V_OK)
        return std::string("the server's certificate is not accepted: ") +
               X509_verify_cert_error_string(verdict);
    const unsigned long code = ERR_peek_error();
    if (const char* reason = ERR_reason_error_string(code); reason != nullptr) return reason;
    if (error == SSL_ERROR_SYSCALL && errno != 0) return std::generic_category().message(errno);
    return "the connection was closed";
}

}  // namespace runnerwatch
