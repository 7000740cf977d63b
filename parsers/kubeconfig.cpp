#include "parsers/kubeconfig.h"

#include "parsers/visible_text.h"

#include <yaml-cpp/yaml.h>

#include <array>
#include <map>
#include <optional>

namespace runnerwatch {

namespace {

// An entry of clusters, users or contexts, and the file that defined it first.
struct Entry {
    YAML::Node node;
    const KubeconfigFile* file;
};

using Entries = std::map<std::string, Entry>;

struct Merged {
    Entries clusters, users, contexts;
    std::string current_context;
};

std::string place_of(const KubeconfigFile& file, const YAML::Mark& mark) {
    return mark.is_null() ? file.name : file.name + ":" + std::to_string(mark.line + 1);
}

// Thrown and caught in this file: the reader descends three levels.
struct Refused {
    std::string what;
};

[[noreturn]] void refuse(const KubeconfigFile& file, const YAML::Node& at,
                         const std::string& what) {
    throw Refused{place_of(file, at.Mark()) + ": " + what};
}

std::string text(const Entry& entry, const char* key) {
    const YAML::Node value = entry.node[key];
    if (!value || value.IsNull()) return {};
    if (!value.IsScalar())
        refuse(*entry.file, value,
               std::string("'") + key + "' must be a text; see kubectl's config");
    return value.Scalar();
}

bool flag(const Entry& entry, const char* key) {
    const YAML::Node value = entry.node[key];
    if (!value || value.IsNull()) return false;
    bool on = false;
    if (!value.IsScalar() || !YAML::convert<bool>::decode(value, on))
        refuse(*entry.file, value, std::string("'") + key + "' must be true or false");
    return on;
}

bool has(const Entry& entry, const char* key) {
    const YAML::Node value = entry.node[key];
    return value && !value.IsNull() && !(value.IsScalar() && value.Scalar().empty());
}

std::string path(const Entry& entry, const char* key) {
    std::string name = text(entry, key);
    if (name.empty() || name.front() == '/') return name;
    return entry.file->folder.empty() ? name : entry.file->folder + "/" + name;
}

std::optional<std::string> decode_base64(std::string_view encoded) {
    static const auto values = [] {
        constexpr std::string_view alphabet =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        std::array<int, 256> table{};
        table.fill(-1);
        for (std::size_t i = 0; i < alphabet.size(); ++i)
            table[static_cast<unsigned char>(alphabet[i])] = static_cast<int>(i);
        return table;
    }();
    std::string decoded;
    unsigned bits = 0;
    int count = 0;
    bool ended = false;
    for (const char c : encoded) {
        if (c == '\n' || c == '\r' || c == ' ') continue;
        ended = ended || c == '=';
        if (c == '=') continue;
        const int value = values[static_cast<unsigned char>(c)];
        if (value < 0 || ended) return std::nullopt;
        bits = (bits << 6 | static_cast<unsigned>(value)) & 0xFFFFFF;
        count += 6;
        if (count >= 8) {
            count -= 8;
            decoded.push_back(static_cast<char>(bits >> count & 0xFF));
        }
    }
    return decoded;
}

std::string data(const Entry& entry, const char* key) {
    const std::string encoded = text(entry, key);
    auto decoded = decode_base64(encoded);
    if (!decoded || (decoded->empty() && !encoded.empty()))
        refuse(*entry.file, entry.node[key],
               std::string("'") + key + "' is not base64; write the PEM file encoded with base64");
    return *decoded;
}

// The first file to define a name wins, with its whole entry.
void merge(Entries& into, const YAML::Node& list, const char* what, const KubeconfigFile& file) {
    if (!list || list.IsNull()) return;
    if (!list.IsSequence())
        refuse(file, list, "a list of {name, " + std::string(what) + "} is expected here");
    for (const auto& item : list) {
        if (!item.IsMap() || !item["name"] || !item["name"].IsScalar())
            refuse(file, item, std::string("this ") + what + " has no name; give it one");
        const YAML::Node body = item[what];
        if (!body || body.IsNull()) continue;
        if (!body.IsMap())
            refuse(file, body, std::string("the body of this ") + what + " must be a mapping");
        into.emplace(item["name"].Scalar(), Entry{body, &file});
    }
}

Merged merge_files(const std::vector<KubeconfigFile>& files) {
    Merged merged;
    for (const KubeconfigFile& file : files) {
        YAML::Node root;
        try {
            root = YAML::Load(file.text);
        } catch (const YAML::Exception& error) {
            // error.msg names what the parser expected, and of the text it met one character.
            throw Refused{place_of(file, error.mark) + ": not a kubeconfig, it cannot be read as " +
                          "YAML or JSON: " + error.msg + "; compare it with `kubectl config view`"};
        }
        if (root.IsNull()) continue;
        if (!root.IsMap())
            throw Refused{file.name + ": not a kubeconfig: a mapping with clusters, users and " +
                          "contexts is expected"};
        merge(merged.clusters, root["clusters"], "cluster", file);
        merge(merged.users, root["users"], "user", file);
        merge(merged.contexts, root["contexts"], "context", file);
        const YAML::Node current = root["current-context"];
        if (merged.current_context.empty() && current && current.IsScalar())
            merged.current_context = current.Scalar();
    }
    return merged;
}

std::string names_of(const Entries& entries) {
    std::string names;
    for (const auto& [name, entry] : entries) names += (names.empty() ? "" : ", ") + name;
    return names.empty() ? "none" : names;
}

// What to do when no context fits.
std::string choice_of(const Entries& contexts) {
    return contexts.empty() ? "it defines no context at all: name another file with "
                              "clusters[].kubeconfig"
                            : "name one of: " + names_of(contexts);
}

std::string names_of(const std::vector<KubeconfigFile>& files) {
    std::string names;
    for (const auto& file : files) names += (names.empty() ? "" : ", ") + file.name;
    return names;
}

void read_cluster(const Entry& cluster, ClusterAccess& access) {
    access.server = text(cluster, "server");
    if (access.server.rfind("https://", 0) != 0 && access.server.rfind("http://", 0) != 0)
        refuse(*cluster.file, cluster.node,
               "this cluster has no usable 'server'; write a URL such as https://10.0.0.1:6443");
    while (access.server.back() == '/') access.server.pop_back();
    access.ca_file = path(cluster, "certificate-authority");
    access.ca_data = data(cluster, "certificate-authority-data");
    access.tls_server_name = text(cluster, "tls-server-name");
    access.proxy_url = text(cluster, "proxy-url");
    access.insecure_skip_tls_verify = flag(cluster, "insecure-skip-tls-verify");
}

void read_user(const Entry& user, ClusterAccess& access) {
    constexpr std::pair<const char*, const char*> unsupported[] = {
        {"exec",
         "exec plugins are not supported yet; use a service account token ('tokenFile') or a "
         "client certificate"},
        {"auth-provider",
         "auth providers were removed from kubectl and are not supported; use a service account "
         "token ('tokenFile') or a client certificate"},
        {"username",
         "basic authentication was removed from Kubernetes in 1.19; use 'tokenFile' or a client "
         "certificate"},
        {"as",
         "impersonation is not supported, and without it this user might have other rights than "
         "meant; use the credentials of the account itself"},
    };
    for (const auto& [key, what] : unsupported)
        if (has(user, key)) refuse(*user.file, user.node[key], what);
    access.client_certificate_file = path(user, "client-certificate");
    access.client_certificate_data = data(user, "client-certificate-data");
    access.client_key_file = path(user, "client-key");
    access.client_key_data = data(user, "client-key-data");
    access.token = text(user, "token");
    access.token_file = path(user, "tokenFile");
}

ClusterAccess resolve(const std::vector<KubeconfigFile>& files, std::string_view wanted) {
    const Merged merged = merge_files(files);
    const std::string name = wanted.empty() ? merged.current_context : std::string(wanted);
    if (name.empty())
        throw Refused{names_of(files) + ": no context was named and the kubeconfig has no " +
                      "current-context; " + choice_of(merged.contexts)};
    const auto context = merged.contexts.find(name);
    if (context == merged.contexts.end())
        throw Refused{names_of(files) + ": there is no context '" + name + "'; " +
                      choice_of(merged.contexts)};

    const Entry& entry = context->second;
    const auto cluster = merged.clusters.find(text(entry, "cluster"));
    if (cluster == merged.clusters.end())
        refuse(*entry.file, entry.node,
               "context '" + name + "' names the cluster '" + text(entry, "cluster") +
                   "', which is not defined; the clusters are: " + names_of(merged.clusters));
    ClusterAccess access;
    access.context = name;
    access.default_namespace = text(entry, "namespace");
    read_cluster(cluster->second, access);

    const std::string user_name = text(entry, "user");
    if (user_name.empty()) return access;  // kubectl proxy needs none
    const auto user = merged.users.find(user_name);
    if (user == merged.users.end())
        refuse(*entry.file, entry.node,
               "context '" + name + "' names the user '" + user_name +
                   "', which is not defined; the users are: " + names_of(merged.users));
    read_user(user->second, access);
    return access;
}

}  // namespace

Result<ClusterAccess, KubeconfigError> read_kubeconfig(const std::vector<KubeconfigFile>& files,
                                                       std::string_view context) {
    try {
        return resolve(files, context);
    } catch (const Refused& refused) {
        return failure(KubeconfigError{visible_text(refused.what)});
    } catch (const YAML::Exception& error) {
        return failure(
            KubeconfigError{visible_text(names_of(files) + ": not a kubeconfig: " + error.msg)});
    }
}

}  // namespace runnerwatch
