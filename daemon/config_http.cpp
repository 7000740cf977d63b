#include "daemon/config_http.h"

#include "daemon/config_values.h"
#include "parsers/ascii_lower.h"

#include <algorithm>
#include <set>

namespace runnerwatch {
namespace {

bool is_sha256(const std::string& text) {
    return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

void read_role(ConfigNode& node, Role& role) {
    std::string word = to_string(role);
    node.text("role", word);
    if (const auto known = role_from(word))
        role = *known;
    else
        node.error("role", "\"" + word +
                               "\" is no role. Write viewer (reads), responder (acknowledges, "
                               "notes, resolves) or admin.");
}

void read_tokens(ConfigNode& http, Config::Http& into) {
    std::set<std::string> names;
    for (ConfigNode& node : http.maps("tokens", "http.tokens[]")) {
        Config::Http::Token& token = into.tokens.emplace_back();
        node.text("name", token.name);
        if (!node.has("name"))
            node.error(
                "the name is missing: it says on timelines who acted. Write, for example, "
                "name: dashboard.");
        else if (!names.insert(token.name).second)
            node.error("name",
                       "\"" + token.name + "\" is the name of another token. Write another.");
        read_role(node, token.role);
        node.texts("namespaces", token.namespaces);
        node.text("sha256", token.sha256);
        token.sha256 = ascii_lower(token.sha256);
        if (!is_sha256(token.sha256))
            node.error("sha256",
                       "the SHA-256 of the token is needed here, 64 hexadecimal digits, and never "
                       "the token. `runnerwatch token --name NAME` makes both.");
    }
}

void read_proxy(ConfigNode& http, Config::Http::Proxy& proxy) {
    if (!http.has("proxy")) return;
    ConfigNode node = http.map("proxy", "http.proxy");
    node.text("user_header", proxy.user_header);
    proxy.user_header = ascii_lower(proxy.user_header);
    node.texts("from", proxy.from);
    read_role(node, proxy.role);
    if (!node.has("user_header") || !node.has("from"))
        node.error(
            "user_header and from are needed together: which header names the user, and "
            "the addresses of the proxy that is believed. Write, for example, user_header: "
            "X-Forwarded-User and from: [127.0.0.1].");
    for (const std::string& address : proxy.from)
        if (!is_ip_address(address))
            node.error("from", "\"" + address +
                                   "\" is no IP address. Write the one the proxy connects from, "
                                   "as in 127.0.0.1.");
}

void read_tls(ConfigNode& http, Config::Http& into) {
    if (!http.has("tls")) return;
    ConfigNode node = http.map("tls", "http.tls");
    node.text("certificate", into.tls_certificate);
    node.text("key", into.tls_key);
    if (!node.has("certificate") || !node.has("key"))
        node.error(
            "certificate and key are needed together: PEM files, as in certificate: "
            "/etc/runnerwatch/tls/tls.crt and key: /etc/runnerwatch/tls/tls.key.");
}

// Compared with decoded paths, so nothing may stand here that is written in another way.
bool is_plain_path(const std::string& text) {
    return text.find_first_not_of(
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
               "0123456789-._~/") == std::string::npos &&
           text.find("//") == std::string::npos && text.find("/.") == std::string::npos;
}

void read_path_prefix(ConfigNode& http, std::string& prefix) {
    http.text("path_prefix", prefix);
    if (prefix.ends_with('/')) prefix.pop_back();
    if (!prefix.empty() && (!prefix.starts_with('/') || !is_plain_path(prefix)))
        http.error("path_prefix",
                   "\"" + prefix +
                       "\" is no beginning of a path: letters, digits and - . _ ~ between "
                       "slashes. Write, for example, path_prefix: /runnerwatch.");
}

}  // namespace

void read_http(ConfigNode& root, Config& config) {
    ConfigNode http = root.map("http", "http");
    http.address("listen", config.http.listen);
    root.address("probe_listen", config.probe_listen);
    read_path_prefix(http, config.http.path_prefix);
    read_tls(http, config.http);
    read_tokens(http, config.http);
    read_proxy(http, config.http.proxy);
    const auto pages = parse_listen_address(config.http.listen);
    const auto probes = parse_listen_address(config.probe_listen);
    if (!pages->loopback() && config.http.tokens.empty() && config.http.proxy.user_header.empty())
        http.error("listen",
                   config.http.listen +
                       " can be reached from other machines, and anybody there could read "
                       "incidents. Configure http.tokens (`runnerwatch token --name NAME` makes "
                       "one), or use a loopback address, as in 127.0.0.1:8090, and kubectl "
                       "port-forward or ssh -L.");
    if (pages->port != 0 && pages->port == probes->port)
        root.error("probe_listen", "port " + std::to_string(probes->port) +
                                       " is that of http.listen too, and only one of the two can "
                                       "have it. Write another.");
}

}  // namespace runnerwatch
