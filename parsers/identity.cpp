#include "parsers/identity.h"

#include "parsers/fingerprint.h"

#include <algorithm>

namespace runnerwatch {

std::vector<std::pair<std::string, std::string>> identity_of(const Rule& rule,
                                                             const Values& values) {
    std::vector<std::pair<std::string, std::string>> identity;
    for (const std::string& part : rule.identity) {
        const std::size_t open = part.find('(');
        const std::string function = open == part.npos ? "" : part.substr(0, open);
        const std::string name =
            function.empty() ? part : part.substr(open + 1, part.size() - open - 2);
        const auto value = values.find(name);
        if (value == values.end()) continue;
        if (function == "host") {
            if (std::string host = host_of_url(value->second); !host.empty())
                identity.emplace_back("host", std::move(host));
        } else {
            identity.emplace_back(name, function == "mask" ? masked(value->second) : value->second);
        }
    }
    return identity;
}

std::string host_of_url(std::string_view url) {
    std::string lower(url);
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');

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
