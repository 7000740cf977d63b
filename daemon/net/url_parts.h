#pragma once

#include "daemon/net/curl_handle.h"

#include <string>
#include <string_view>

namespace runnerwatch {

// A URL taken apart by libcurl; null: it cannot be read. Throws std::bad_alloc.
CurlUrl parse_url(std::string_view text);

// Empty: the URL has no such part.
std::string part_of(CURLU* url, CURLUPart part);

struct UrlParts {
    std::string scheme, host, port, path;

    std::string host_and_port() const { return port.empty() ? host : host + ":" + port; }
    bool is_loopback() const;
};
UrlParts parts_of(CURLU* url);

// "https://host:8443/path" without user, password, query and fragment: fit for a log.
std::string url_for_people(std::string_view url);

}  // namespace runnerwatch
