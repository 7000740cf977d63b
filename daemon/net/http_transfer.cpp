#include "daemon/net/http_transfer.h"

#include "daemon/net/dead_peer.h"
#include "daemon/net/url_parts.h"
#include "parsers/ascii_lower.h"

#include <chrono>

namespace runnerwatch {
namespace {

constexpr std::chrono::milliseconds connect_timeout{10'000};
constexpr long ca_read_again_seconds = 60;  // a CA file may rotate; libcurl keeps it for a day
constexpr std::size_t header_bytes_max = 64 * 1024;

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view space = " \t\r\n";
    auto first = text.find_first_not_of(space);
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(space) - first + 1);
}

void take_header(HttpTransfer& transfer, std::string_view line) {
    if (line.starts_with("HTTP/")) {  // again after "100 Continue"
        transfer.reply_headers.clear();
        long status = 0;
        curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
        transfer.status = static_cast<int>(status);
        return;
    }
    line = trimmed(line);
    if (line.empty()) {
        if (transfer.status >= 200 && transfer.on_headers)
            std::exchange(transfer.on_headers, nullptr)();
        return;
    }
    auto colon = line.find(':');
    if (colon == line.npos) return;
    transfer.reply_headers.emplace_back(ascii_lower(std::string(line.substr(0, colon))),
                                        trimmed(line.substr(colon + 1)));
}

template <class Work>
std::size_t guarded(HttpTransfer& transfer, std::size_t size, Work work) {
    try {
        if (work()) return size;
        transfer.too_large = true;
    } catch (...) {
        transfer.thrown = std::current_exception();
    }
    return size == 0 ? 1 : 0;  // anything but `size` ends the transfer
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
    auto& transfer = *static_cast<HttpTransfer*>(user);
    return guarded(transfer, size, [&] {
        transfer.header_bytes += size;
        if (transfer.header_bytes > header_bytes_max) return false;
        take_header(transfer, {data, size});
        return true;
    });
}

std::size_t on_write(char* data, std::size_t, std::size_t size, void* user) {
    auto& transfer = *static_cast<HttpTransfer*>(user);
    return guarded(transfer, size, [&] { return transfer.on_body({data, size}); });
}

int on_new_socket(void*, curl_socket_t socket, curlsocktype) {
    notice_dead_peer(socket);
    return CURL_SOCKOPT_OK;
}

void set_pem(CURL* easy, CURLoption file, CURLoption blob, const std::string& path,
             const std::string& data) {
    if (!data.empty()) {
        // Thousands of streams share one text, which their calls keep alive.
        curl_blob pem{const_cast<char*>(data.data()), data.size(), CURL_BLOB_NOCOPY};
        set_option(easy, blob, &pem);
    } else if (!path.empty()) {
        set_option(easy, file, path.c_str());
    }
}

const TlsOptions& tls_of(const HttpTransfer& transfer) {
    static const TlsOptions plain;
    return transfer.call.tls ? *transfer.call.tls : plain;
}

void set_tls(HttpTransfer& transfer, CURLU* url, const UrlParts& parts) {
    CURL* easy = transfer.easy.get();
    const TlsOptions& tls = tls_of(transfer);
    set_option(easy, CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
    set_option(easy, CURLOPT_SSL_VERIFYPEER, tls.insecure_skip_verify ? 0L : 1L);
    set_option(easy, CURLOPT_SSL_VERIFYHOST, tls.insecure_skip_verify ? 0L : 2L);
    set_pem(easy, CURLOPT_CAINFO, CURLOPT_CAINFO_BLOB, tls.ca_file, tls.ca_data);
    if (!tls.ca_data.empty() || !tls.ca_file.empty())  // that one, and none of the system's
        set_option(easy, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    set_option(easy, CURLOPT_CA_CACHE_TIMEOUT, ca_read_again_seconds);
    set_pem(easy, CURLOPT_SSLCERT, CURLOPT_SSLCERT_BLOB, tls.client_certificate_file,
            tls.client_certificate_data);
    set_pem(easy, CURLOPT_SSLKEY, CURLOPT_SSLKEY_BLOB, tls.client_key_file, tls.client_key_data);

    if (tls.server_name.empty() || parts.scheme != "https") return;
    // libcurl takes the name to check from the URL: put it there, and say where to connect to.
    add_line(transfer.connect_to, "::" + parts.host_and_port());
    set_option(easy, CURLOPT_CONNECT_TO, transfer.connect_to.get());
    curl_url_set(url, CURLUPART_HOST, tls.server_name.c_str(), 0);
    add_line(transfer.headers, "Host: " + parts.host_and_port());
}

// False: a header that would smuggle in others.
bool set_headers(HttpTransfer& transfer) {
    bool typed = false;
    for (const auto& [name, value] : transfer.call.headers) {
        if (smuggles(name, value)) return false;
        typed |= ascii_lower(name) == "content-type";
        add_line(transfer.headers, value.empty() ? name + ";" : name + ": " + value);
    }
    add_line(transfer.headers, "Expect:");                    // a round trip for nothing
    if (!typed) add_line(transfer.headers, "Content-Type:");  // libcurl would invent one
    return true;
}

void set_method(CURL* easy, const HttpCall& call) {
    if (call.method == "HEAD") {
        set_option(easy, CURLOPT_NOBODY, 1L);
    } else if (call.method != "GET" || !call.body.empty()) {
        set_option(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
        set_option(easy, CURLOPT_POSTFIELDS, call.body.data());
        set_option(easy, CURLOPT_CUSTOMREQUEST, call.method.c_str());
    }
}

void set_connection(HttpTransfer& transfer, const UrlParts& parts) {
    CURL* easy = transfer.easy.get();
    set_option(easy, CURLOPT_NOSIGNAL, 1L);
    set_option(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set_option(easy, CURLOPT_FOLLOWLOCATION, 0L);
    if (parts.scheme == "https") {
        set_option(easy, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_2TLS});
        set_option(easy, CURLOPT_PIPEWAIT, 1L);
    } else {  // waiting for a chance to multiplex would wait for the first answer
        set_option(easy, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
    }
    set_option(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    set_option(easy, CURLOPT_USERAGENT, "runnerwatch");
    set_option(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect_timeout.count()));
    set_option(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(transfer.call.timeout.count()));
    if (transfer.call.fresh_connection) set_option(easy, CURLOPT_FRESH_CONNECT, 1L);
    set_option(easy, CURLOPT_SOCKOPTFUNCTION, &on_new_socket);
    if (const auto& proxy = tls_of(transfer).proxy_url; !proxy.empty())
        set_option(easy, CURLOPT_PROXY, proxy.c_str());
    else if (parts.is_loopback())  // a proxy of the environment could not reach it
        set_option(easy, CURLOPT_PROXY, "");
}

}  // namespace

bool smuggles(const std::string& name, const std::string& value) {
    return (name + value).find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos;
}

std::string HttpTransfer::prepare() {
    CurlUrl url = parse_url(call.url);
    if (!url) return "the URL cannot be read";
    auto parts = parts_of(url.get());
    host = parts.host_and_port();
    if (!set_headers(*this)) return host + ": a header contains a line break";
    set_method(easy.get(), call);
    set_connection(*this, parts);
    set_tls(*this, url.get(), parts);
    set_option(easy.get(), CURLOPT_URL, part_of(url.get(), CURLUPART_URL).c_str());
    set_option(easy.get(), CURLOPT_HTTPHEADER, headers.get());
    set_option(easy.get(), CURLOPT_ERRORBUFFER, error);
    set_option(easy.get(), CURLOPT_HEADERFUNCTION, &on_header);
    set_option(easy.get(), CURLOPT_HEADERDATA, this);
    set_option(easy.get(), CURLOPT_WRITEFUNCTION, &on_write);
    set_option(easy.get(), CURLOPT_WRITEDATA, this);
    return {};
}

void HttpTransfer::forget_request() {
    // libcurl looks at them when it sends a request, and this one has been answered.
    set_option(easy.get(), CURLOPT_HTTPHEADER, static_cast<curl_slist*>(nullptr));
    headers.reset();
    reply_headers = {};
    call.url = {};
    call.headers = {};
}

std::string_view HttpTransfer::header(std::string_view name) const {
    return find_header(reply_headers, name);
}

HttpFailure::Kind failure_kind(CURLcode code) {
    switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
            return HttpFailure::Kind::resolve;
        case CURLE_COULDNT_CONNECT:
            return HttpFailure::Kind::connect;
        case CURLE_OPERATION_TIMEDOUT:
            return HttpFailure::Kind::timeout;
        case CURLE_ABORTED_BY_CALLBACK:
            return HttpFailure::Kind::cancelled;
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CIPHER:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_SSL_ENGINE_NOTFOUND:
        case CURLE_SSL_ENGINE_SETFAILED:
        case CURLE_SSL_INVALIDCERTSTATUS:
            return HttpFailure::Kind::tls;
        default:
            return HttpFailure::Kind::broken;
    }
}

std::string HttpTransfer::in_words(CURLcode code) const {
    if (code == CURLE_ABORTED_BY_CALLBACK) return host + ": cancelled";
    std::string_view reason = error;
    // A text that quotes a URL (that of a proxy) may quote its password.
    if (reason.empty() || reason.find('@') != reason.npos || reason.find("://") != reason.npos)
        reason = curl_easy_strerror(code);
    return host + ": " + std::string(reason);
}

std::string_view find_header(const std::vector<std::pair<std::string, std::string>>& headers,
                             std::string_view name) {
    for (const auto& [key, value] : headers)
        if (key == name) return value;
    return {};
}

}  // namespace runnerwatch
