#include "daemon/commands/print_sources.h"

#include "daemon/cluster/pod_list.h"
#include "parsers/visible_text.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <exception>
#include <ostream>
#include <vector>

namespace runnerwatch {

namespace {

struct Line {
    bool follow;
    std::string where, owner, why;
};

std::string kind_words(const PodContainer& container) {
    if (container.kind == PodContainer::Kind::init) return " (init)";
    if (container.kind == PodContainer::Kind::ephemeral) return " (ephemeral)";
    return "";
}

std::string state_words(const PodContainer& container) {
    if (!container.id.empty()) return {};
    return "; no instance yet";
}

void print_lines(const std::vector<Line>& lines, std::ostream& out) {
    std::size_t where = 0, owner = 0;
    for (const auto& line : lines) {
        where = std::max(where, line.where.size());
        owner = std::max(owner, line.owner.size());
    }
    const auto padded = [](const std::string& text, std::size_t width) {
        return text + std::string(width - text.size(), ' ');
    };
    for (const auto& line : lines)
        out << "  " << (line.follow ? "yes  " : "no   ") << padded(line.where, where) << "  "
            << padded(line.owner, owner) << "  " << line.why << "\n";
}

std::vector<Line> lines_of(const ClusterConfig& cluster, const std::map<std::string, Pod>& pods) {
    std::vector<Line> lines;
    for (const auto& [name, pod] : pods)
        for (const auto& container : pod.containers) {
            const auto choice = choose_container(cluster.follow, pod, container);
            lines.push_back(
                {choice.follow, visible_text(name + "/" + container.name + kind_words(container)),
                 visible_text(pod.workload), visible_text(choice.why + state_words(container))});
        }
    return lines;
}

asio::awaitable<bool> print_cluster(const ClusterConfig& cluster, std::ostream& out) {
    auto access = cluster_access(cluster.kubeconfig, cluster.context);
    if (!access) {
        out << "cluster " << (cluster.name.empty() ? "at hand" : cluster.name) << ": "
            << visible_text(access.error().what) << "\n";
        co_return false;
    }
    const std::string name = cluster.name.empty() ? access->context : cluster.name;
    ApiClient api(co_await asio::this_coro::executor, std::move(*access));
    std::vector<std::string> spaces = cluster.namespaces;
    if (spaces.empty()) spaces.emplace_back();
    bool complete = true;
    for (const auto& space : spaces) {
        out << "cluster " << name << (space.empty() ? ", all namespaces" : ", namespace " + space);
        PodQuery query{space, cluster.follow.selector, cluster.follow.field_selector};
        auto listed = co_await list_pods(api, std::move(query));
        if (!listed) {
            out << ": " << visible_text(listed.error().what) << "\n";
            complete = false;
            continue;
        }
        const auto lines = lines_of(cluster, listed->pods);
        const auto followed =
            std::count_if(lines.begin(), lines.end(), [](const Line& line) { return line.follow; });
        out << ": " << listed->pods.size() << " pods, " << followed << " of " << lines.size()
            << " containers followed\n";
        print_lines(lines, out);
    }
    co_return complete;
}

asio::awaitable<bool> print_clusters(const Config& config, std::ostream& out) {
    bool complete = true;
    for (const auto& cluster : config.clusters) {
        const bool printed = co_await print_cluster(cluster, out);
        complete = complete && printed;
    }
    co_return complete;
}

// `space` empty: of the whole cluster.
std::string role_for(const std::string& space) {
    const std::string prefix = space.empty() ? "Cluster" : "";
    const std::string metadata =
        "metadata:\n  name: runnerwatch\n" + (space.empty() ? "" : "  namespace: " + space + "\n");
    return "apiVersion: rbac.authorization.k8s.io/v1\n"
           "kind: " +
           prefix + "Role\n" + metadata +
           "rules:\n"
           "  - apiGroups: [\"\"]\n"
           "    resources: [pods]\n"
           "    verbs: [get, list, watch]\n"
           "  - apiGroups: [\"\"]\n"
           "    resources: [pods/log]\n"
           "    verbs: [get]\n"
           "---\n"
           "apiVersion: rbac.authorization.k8s.io/v1\n"
           "kind: " +
           prefix + "RoleBinding\n" + metadata +
           "roleRef:\n"
           "  apiGroup: rbac.authorization.k8s.io\n"
           "  kind: " +
           prefix +
           "Role\n"
           "  name: runnerwatch\n"
           "subjects:\n"
           "  - kind: ServiceAccount\n"
           "    name: runnerwatch\n"
           "    namespace: runnerwatch\n";
}

}  // namespace

int print_sources(const Config& config, std::ostream& out) {
    asio::io_context io(1);
    bool complete = false;
    std::exception_ptr failed;
    asio::co_spawn(io, print_clusters(config, out), [&](std::exception_ptr error, bool result) {
        failed = error;
        complete = result;
    });
    io.run();
    if (failed) std::rethrow_exception(failed);
    for (const auto& file : config.files)
        out << "file " << visible_text(file.path) << ": followed\n";
    for (const auto& journal : config.journal)
        out << "journal of " << visible_text(journal.unit) << ": followed\n";
    return complete ? 0 : 1;
}

std::string least_rbac(const Config& config) {
    std::string text;
    for (const auto& cluster : config.clusters) {
        std::vector<std::string> spaces = cluster.namespaces;
        if (spaces.empty()) spaces.emplace_back();
        for (const auto& space : spaces) {
            text += text.empty() ? "" : "---\n";
            text += "# cluster " + (cluster.name.empty() ? "at hand" : cluster.name) +
                    "; the subject is the ServiceAccount or user that runnerwatch comes as\n" +
                    role_for(space);
        }
    }
    return text;
}

}  // namespace runnerwatch
