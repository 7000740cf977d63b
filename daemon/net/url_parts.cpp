#include "daemon/net/url_parts.h"

namespace runnerwatch {

CurlUrl parse_url(std::string_view text) {
    CurlUrl url(curl_url());
    if (!url) throw std::bad_alloc();
    if (curl_url_set(url.get(), CURLUPART_URL, std::string(text).c_str(), 0) != CURLUE_OK)
        return nullptr;
    return url;
}

std::string part_of(CURLU* url, CURLUPart part) {
    char* text = nullptr;
    if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
    std::string copy(text);
    curl_free(text);
    return copy;
}

UrlParts parts_of(CURLU* url) {
    return {part_of(url, CURLUPART_SCHEME), part_of(url, CURLUPART_HOST),
            part_of(url, CURLUPART_PORT), part_of(url, CURLUPART_PATH)};
}

bool UrlParts::is_loopback() const {
    return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

std::string url_for_people(std::string_view url) {
    CurlUrl parsed = parse_url(url);
    if (!parsed) return "(a URL that cannot be read)";
    auto parts = parts_of(parsed.get());
    return parts.scheme + "://" + parts.host_and_port() + parts.path;
}

}  // namespace runnerwatch
