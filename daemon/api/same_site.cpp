#include "daemon/api/same_site.h"

#include "daemon/api/history_api.h"
#include "parsers/ascii_lower.h"

#include <algorithm>
#include <string_view>

namespace runnerwatch {
namespace {

std::string header(const ServerRequest& request, const char* name) {
    return ascii_lower(request.header(name));
}

// "localhost:8090" and the like: a name of this machine for itself, and digits for a port.
bool names_us(const std::string& host) {
    const std::size_t end = host.starts_with('[') ? host.find(']') : host.find(':');
    const std::string name = host.substr(0, host.starts_with('[') ? end + 1 : end);
    if (name != "localhost" && name != "127.0.0.1" && name != "[::1]") return false;
    const std::string_view rest = std::string_view(host).substr(name.size());
    return rest.empty() ||
           (rest.starts_with(':') && std::all_of(rest.begin() + 1, rest.end(), [](unsigned char c) {
                return c >= '0' && c <= '9';
            }));
}

bool is_json(const std::string& type) {
    return type.substr(0, std::min(type.find(';'), type.find(' '))) == "application/json";
}

}  // namespace

std::optional<ServerReply> refuse_strangers(const ServerRequest& request, bool guarded) {
    const bool reads = request.method == "GET" || request.method == "HEAD";
    const std::string host = header(request, "host");
    // HTTP/1.0 has no Host; no browser speaks it.
    if (!guarded && !(host.empty() && reads) && !names_us(host))
        return problem_reply(403, "Forbidden", "This address is served under localhost only.");
    if (request.method != "POST") return std::nullopt;  // nothing else changes anything
    const std::string origin = header(request, "origin"), site = header(request, "sec-fetch-site");
    // A proxy in front may speak TLS.
    const bool ours = (!request.secure && origin == "http://" + host) ||
                      ((request.secure || guarded) && origin == "https://" + host);
    if ((!origin.empty() && !ours) || (!site.empty() && site != "same-origin" && site != "none"))
        return problem_reply(403, "Forbidden",
                             "A page of another site sent this: it may not change anything here. "
                             "Nothing was changed.");
    if (!is_json(header(request, "content-type")))
        return problem_reply(415, "Unsupported media type",
                             "Changes are taken as JSON only: send Content-Type: "
                             "application/json. Nothing was changed.");
    return std::nullopt;
}

}  // namespace runnerwatch
