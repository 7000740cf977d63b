#include "daemon/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;
using std::filesystem::path;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

using Environment = std::vector<std::pair<std::string, std::string>>;

std::string read_file(const path& file) {
    std::ifstream stream(file);
    EXPECT_TRUE(stream) << file;
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

std::string errors_of(const Result<Config, std::vector<ConfigError>>& result) {
    std::string text;
    if (!result)
        for (const auto& error : result.error()) text += error.what + "\n";
    return text;
}

Config parsed(const std::string& yaml, const Environment& environment = {}) {
    const auto result = parse_config("runnerwatch.yaml", yaml, environment);
    EXPECT_TRUE(result) << errors_of(result);
    return result ? *result : Config{};
}

const path configs = path(SOURCE_DIR) / "tests/daemon/configs";

TEST(Config, RefusesEachFaultWithItsText) {
    int faults = 0;
    for (const auto& entry : std::filesystem::directory_iterator(configs)) {
        if (entry.path().extension() != ".yaml") continue;
        const std::string name = entry.path().filename().string();
        SCOPED_TRACE(name);
        const auto result = parse_config(name, read_file(entry.path()), {});
        EXPECT_FALSE(result);
        EXPECT_EQ(errors_of(result), read_file(path(entry.path()).replace_extension(".errors")));
        ++faults;
    }
    EXPECT_GT(faults, 20);
}

TEST(Config, NeverRepeatsAUrlOrAVariableInAnError) {
    const std::string yaml = R"(
files: [{path: runner.log}]
history: ${SECRET}
alerts:
  receivers:
    - {name: a, webhook: {url: hooks.example.com/s3cret}}
    - {name: b, webhook: {url: "${SECRET}"}}
    - {name: c, alertmanager: {urls: ["http://user:s3cret@am:port", "${SECRET}"]}}
  route: {receiver: a}
)";
    const auto result = parse_config("runnerwatch.yaml", yaml, {{"SECRET", "s3cret"}});
    ASSERT_FALSE(result);
    EXPECT_THAT(result.error(), SizeIs(6)) << errors_of(result);
    EXPECT_THAT(errors_of(result), Not(HasSubstr("s3cret")));
}

TEST(Config, LeavesWhatIsNotSetAtItsDefault) {
    const Config config = parsed("clusters: [{}]\nstorage:\nhttp: ~\n");
    ASSERT_THAT(config.clusters, SizeIs(1));
    EXPECT_EQ(config.clusters[0].kubeconfig, "");
    EXPECT_THAT(config.clusters[0].namespaces, IsEmpty());
    EXPECT_EQ(config.history, 24h);
    EXPECT_EQ(config.storage.database, "runnerwatch.db");
    EXPECT_EQ(config.storage.retention, 24h * 180);
    EXPECT_EQ(config.storage.size_max, 0);
    EXPECT_EQ(config.http.listen, "127.0.0.1:8090");
    EXPECT_EQ(config.probe_listen, "127.0.0.1:8091");
    EXPECT_EQ(config.alerts.route.receiver, "") << "nobody is told";
}

TEST(Config, ReadsWhatIsSet) {
    const Config config = parsed(R"(
clusters: [{name: prod, kubeconfig: kc, context: ctx, namespaces: [a, b], selector: app=x,
            field_selector: spec.nodeName=n, workloads: [Deployment/*], open_rate: 7,
            probe_every: 30s, renew_every: 50m}]
files: [{path: one.log}, {name: two, path: 2.log}]
rules: [more]
history: 0
storage: {database: /data/rw.db, retention: 7d, size_max: 2GiB}
http: {listen: "[::1]:80", path_prefix: /a/runnerwatch/, tls: {certificate: c.pem, key: k.pem}}
probe_listen: :9000
gitlab_hosts: ["gitlab.example.com:8443"]
)");
    ASSERT_THAT(config.clusters, SizeIs(1));
    const auto& cluster = config.clusters[0];
    EXPECT_EQ(cluster.name, "prod");
    EXPECT_EQ(cluster.kubeconfig, "kc");
    EXPECT_EQ(cluster.context, "ctx");
    EXPECT_THAT(cluster.namespaces, ElementsAre("a", "b"));
    EXPECT_EQ(cluster.follow.selector, "app=x");
    EXPECT_EQ(cluster.follow.field_selector, "spec.nodeName=n");
    EXPECT_THAT(cluster.follow.workloads, ElementsAre("Deployment/*"));
    EXPECT_EQ(cluster.open_rate, 7);
    EXPECT_EQ(cluster.probe_every, 30s);
    EXPECT_EQ(cluster.renew_every, 50min);
    ASSERT_THAT(config.files, SizeIs(2));
    EXPECT_EQ(config.files[0].name, "one.log");
    EXPECT_EQ(config.files[1].name, "two");
    EXPECT_THAT(config.rules, ElementsAre("more"));
    EXPECT_EQ(config.history, 0s);
    EXPECT_EQ(config.storage.database, "/data/rw.db");
    EXPECT_EQ(config.storage.retention, 24h * 7);
    EXPECT_EQ(config.storage.size_max, std::uint64_t{2} << 30);
    EXPECT_EQ(config.http.listen, "[::1]:80");
    EXPECT_EQ(config.http.path_prefix, "/a/runnerwatch");
    EXPECT_EQ(config.http.tls_certificate, "c.pem");
    EXPECT_EQ(config.http.tls_key, "k.pem");
    EXPECT_EQ(config.probe_listen, ":9000");
    EXPECT_THAT(config.gitlab_hosts, ElementsAre("gitlab.example.com:8443"));
}

TEST(Config, ReadsSizesInEveryUnit) {
    const std::pair<const char*, std::uint64_t> cases[] = {
        {"0", 0},
        {"1024", 1024},
        {"12B", 12},
        {"3kB", 3000},
        {"3KB", 3000},
        {"500MB", 500'000'000},
        {"1gb", 1'000'000'000},
        {"2TB", 2'000'000'000'000},
        {"4KiB", 4096},
        {"1mib", 1 << 20},
        {"1TiB", std::uint64_t{1} << 40},
        {"16777215TiB", std::uint64_t{16777215} << 40}};
    for (const auto& [text, bytes] : cases) {
        SCOPED_TRACE(text);
        const Config config =
            parsed("files: [{path: a}]\nstorage: {size_max: " + std::string(text) + "}");
        EXPECT_EQ(config.storage.size_max, bytes);
    }
    for (const char* text : {"-1", "1.5GiB", "16777216TiB", "GiB", "1 GiB", "0x10", "1GiBs"}) {
        SCOPED_TRACE(text);
        EXPECT_FALSE(parse_config(
            "f", "files: [{path: a}]\nstorage: {size_max: " + std::string(text) + "}", {}));
    }
}

TEST(Config, ReplacesVariablesInValues) {
    const Environment environment{{"FOLDER", "/var/log"}, {"NAME", "a: b # ${FOLDER}"}};
    const Config config = parsed(R"(
files:
  - {path: "${FOLDER}/${NAME}.log"}
  - {path: "$${FOLDER}/$HOME/$$"}
)",
                                 environment);
    ASSERT_THAT(config.files, SizeIs(2));
    EXPECT_EQ(config.files[0].path, "/var/log/a: b # ${FOLDER}.log")
        << "a value is neither YAML nor replaced again";
    EXPECT_EQ(config.files[1].path, "${FOLDER}/$HOME/$$");
}

TEST(Config, FillsInWhatRoutesInherit) {
    const Config config = parsed(R"(
files: [{path: a}]
alerts:
  receivers:
    - {name: day, webhook: {url: "https://hooks.example.com/day"}}
    - {name: night, webhook: {url_file: /secret/night, secret_file: /secret/key}}
    - {name: am, alertmanager: {urls: ["http://am-0:9093", "http://am-1:9093"], hold: 2h}}
  route:
    receiver: day
    group_by: [rule]
    repeat_interval: 8h
    routes:
      - match: {severity: [error, critical], cluster: prod}
        receiver: night
        group_wait: 0s
        continue: true
        routes:
          - match: {response: page}
            group_by: []
      - match: {host: gitlab.example.com}
)");
    const auto& receivers = config.alerts.receivers;
    ASSERT_THAT(receivers, SizeIs(3));
    EXPECT_EQ(receivers[0].webhook->url, "https://hooks.example.com/day");
    EXPECT_EQ(receivers[1].webhook->url_file, "/secret/night");
    EXPECT_EQ(receivers[1].webhook->secret_file, "/secret/key");
    EXPECT_THAT(receivers[2].alertmanager->urls,
                ElementsAre("http://am-0:9093", "http://am-1:9093"));
    EXPECT_EQ(receivers[2].alertmanager->hold, 2h);

    const Route& root = config.alerts.route;
    ASSERT_THAT(root.routes, SizeIs(2));
    const Route& night = root.routes[0];
    EXPECT_EQ(night.receiver, "night");
    EXPECT_THAT(night.match.at("severity"), ElementsAre("error", "critical"));
    EXPECT_THAT(night.match.at("cluster"), ElementsAre("prod"));
    EXPECT_THAT(night.group_by, ElementsAre("rule"));
    EXPECT_EQ(night.group_wait, 0s);
    EXPECT_EQ(night.group_interval, 5min);
    EXPECT_EQ(night.repeat_interval, 8h);
    EXPECT_TRUE(night.continue_after);

    ASSERT_THAT(night.routes, SizeIs(1));
    const Route& page = night.routes[0];
    EXPECT_EQ(page.receiver, "night");
    EXPECT_THAT(page.match, SizeIs(1)) << "what a route matches is its own";
    EXPECT_THAT(page.group_by, IsEmpty());
    EXPECT_EQ(page.group_wait, 0s);
    EXPECT_FALSE(page.continue_after);

    EXPECT_EQ(root.routes[1].receiver, "day");
    EXPECT_EQ(root.routes[1].group_wait, 30s);
    EXPECT_FALSE(root.routes[1].continue_after);
}

TEST(Config, RoutesToTheOnlyWebhookUnlessToldOtherwise) {
    const Config both = parsed(R"(
files: [{path: a}]
alerts:
  receivers:
    - {name: am, alertmanager: {urls: ["http://am:9093"]}}
    - {name: hook, webhook: {url: "https://hooks.example.com/"}}
)");
    EXPECT_EQ(both.alerts.route.receiver, "hook");
    EXPECT_THAT(both.alerts.route.routes, IsEmpty());
    const Config one = parsed(
        "files: [{path: a}]\n"
        "alerts: {receivers: [{name: am, alertmanager: {urls: ['http://am:9093']}}]}");
    EXPECT_EQ(one.alerts.route.receiver, "am");
}

TEST(Config, LoadsTheExample) {
    const Config config = parsed(read_file(path(SOURCE_DIR) / "config/runnerwatch.example.yaml"));
    EXPECT_EQ(config.clusters.at(0).name, "production");
    EXPECT_EQ(config.alerts.receivers.size(), 3);
    EXPECT_EQ(config.alerts.route.routes.size(), 2);
}

TEST(Config, ShowsEveryKeyInTheExample) {
    const std::string example = read_file(path(SOURCE_DIR) / "config/runnerwatch.example.yaml");
    for (const auto& section : config_sections())
        for (const auto& key : section.keys)
            EXPECT_THAT(example, HasSubstr(key + ":")) << "in " << section.path;
}

// The schema of a section: the file's own, or the one behind a path such as "clusters[]".
const nlohmann::json& schema_of(const nlohmann::json& schema, const std::string& section) {
    if (section == "route") return schema.at("$defs").at("route");
    const nlohmann::json* found = &schema;
    std::stringstream names(section);
    for (std::string name; std::getline(names, name, '.');) {
        const bool list = name.ends_with("[]");
        if (list) name.resize(name.size() - 2);
        found = &found->at("properties").at(name);
        if (list) found = &found->at("items");
    }
    return *found;
}

TEST(Config, HasASchemaWithExactlyTheKeysThatAreRead) {
    const auto schema =
        nlohmann::json::parse(read_file(path(SOURCE_DIR) / "config/runnerwatch.schema.json"));
    for (const auto& section : config_sections()) {
        SCOPED_TRACE(section.path);
        const auto& own = schema_of(schema, section.path);
        EXPECT_EQ(own.at("additionalProperties"), false);
        std::vector<std::string> keys;
        for (const auto& [key, value] : own.at("properties").items()) {
            keys.push_back(key);
            EXPECT_TRUE(value.contains("description") || value.contains("$ref")) << key;
        }
        EXPECT_THAT(keys, testing::UnorderedElementsAreArray(section.keys));
    }
}

}  // namespace
}  // namespace runnerwatch
