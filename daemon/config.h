#pragma once

#include "alerts/route.h"
#include "parsers/follow_choice.h"
#include "parsers/result.h"
#include "parsers/timestamp.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

struct ClusterConfig {
    std::string name;        // default: the context's name, "in-cluster" in a pod
    std::string kubeconfig;  // paths as in $KUBECONFIG; empty: in-cluster service account
    std::string context;     // empty: the current one
    std::vector<std::string> namespaces;             // empty: all
    FollowWish follow;                               // empty: GitLab Runner managers only
    int open_rate = 50;                              // log streams opened per second, at most
    Duration probe_every = std::chrono::minutes(5);  // how often a quiet log is asked for its end
    // At most this old a log stream is replaced, before its server ends it: kubelets do after 4 h.
    Duration renew_every = std::chrono::minutes(225);
};

struct FileConfig {
    std::string name;  // default: the path
    std::string path;
};

// One unit's entries in the systemd journal.
struct JournalConfig {
    std::string name;       // default: the unit
    std::string unit;       // as journalctl --unit takes it, one unit
    std::string directory;  // of the journal's files; empty: this machine's journal
};

// A URL may hold a secret: it comes from a file (`url_file`, re-read when it changes) or from the
// configuration, and is never printed.
struct WebhookConfig {
    std::string url, url_file;
    std::string secret_file;  // Standard Webhooks "whsec_…", signs when set
};

struct AlertmanagerConfig {
    std::vector<std::string> urls;
    Duration hold = std::chrono::hours(1);  // endsAt of a firing alert: now + hold
};

// Exactly one kind.
struct ReceiverConfig {
    std::string name;
    std::optional<WebhookConfig> webhook;
    std::optional<AlertmanagerConfig> alertmanager;
};

// What somebody may do over the API; each may do what those before it may.
enum class Role { viewer, responder, admin };
const char* to_string(Role role);
std::optional<Role> role_from(std::string_view word);

struct Config {
    std::vector<ClusterConfig> clusters;
    std::vector<FileConfig> files;
    std::vector<JournalConfig> journal;
    std::vector<std::string> rules;  // further rule folders
    Duration history = std::chrono::hours(24);
    struct Storage {
        std::string database = "runnerwatch.db";
        Duration retention = std::chrono::hours(24 * 180);
        std::uint64_t size_max = 0;  // bytes, 0: none
    } storage;
    struct Http {
        std::string listen = "127.0.0.1:8090";
        std::string path_prefix;  // "/runnerwatch": before every path; empty: none
        // Both or neither: PEM files, read again when they change.
        std::string tls_certificate, tls_key;
        // Without tokens and without a proxy nobody is asked who he is: loopback only.
        struct Token {
            std::string name;  // the actor on timelines
            Role role = Role::viewer;
            std::string sha256;                   // of the token, which stands nowhere
            std::vector<std::string> namespaces;  // empty: all
        };
        std::vector<Token> tokens;
        // A proxy in front that knows its users and names them in a header.
        struct Proxy {
            std::string user_header;        // in lower case; empty: there is none
            std::vector<std::string> from;  // its addresses; from any other the header is nothing
            Role role = Role::responder;
        } proxy;
    } http;
    std::string probe_listen = "127.0.0.1:8091";
    std::vector<std::string> gitlab_hosts;
    struct Alerts {
        std::vector<ReceiverConfig> receivers;
        Route route;  // receiver empty: nobody is told
    } alerts;
};

// A source is current that is proven read up to this long ago: twice the longest probe_every.
Duration current_within(const Config& config);

// Why a configuration is refused: "file:line: what, why, what to write instead".
struct ConfigError {
    std::string what;
};

// Reads a configuration. All errors, not only the first, in the order of the file. Unknown keys
// are named with the nearest known one; "${NAME}" in a value is replaced from `environment` (so
// the parser itself reads none), "$${" stands for "${".
//
// Without `alerts.route`, the shipped route to the only webhook (Alertmanagers are told of
// everything, whatever the routes say).
Result<Config, std::vector<ConfigError>> parse_config(
    const std::string& file_name, std::string_view yaml,
    const std::vector<std::pair<std::string, std::string>>& environment);

// The route that ships: everything to one receiver. That advice is told to nobody and tickets once
// a day is the Dispatcher's, on any route.
Route default_route(const std::string& receiver);

// A mapping in the configuration and the keys it may have: what the parser accepts and the JSON
// Schema lists. The paths: "" (the file), "clusters[]", "alerts.receivers[].webhook", …; "route"
// is alerts.route and every route below it.
struct ConfigSection {
    std::string path;
    std::vector<std::string> keys;
};
const std::vector<ConfigSection>& config_sections();

}  // namespace runnerwatch
