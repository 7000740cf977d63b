#include "parsers/identity.h"

#include "parsers/ascii_lower.h"
#include "parsers/fingerprint.h"

#include <algorithm>

namespace runnerwatch {

IdentityPart::IdentityPart(const std::string& text) : name(text) {
    const std::size_t open = text.find('(');
    if (open == text.npos) return;
    function = text.substr(0, open) == "host" ? Function::host : Function::mask;
    name = text.substr(open + 1, text.size() - open - 2);
}

std::optional<std::pair<std::string, std::string>> IdentityPart::of(const Values& values) const {
    const auto value = values.find(name);
    if (value == values.end()) return std::nullopt;
    if (function == Function::none) return std::pair(name, value->second);
    if (function == Function::mask) return std::pair(name, masked(value->second));
    std::string host = host_of_url(value->second);
    if (host.empty()) return std::nullopt;
    return std::pair(std::string("host"), std::move(host));
}

std::vector<std::pair<std::string, std::string>> identity_of(const Rule& rule,
                                                             const Values& values) {
    std::vector<std::pair<std::string, std::string>> identity;
    for (const std::string& text : rule.identity)
        if (auto part = IdentityPart(text).of(values)) identity.push_back(*std::move(part));
    return identity;
}

std::string host_of_url(std::string_view url) {
    const std::string lower = ascii_lower(std::string(url));
    const std::size_t scheme_end = lower.find("://");
    if (scheme_end == lower.npos || scheme_end == 0) return {};
    const std::string scheme = lower.substr(0, scheme_end);
    std::string host = lower.substr(scheme_end + 3);
    host.erase(std::min(host.find_first_of("/?#"), host.size()));
    if (const std::size_t at = host.rfind('@'); at != host.npos) host.erase(0, at + 1);
    const std::string_view port = scheme == "https" ? ":443" : scheme == "http" ? ":80" : "";
    if (std::string_view(host).ends_with(port)) host.resize(host.size() - port.size());
    return host;
}

}  // namespace runnerwatch
