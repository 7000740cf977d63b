#include "parsers/kubeconfig.h"

#include <gmock/gmock.h>

namespace runnerwatch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

constexpr auto ordinary = R"(apiVersion: v1
kind: Config
current-context: dev
clusters:
- name: main
  cluster:
    server: https://rancher.example.com/k8s/clusters/c-1/
    certificate-authority: pki/ca.crt
    tls-server-name: kubernetes
    proxy-url: http://proxy:3128
- name: local
  cluster: {server: "http://127.0.0.1:8001"}
users:
- name: robot
  user:
    tokenFile: /var/run/token
    client-certificate-data: aGVsbG8=
    client-key: key.pem
contexts:
- name: dev
  context: {cluster: main, user: robot, namespace: gitlab-runner}
- name: proxy
  context: {cluster: local}
)";

Result<ClusterAccess, KubeconfigError> read(const std::string& text,
                                            std::string_view context = "") {
    return read_kubeconfig({{"/home/me/.kube/config", "/home/me/.kube", text}}, context);
}

TEST(Kubeconfig, ResolvesTheCurrentContext) {
    const auto access = read(ordinary);
    ASSERT_TRUE(access) << access.error().what;
    EXPECT_EQ(access->context, "dev");
    EXPECT_EQ(access->server, "https://rancher.example.com/k8s/clusters/c-1");
    EXPECT_EQ(access->ca_file, "/home/me/.kube/pki/ca.crt");
    EXPECT_EQ(access->tls_server_name, "kubernetes");
    EXPECT_EQ(access->proxy_url, "http://proxy:3128");
    EXPECT_EQ(access->token_file, "/var/run/token");
    EXPECT_EQ(access->client_certificate_data, "hello");
    EXPECT_EQ(access->client_key_file, "/home/me/.kube/key.pem");
    EXPECT_EQ(access->default_namespace, "gitlab-runner");
    EXPECT_FALSE(access->insecure_skip_tls_verify);
}

TEST(Kubeconfig, ResolvesANamedContextWithoutUser) {
    const auto access = read(ordinary, "proxy");
    ASSERT_TRUE(access) << access.error().what;
    EXPECT_EQ(access->server, "http://127.0.0.1:8001");
    EXPECT_EQ(access->token, "");
}

TEST(Kubeconfig, ReadsJson) {
    const auto access = read(R"({"current-context":"a",
        "clusters":[{"name":"c","cluster":{"server":"https://c","insecure-skip-tls-verify":true}}],
        "users":[{"name":"u","user":{"token":"secret-token"}}],
        "contexts":[{"name":"a","context":{"cluster":"c","user":"u"}}]})");
    ASSERT_TRUE(access) << access.error().what;
    EXPECT_TRUE(access->insecure_skip_tls_verify);
    EXPECT_EQ(access->token, "secret-token");
}

TEST(Kubeconfig, MergesFilesWithTheFirstDefinitionOfANameWinning) {
    const KubeconfigFile first{"/a/config", "/a",
                               "clusters: [{name: main, cluster: {server: 'https://first', "
                               "certificate-authority: ca.crt}}]\n"};
    const KubeconfigFile second{"/b/config", "/b", ordinary};
    const KubeconfigFile empty{"/c/config", "/c", ""};
    const auto access = read_kubeconfig({empty, first, second}, "");
    ASSERT_TRUE(access) << access.error().what;
    EXPECT_EQ(access->server, "https://first");
    EXPECT_EQ(access->ca_file, "/a/ca.crt") << "paths start at the file that has them";
    EXPECT_EQ(access->tls_server_name, "") << "an entry is taken whole";
    EXPECT_EQ(access->client_key_file, "/b/key.pem");
}

std::string with_user(const std::string& user) {
    return "current-context: a\n"
           "clusters: [{name: c, cluster: {server: 'https://c'}}]\n"
           "contexts: [{name: a, context: {cluster: c, user: u}}]\n"
           "users:\n- name: u\n  user:\n    " +
           user + "\n";
}

TEST(Kubeconfig, RefusesWithFileLineAndWhatToDo) {
    struct {
        const char* name;
        std::string text;
        std::string_view context;
        std::string says;
    } const cases[] = {
        {"no YAML", "clusters: [", "", "/home/me/.kube/config:"},
        {"not a mapping", "just text", "", "a mapping with clusters, users and contexts"},
        {"no current context", "clusters: []\n", "",
         "has no current-context; it defines no context"},
        {"unknown context", ordinary, "prod", "no context 'prod'; name one of: dev, proxy"},
        {"unknown cluster", "contexts: [{name: a, context: {cluster: x}}]", "a",
         "config:1: context 'a' names the cluster 'x', which is not defined"},
        {"unknown user",
         "clusters: [{name: c, cluster: {server: 'https://c'}}]\n"
         "contexts: [{name: a, context: {cluster: c, user: x}}]",
         "a", "config:2: context 'a' names the user 'x'"},
        {"no server",
         "clusters: [{name: c, cluster: {}}]\ncontexts: [{name: a, context: {cluster: c}}]", "a",
         "config:1: this cluster has no usable 'server'"},
        {"a list that is none", "clusters: 5", "a", "a list of {name, cluster} is expected"},
        {"an entry without name", "users: [{user: {}}]", "a", "this user has no name"},
        {"a text that is none", with_user("token: [a]"), "", "config:7: 'token' must be a text"},
        {"exec without a version", with_user("exec: {command: aws}"), "",
         "config:7: the exec plugin's apiVersion '' is not known"},
        {"exec of an old version",
         with_user("exec: {command: aws, apiVersion: client.authentication.k8s.io/v1alpha1}"), "",
         "write client.authentication.k8s.io/v1"},
        {"exec without a command", with_user("exec: {apiVersion: x}"), "", "no 'command'"},
        {"exec that needs a terminal",
         with_user("exec: {command: aws, apiVersion: client.authentication.k8s.io/v1, "
                   "interactiveMode: Always}"),
         "", "needs a person at a terminal"},
        {"exec of v1 without a mode",
         with_user("exec: {command: aws, apiVersion: client.authentication.k8s.io/v1}"), "",
         "'interactiveMode' must be Never or IfAvailable"},
        {"exec beside a token", with_user("{token: SECRET, exec: {command: aws}}"), "",
         "stands beside a token"},
        {"auth provider", with_user("auth-provider: {name: oidc}"), "", "auth providers"},
        {"basic", with_user("username: me"), "", "basic authentication"},
        {"groups of nobody", with_user("as-groups: [admins]"), "", "need 'as'"},
        {"a certificate authority that is not asked",
         "current-context: a\nclusters: [{name: c, cluster: {server: 'https://c', "
         "certificate-authority: ca, insecure-skip-tls-verify: true}}]\n"
         "contexts: [{name: a, context: {cluster: c}}]",
         "", "config:2: 'insecure-skip-tls-verify' stands beside a certificate authority"},
        {"not base64", with_user("client-key-data: '-----BEGIN SECRET'"), "", "is not base64"},
    };
    for (const auto& [name, text, context, says] : cases) {
        SCOPED_TRACE(name);
        const auto access = read(text, context);
        ASSERT_FALSE(access);
        EXPECT_THAT(access.error().what, HasSubstr(says));
        EXPECT_THAT(access.error().what, Not(HasSubstr("SECRET")));
    }
}

TEST(Kubeconfig, ReadsAPluginAndWhoToActAs) {
    const auto access = read(with_user(R"(
      as: admin
      as-uid: "7"
      as-groups: [a, b]
      as-user-extra: {reason: [night shift, day shift]}
      exec:
        apiVersion: client.authentication.k8s.io/v1
        command: bin/plugin
        args: [get-token, --cluster, prod]
        env: [{name: AWS_PROFILE, value: ci}]
        interactiveMode: IfAvailable
        provideClusterInfo: true
        installHint: install it)"));
    ASSERT_TRUE(access) << access.error().what;
    EXPECT_EQ(access->as.user, "admin");
    EXPECT_EQ(access->as.uid, "7");
    EXPECT_THAT(access->as.groups, ElementsAre("a", "b"));
    EXPECT_THAT(access->as.extra,
                ElementsAre(Pair("reason", "night shift"), Pair("reason", "day shift")));
    ASSERT_TRUE(access->exec);
    EXPECT_EQ(access->exec->command, "/home/me/.kube/bin/plugin");
    EXPECT_THAT(access->exec->arguments, ElementsAre("get-token", "--cluster", "prod"));
    EXPECT_THAT(access->exec->environment, ElementsAre(Pair("AWS_PROFILE", "ci")));
    EXPECT_TRUE(access->exec->wants_cluster);
}

}  // namespace
}  // namespace runnerwatch
