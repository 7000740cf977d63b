#include "daemon/cluster/credentials.h"

#include "daemon/cluster/cluster_access.h"
#include "daemon/cluster/exec_plugin.h"

#include <boost/asio/as_tuple.hpp>

#include <utility>

namespace runnerwatch {

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::seconds file_age_max{60};  // as client-go, transport/token_source.go
constexpr std::chrono::seconds failed_again{10};
constexpr std::chrono::seconds leeway{10};  // before what a plugin printed expires

std::string without_newline(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    return text;
}

// A file that is being replaced may be missing for a moment: the old text still serves.
void read_again(const std::string& file, std::string& text) {
    if (file.empty()) return;
    if (auto now = read_credential_file(file)) text = std::move(*now);
}

ExecClusterInfo cluster_info(const ClusterAccess& access) {
    ExecClusterInfo info{access.server, access.tls_server_name, access.ca_data, access.proxy_url,
                         access.insecure_skip_tls_verify};
    if (info.ca_data.empty()) read_again(access.ca_file, info.ca_data);
    return info;
}

}  // namespace

Credentials::Credentials(Loop loop, const ClusterAccess& access)
    : loop_(std::move(loop)), access_(access) {
    current_.token = access.token;
    current_.certificate = access.client_certificate_data;
    current_.key = access.client_key_data;
}

void Credentials::read_files() {
    Current now = current_;
    if (!access_.token_file.empty()) {
        read_again(access_.token_file, now.token);
        now.token = without_newline(std::move(now.token));
    }
    if (access_.client_certificate_data.empty())
        read_again(access_.client_certificate_file, now.certificate);
    if (access_.client_key_data.empty()) read_again(access_.client_key_file, now.key);
    read_at_ = SteadyClock::now();
    const bool same = now.token == current_.token && now.certificate == current_.certificate &&
                      now.key == current_.key;
    if (!same) {
        ++now.generation;
        current_ = std::move(now);
    }
}

bool Credentials::expired() const {
    if (!access_.exec) return false;
    if (current_.token.empty() && current_.certificate.empty()) return true;
    return expires_ && clock_.now() + leeway >= *expires_;
}

asio::awaitable<Result<const Credentials::Current*, std::string>> Credentials::get() {
    if (!access_.exec && SteadyClock::now() - read_at_ >= file_age_max) read_files();
    if (expired()) {
        co_await run_plugin(current_.generation);
        if (expired()) co_return failure(trouble_);
    }
    co_return &current_;
}

asio::awaitable<bool> Credentials::renew(std::uint64_t generation) {
    if (generation != current_.generation) co_return true;
    if (access_.exec)
        co_await run_plugin(generation);
    else
        read_files();
    co_return generation != current_.generation;
}

// One at a time: whoever comes meanwhile waits for what that one gives.
asio::awaitable<void> Credentials::run_plugin(std::uint64_t generation) {
    while (running_ && generation == current_.generation) {
        const auto running = running_;
        co_await running->async_wait(asio::as_tuple(asio::use_awaitable));
    }
    if (generation != current_.generation) co_return;
    if (!trouble_.empty() && SteadyClock::now() - failed_at_ < failed_again) co_return;

    struct Running {
        explicit Running(Credentials& of) : owner(of) {
            owner.running_ = std::make_shared<asio::steady_timer>(
                owner.loop_, asio::steady_timer::time_point::max());
        }
        // However it ends: the await may be cancelled.
        ~Running() { std::exchange(owner.running_, nullptr)->cancel(); }
        Credentials& owner;
    };
    const Running running(*this);
    auto printed = co_await run_exec_plugin(*access_.exec, cluster_info(access_));
    take(printed);
}

void Credentials::take(const Result<ExecCredential, std::string>& printed) {
    if (!printed) {
        failed_at_ = SteadyClock::now();
        trouble_ = "no credentials for context '" + access_.context + "': its exec plugin '" +
                   access_.exec->command + "' failed: " + printed.error() +
                   "; run it by hand as the user of this process to see why";
        return;
    }
    trouble_.clear();
    expires_ = printed->expires;
    if (expired() && expires_) {
        failed_at_ = SteadyClock::now();
        trouble_ = "no credentials for context '" + access_.context + "': its exec plugin '" +
                   access_.exec->command + "' printed some that have expired already; compare " +
                   "the clock of this machine";
    }
    // The static ones of the kubeconfig serve beside what the plugin leaves out.
    if (!printed->token.empty()) current_.token = printed->token;
    if (!printed->client_certificate.empty()) {
        current_.certificate = printed->client_certificate;
        current_.key = printed->client_key;
    }
    ++current_.generation;
}

}  // namespace runnerwatch
