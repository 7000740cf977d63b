#include "parsers/exec_credential.h"

#include <nlohmann/json.hpp>

namespace runnerwatch {

using Json = nlohmann::json;

namespace {

std::string text(const Json& object, const char* key) {
    if (!object.is_object()) return {};
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string base64(std::string_view bytes) {
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string encoded;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        unsigned bits = 0;
        for (std::size_t j = 0; j < 3; ++j)
            bits =
                bits << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
        for (std::size_t j = 0; j < 4; ++j)
            encoded += i + j <= bytes.size() ? digits[bits >> (18 - 6 * j) & 63] : '=';
    }
    return encoded;
}

}  // namespace

Result<ExecCredential, std::string> parse_exec_credential(std::string_view json,
                                                          std::string_view api_version) {
    const Json root = Json::parse(json, nullptr, false);
    if (!root.is_object() || text(root, "kind") != "ExecCredential")
        return failure(std::string("it printed something else than an ExecCredential"));
    if (text(root, "apiVersion") != api_version)
        return failure("it printed an ExecCredential of another version than " +
                       std::string(api_version) + ", which the kubeconfig names");
    const auto status = root.find("status");
    if (status == root.end() || !status->is_object())
        return failure(std::string("its ExecCredential has no status"));
    ExecCredential credential;
    credential.token = text(*status, "token");
    credential.client_certificate = text(*status, "clientCertificateData");
    credential.client_key = text(*status, "clientKeyData");
    if (credential.client_certificate.empty() != credential.client_key.empty())
        return failure(
            std::string("it printed one of clientCertificateData and clientKeyData "
                        "without the other"));
    if (credential.token.empty() && credential.client_key.empty())
        return failure(std::string("it printed neither a token nor a client certificate"));
    if (credential.token.find_first_of("\r\n") != std::string::npos)
        return failure(std::string("its token has a line break in it"));
    if (const std::string expires = text(*status, "expirationTimestamp"); !expires.empty()) {
        const auto parsed = parse_time(expires);
        if (!parsed) return failure(std::string("its expirationTimestamp is no RFC 3339 time"));
        credential.expires = parsed->time;
    }
    return credential;
}

std::string exec_info(const ExecPlugin& plugin, const ExecClusterInfo& cluster) {
    Json spec{{"interactive", false}};
    if (plugin.wants_cluster) {
        Json info{{"server", cluster.server}};
        if (!cluster.tls_server_name.empty()) info["tls-server-name"] = cluster.tls_server_name;
        if (!cluster.proxy_url.empty()) info["proxy-url"] = cluster.proxy_url;
        if (cluster.insecure_skip_tls_verify) info["insecure-skip-tls-verify"] = true;
        if (!cluster.ca_data.empty()) info["certificate-authority-data"] = base64(cluster.ca_data);
        spec["cluster"] = std::move(info);
    }
    return Json{
        {"apiVersion", plugin.api_version}, {"kind", "ExecCredential"}, {"spec", std::move(spec)}}
        .dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace runnerwatch
