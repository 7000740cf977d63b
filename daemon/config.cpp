#include "daemon/config.h"

#include "daemon/config_http.h"
#include "daemon/config_reader.h"
#include "daemon/config_values.h"
#include "parsers/rule.h"
#include "parsers/yaml_documents.h"
#include "storage/retention.h"

#include <algorithm>
#include <charconv>
#include <set>

namespace runnerwatch {

namespace {

constexpr std::size_t route_depth_max = 16;  // an alias may make the tree endless

const std::vector<std::string> route_labels{"cluster", "host",     "namespace", "response",
                                            "rule",    "severity", "workload"};

std::string quoted(const std::string& text) { return '"' + text + '"'; }

// What is named must differ: names stand in incidents, alerts and the database.
void claim(ConfigNode& map, const std::string& name, std::set<std::string>& names) {
    if (!name.empty() && !names.insert(name).second)
        map.error("name", quoted(name) +
                              " is the name of an earlier entry too, and what is found "
                              "could not be told apart. Give each its own name.");
}

void read_rate(ConfigNode& map, int& rate) {
    std::string text;
    map.text("open_rate", text);
    if (text.empty()) return;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rate);
    if (error == std::errc() && end == text.data() + text.size() && rate >= 1 && rate <= 10'000)
        return;
    map.error("open_rate", quoted(text) +
                               " is no whole number from 1 to 10000. Write how many log streams "
                               "may be opened in a second, as in 50.");
}

void read_clusters(ConfigNode& root, Config& config) {
    std::set<std::string> names;
    for (auto& map : root.maps("clusters", "clusters[]")) {
        ClusterConfig& cluster = config.clusters.emplace_back();
        map.text("name", cluster.name);
        map.text("kubeconfig", cluster.kubeconfig);
        map.text("context", cluster.context);
        map.texts("namespaces", cluster.namespaces);
        map.text("selector", cluster.follow.selector);
        map.text("field_selector", cluster.follow.field_selector);
        map.texts("workloads", cluster.follow.workloads);
        read_rate(map, cluster.open_rate);
        map.duration("probe_every", cluster.probe_every);
        map.duration("renew_every", cluster.renew_every);
        claim(map, cluster.name, names);
        if (map.has("context") && !map.has("kubeconfig"))
            map.error("context",
                      "without kubeconfig the service account of the pod is used, and that has no "
                      "contexts. Write kubeconfig: FILE beside it, or remove it.");
        for (const auto& name : cluster.follow.workloads)
            if (name.find('/') == 0 || name.find('/') == name.npos || name.ends_with('/'))
                map.error("workloads",
                          quoted(name) +
                              " is not KIND/NAME. Write the owner of the pods, as in "
                              "Deployment/gitlab-runner, StatefulSet/runner-* or, for a bare pod, "
                              "Pod/NAME; \"*\" stands for anything.");
        for (const auto& name : cluster.namespaces)
            if (!name.empty() && !is_dns_label(name))
                map.error("namespaces",
                          quoted(name) +
                              " cannot be a namespace: those have only a-z, 0-9 and \"-\", at most "
                              "63 of them. Write each whole (patterns are not known here); leave "
                              "the key out for all namespaces.");
    }
}

void read_files(ConfigNode& root, Config& config) {
    std::set<std::string> names;
    for (auto& map : root.maps("files", "files[]")) {
        FileConfig& file = config.files.emplace_back();
        map.text("path", file.path);
        file.name = file.path;
        map.text("name", file.name);
        claim(map, file.name, names);
        if (!map.has("path"))
            map.error("the path is missing, so there is nothing to read. Write path: FILE.");
    }
}

void read_journal(ConfigNode& root, Config& config) {
    std::set<std::string> names;
    for (auto& map : root.maps("journal", "journal[]")) {
        JournalConfig& journal = config.journal.emplace_back();
        map.text("unit", journal.unit);
        map.text("directory", journal.directory);
        journal.name = journal.unit;
        map.text("name", journal.name);
        claim(map, journal.name, names);
        if (!map.has("unit"))
            map.error("the unit is missing. Write, for example, unit: gitlab-runner.service.");
        else if (journal.unit.find_first_of("*?[") != std::string::npos)
            map.error("unit", quoted(journal.unit) +
                                  " stands for several units, whose lines would be mixed up. Write "
                                  "an entry for each.");
    }
}

void read_gitlab_hosts(ConfigNode& root, Config& config) {
    root.texts("gitlab_hosts", config.gitlab_hosts);
    for (const auto& host : config.gitlab_hosts)
        if (host.find_first_of("/@ ") != std::string::npos)
            root.error("gitlab_hosts", quoted(host) +
                                           " is more than a host name. Write only that, with a "
                                           "port if it is not 443, as in gitlab.example.com.");
}

void read_receiver(ConfigNode& map, ReceiverConfig& receiver, std::set<std::string>& names) {
    map.text("name", receiver.name);
    claim(map, receiver.name, names);
    if (!map.has("name"))
        map.error("the receiver has no name, so no route can name it. Write name: NAME.");
    if (map.has("webhook") == map.has("alertmanager"))
        map.error(std::string(map.has("webhook") ? "two kinds of receiver stand here"
                                                 : "how it is reached is missing") +
                  ", and a receiver has exactly one. Write webhook: {url: …} or alertmanager: "
                  "{urls: […]}.");
    if (map.has("webhook")) {
        auto& webhook = receiver.webhook.emplace();
        ConfigNode keys = map.map("webhook", "alerts.receivers[].webhook");
        keys.url("url", webhook.url);
        keys.text("url_file", webhook.url_file);
        keys.text("secret_file", webhook.secret_file);
        if (keys.has("url") == keys.has("url_file"))
            keys.error(std::string(keys.has("url") ? "url and url_file exclude each other"
                                                   : "there is no URL to post to") +
                       ". Write url: URL, or url_file: FILE where the URL holds a secret.");
    }
    if (map.has("alertmanager")) {
        auto& alertmanager = receiver.alertmanager.emplace();
        ConfigNode keys = map.map("alertmanager", "alerts.receivers[].alertmanager");
        keys.urls("urls", alertmanager.urls);
        keys.duration("hold", alertmanager.hold);
        if (alertmanager.urls.empty())
            keys.error(
                "there is no Alertmanager to post to. Write urls: [http://HOST:9093], with "
                "every instance of the cluster.");
    }
}

void check_match(ConfigNode& map, const Route& route) {
    for (const auto& [label, values] : route.match) {
        if (std::find(route_labels.begin(), route_labels.end(), label) == route_labels.end())
            map.error("match", "incidents have no label " + quoted(label) + "." +
                                   suggestion(label, route_labels));
        for (const auto& value : values) {
            if (label == "severity" && !severity_from(value))
                map.error("match", quoted(value) + " is no severity." +
                                       suggestion(value, {"info", "warning", "error", "critical"}));
            if (label == "response" && !response_from(value))
                map.error("match", quoted(value) + " is no response." +
                                       suggestion(value, {"page", "ticket", "advice"}));
        }
    }
}

// Reads one route over what it inherits, and those below it.
class RouteReader {
public:
    explicit RouteReader(std::vector<std::string> receivers) : receivers_(std::move(receivers)) {}

    void read(ConfigNode& map, Route& route, std::size_t depth) {
        map.text("receiver", route.receiver);
        map.text_lists("match", route.match);
        map.texts("group_by", route.group_by);
        map.duration("group_wait", route.group_wait, ConfigNode::Zero::allowed);
        map.duration("group_interval", route.group_interval);
        map.duration("repeat_interval", route.repeat_interval);
        map.yes_or_no("continue", route.continue_after);
        check(map, route, depth);
        used_.insert(route.receiver);
        if (depth == route_depth_max) {
            map.error("routes stand more than " + std::to_string(route_depth_max) +
                      " deep here, which is more than is followed. Make the tree flatter.");
            return;
        }
        for (auto& below : map.maps("routes", "route")) {
            Route child = route;
            child.match.clear();
            child.continue_after = false;
            child.routes.clear();
            read(below, child, depth + 1);
            route.routes.push_back(std::move(child));
        }
    }

    bool uses(const std::string& receiver) const { return used_.contains(receiver); }

private:
    void check(ConfigNode& map, const Route& route, std::size_t depth) {
        if (map.has("receiver") && !route.receiver.empty() &&
            std::find(receivers_.begin(), receivers_.end(), route.receiver) == receivers_.end())
            map.error("receiver", "alerts.receivers has no " + quoted(route.receiver) + "." +
                                      suggestion(route.receiver, receivers_));
        for (const auto& label : route.group_by)
            if (map.has("group_by") && !label.empty() &&
                std::find(route_labels.begin(), route_labels.end(), label) == route_labels.end())
                map.error("group_by", "incidents have no label " + quoted(label) + "." +
                                          suggestion(label, route_labels));
        check_match(map, route);
        if (depth > 0) return;
        if (!map.has("receiver"))
            map.error(
                "the receiver is missing, and nobody would get what no route below takes. "
                "Write receiver: NAME.");
        for (const char* key : {"match", "continue"})
            if (map.has(key))
                map.error(key,
                          "the first route takes whatever no other takes, so it cannot "
                          "choose. Put this into an entry of routes below it.");
    }

    std::vector<std::string> receivers_;
    std::set<std::string> used_;
};

// Alertmanagers are told of everything without a route; a webhook nobody names hears nothing.
void read_alerts(ConfigNode& root, Config& config) {
    ConfigNode map = root.map("alerts", "alerts");
    std::vector<std::string> receivers, webhooks;
    std::set<std::string> names;
    std::vector<ConfigNode> entries = map.maps("receivers", "alerts.receivers[]");
    for (auto& entry : entries) {
        ReceiverConfig& receiver = config.alerts.receivers.emplace_back();
        read_receiver(entry, receiver, names);
        receivers.push_back(receiver.name);
        if (!receiver.alertmanager) webhooks.push_back(receiver.name);
    }
    if (!map.has("route")) {
        if (webhooks.size() > 1)
            map.error("the route is missing, and with the receivers " + listed(webhooks) +
                      " it cannot be guessed who is told what. Write route: {receiver: NAME}.");
        else if (!receivers.empty())
            config.alerts.route =
                default_route(webhooks.empty() ? receivers.front() : webhooks.front());
        return;
    }
    ConfigNode route = map.map("route", "route");
    RouteReader reader(receivers);
    reader.read(route, config.alerts.route, 0);
    if (!route.has("receiver")) return;  // said already
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const ReceiverConfig& receiver = config.alerts.receivers[i];
        if (receiver.webhook && !receiver.name.empty() && !reader.uses(receiver.name))
            entries[i].error("name", "no route names the receiver " + quoted(receiver.name) +
                                         ", so it would never be told anything. Name it in "
                                         "alerts.route or remove it.");
    }
}

void read_config(ConfigNode& root, Config& config) {
    read_clusters(root, config);
    read_files(root, config);
    read_journal(root, config);
    root.texts("rules", config.rules);
    root.duration("history", config.history, ConfigNode::Zero::allowed);
    ConfigNode storage = root.map("storage", "storage");
    storage.text("database", config.storage.database);
    storage.duration("retention", config.storage.retention);
    storage.size("size_max", config.storage.size_max);
    if (config.storage.retention < RetentionRules::kept_at_least)
        storage.error("retention",
                      "incidents stay for at least 3 days after their end: late lines may join "
                      "them, and receivers are told of them. Write 3d or more.");
    read_http(root, config);
    read_gitlab_hosts(root, config);
    read_alerts(root, config);
}

}  // namespace

const char* to_string(Role role) {
    switch (role) {
        case Role::viewer:
            return "viewer";
        case Role::responder:
            return "responder";
        case Role::admin:
            break;
    }
    return "admin";
}

std::optional<Role> role_from(std::string_view word) {
    for (const Role role : {Role::viewer, Role::responder, Role::admin})
        if (word == to_string(role)) return role;
    return std::nullopt;
}

Duration current_within(const Config& config) {
    Duration longest = ClusterConfig{}.probe_every;
    if (!config.clusters.empty() && config.files.empty()) longest = Duration(0);
    for (const auto& cluster : config.clusters) longest = std::max(longest, cluster.probe_every);
    return 2 * longest;
}

const std::vector<ConfigSection>& config_sections() {
    static const std::vector<ConfigSection> sections{
        {"",
         {"clusters", "files", "journal", "rules", "history", "storage", "http", "probe_listen",
          "gitlab_hosts", "alerts"}},
        {"clusters[]",
         {"name", "kubeconfig", "context", "namespaces", "selector", "field_selector", "workloads",
          "open_rate", "probe_every", "renew_every"}},
        {"files[]", {"name", "path"}},
        {"journal[]", {"name", "unit", "directory"}},
        {"storage", {"database", "retention", "size_max"}},
        {"http", {"listen", "path_prefix", "tls", "tokens", "proxy"}},
        {"http.tls", {"certificate", "key"}},
        {"http.tokens[]", {"name", "role", "sha256", "namespaces"}},
        {"http.proxy", {"user_header", "from", "role"}},
        {"alerts", {"receivers", "route"}},
        {"alerts.receivers[]", {"name", "webhook", "alertmanager"}},
        {"alerts.receivers[].webhook", {"url", "url_file", "secret_file"}},
        {"alerts.receivers[].alertmanager", {"urls", "hold"}},
        {"route",
         {"receiver", "match", "group_by", "group_wait", "group_interval", "repeat_interval",
          "continue", "routes"}},
    };
    return sections;
}

Route default_route(const std::string& receiver) {
    Route route;
    route.receiver = receiver;
    return route;
}

Result<Config, std::vector<ConfigError>> parse_config(
    const std::string& file_name, std::string_view yaml,
    const std::vector<std::pair<std::string, std::string>>& environment) {
    ConfigReader reader(file_name, environment);
    Config config;
    try {
        const YamlDocuments documents = read_yaml_documents(std::string(yaml));
        ConfigNode root(reader, documents.first, "", "");
        read_config(root, config);
        if (!reader.failed() && config.clusters.empty() && config.files.empty() &&
            config.journal.empty())
            root.error(
                "neither clusters nor files nor journal stand here, so there is nothing to watch. "
                "Write, for "
                "example, clusters: [{kubeconfig: FILE}], or clusters: [{}] in a pod.");
        if (documents.count > 1)
            reader.error(documents.second, "",
                         "a second document begins here (---), and would not be read. Put "
                         "everything into one.");
    } catch (const YAML::Exception& fault) {
        reader.error(fault.mark, "",
                     "this is not YAML: " + fault.msg +
                         ". Look at the indentation, and put quotes around values with \": \", "
                         "\"#\", \"{\" or \"*\" in them.");
    }
    auto errors = reader.take_errors();
    if (!errors.empty()) return failure(std::move(errors));
    return config;
}

}  // namespace runnerwatch
