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
    if (access.insecure_skip_tls_verify && !(access.ca_file.empty() && access.ca_data.empty()))
        refuse(*cluster.file, cluster.node,
               "'insecure-skip-tls-verify' stands beside a certificate authority: remove it, and "
               "the server's certificate is verified");
}

std::vector<std::string> texts(const Entry& entry, const char* key) {
    std::vector<std::string> values;
    const YAML::Node list = entry.node[key];
    if (!list || list.IsNull()) return values;
    if (!list.IsSequence())
        refuse(*entry.file, list, std::string("'") + key + "' must be a list of texts");
    for (const auto& item : list) {
        if (!item.IsScalar())
            refuse(*entry.file, item, std::string("'") + key + "' must be a list of texts");
        values.push_back(item.Scalar());
    }
    return values;
}

void read_impersonation(const Entry& user, Impersonation& as) {
    as.user = text(user, "as");
    as.uid = text(user, "as-uid");
    as.groups = texts(user, "as-groups");
    const YAML::Node extra = user.node["as-user-extra"];
    if (extra && !extra.IsNull() && !extra.IsMap())
        refuse(*user.file, extra, "'as-user-extra' must be a mapping of lists");
    if (extra && extra.IsMap())
        for (const auto& item : extra) {
            const std::string key = item.first.Scalar();
            for (const auto& value : texts({extra, user.file}, key.c_str()))
                as.extra.emplace_back(key, value);
        }
    if (as.user.empty() && !(as.uid.empty() && as.groups.empty() && as.extra.empty()))
        refuse(*user.file, user.node,
               "'as-uid', 'as-groups' and 'as-user-extra' need 'as': name the user to act as");
}

// A relative path is resolved against the kubeconfig's folder, a bare name is looked for in $PATH.
ExecPlugin read_exec(const Entry& user, const ClusterAccess& access) {
    const Entry exec{user.node["exec"], user.file};
    if (!exec.node.IsMap()) refuse(*user.file, exec.node, "'exec' must be a mapping");
    if (!access.token.empty() || !access.token_file.empty())
        refuse(*user.file, exec.node, "'exec' stands beside a token: keep one of the two");
    ExecPlugin plugin;
    plugin.command = text(exec, "command");
    if (plugin.command.empty()) refuse(*user.file, exec.node, "'exec' has no 'command'");
    if (plugin.command.find('/') != std::string::npos) plugin.command = path(exec, "command");
    plugin.arguments = texts(exec, "args");
    plugin.api_version = text(exec, "apiVersion");
    plugin.install_hint = text(exec, "installHint");
    plugin.wants_cluster = flag(exec, "provideClusterInfo");
    if (plugin.api_version != "client.authentication.k8s.io/v1" &&
        plugin.api_version != "client.authentication.k8s.io/v1beta1")
        refuse(*user.file, exec.node,
               "the exec plugin's apiVersion '" + plugin.api_version +
                   "' is not known; write client.authentication.k8s.io/v1, as newer versions of "
                   "the plugin understand it");
    const std::string mode = text(exec, "interactiveMode");
    if (mode == "Always")
        refuse(*user.file, exec.node,
               "this exec plugin needs a person at a terminal (interactiveMode: Always), and a "
               "daemon has none; use a service account token ('tokenFile') or a client "
               "certificate");
    if (mode.empty() ? plugin.api_version.ends_with("/v1")
                     : mode != "Never" && mode != "IfAvailable")
        refuse(*user.file, exec.node, "'interactiveMode' must be Never or IfAvailable");
    const YAML::Node env = exec.node["env"];
    if (env && !env.IsNull())
        for (const auto& item : env) {
            if (!item.IsMap() || !item["name"] || !item["value"])
                refuse(*user.file, item, "'env' must be a list of {name, value}");
            plugin.environment.emplace_back(item["name"].Scalar(), item["value"].Scalar());
        }
    return plugin;
}

void read_user(const Entry& user, ClusterAccess& access) {
    constexpr std::pair<const char*, const char*> unsupported[] = {
        {"auth-provider",
         "auth providers were removed from kubectl and are not supported; use the exec plugin that "
         "replaced it, a service account token ('tokenFile') or a client certificate"},
        {"username",
         "basic authentication was removed from Kubernetes in 1.19; use 'tokenFile' or a client "
         "certificate"},
    };
    for (const auto& [key, what] : unsupported)
        if (has(user, key)) refuse(*user.file, user.node[key], what);
    access.client_certificate_file = path(user, "client-certificate");
    access.client_certificate_data = data(user, "client-certificate-data");
    access.client_key_file = path(user, "client-key");
    access.client_key_data = data(user, "client-key-data");
    access.token = text(user, "token");
    access.token_file = path(user, "tokenFile");
    read_impersonation(user, access.as);
    if (has(user, "exec")) access.exec = read_exec(user, access);
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
