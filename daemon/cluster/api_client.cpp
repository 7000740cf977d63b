#include "daemon/cluster/api_client.h"

#include "daemon/net/url_parts.h"
#include "parsers/ascii_lower.h"

#include <algorithm>
#include <utility>

namespace runnerwatch {

namespace {

// What a path asks for, in the words of a Role.
struct Asked {
    std::string verb, resource, namespace_;

    std::string where() const {
        return namespace_.empty() ? "in all namespaces" : "in namespace " + namespace_;
    }
};

Asked asked(std::string_view path) {
    Asked asked;
    const std::size_t question = path.find('?');
    const std::string_view query =
        question == path.npos ? std::string_view() : path.substr(question + 1);
    path = path.substr(0, question);
    constexpr std::string_view namespaces = "/api/v1/namespaces/", all = "/api/v1/";
    if (path.starts_with(namespaces)) {
        path.remove_prefix(namespaces.size());
        asked.namespace_ = path.substr(0, path.find('/'));
        path.remove_prefix(std::min(path.size(), asked.namespace_.size() + 1));
    } else if (path.starts_with(all)) {
        path.remove_prefix(all.size());
    }
    const std::size_t name = path.find('/');
    asked.resource = path.substr(0, name);
    const bool watch = query.starts_with("watch=") || query.find("&watch=") != query.npos;
    asked.verb = watch ? "watch" : name == path.npos ? "list" : "get";
    if (name != path.npos && path.ends_with("/log")) asked.resource += "/log";
    return asked;
}

// The service account that a refusal names: "namespace:name".
std::string service_account_in(std::string_view message) {
    constexpr std::string_view prefix = "system:serviceaccount:";
    const std::size_t begin = message.find(prefix);
    if (begin == message.npos) return {};
    message.remove_prefix(begin + prefix.size());
    return std::string(message.substr(0, message.find('"')));
}

std::string how_to_grant(const Asked& asked, std::string_view message) {
    const std::string scope = asked.namespace_.empty() ? "" : " -n " + asked.namespace_;
    const std::string kind = asked.namespace_.empty() ? "clusterrole" : "role";
    std::string account = service_account_in(message);
    account = account.empty() ? "--user=USER" : "--serviceaccount=" + account;
    return "grant it with: kubectl create " + kind +
           " runnerwatch --verb=get,list,watch --resource=pods,pods/log" + scope +
           " && kubectl create " + kind + "binding runnerwatch --" + kind + "=runnerwatch " +
           account + scope;
}

// A header's name may hold only these as they are (client-go, transport/round_trippers.go).
std::string escaped_header_name(std::string_view key) {
    constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyz0123456789!#$&'*+-.^_`|~";  // and not '%'
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string name;
    for (char c : key) {
        c = ascii_lower(c);
        const auto byte = static_cast<unsigned char>(c);
        if (plain.find(c) != plain.npos)
            name += c;
        else
            (((name += '%') += digits[byte >> 4]) += digits[byte & 15]);
    }
    return name;
}

void impersonate(const Impersonation& as, HttpCall& call) {
    if (as.user.empty()) return;
    call.headers.emplace_back("Impersonate-User", as.user);
    if (!as.uid.empty()) call.headers.emplace_back("Impersonate-Uid", as.uid);
    for (const auto& group : as.groups) call.headers.emplace_back("Impersonate-Group", group);
    for (const auto& [key, value] : as.extra)
        call.headers.emplace_back("Impersonate-Extra-" + escaped_header_name(key), value);
}

ApiError without_answer(std::string what) {
    ApiError error;
    error.what = std::move(what);
    return error;
}

}  // namespace

ApiClient::ApiClient(Loop loop, ClusterAccess access, double open_rate)
    : access_(std::move(access)),
      credentials_(loop, access_),
      pacer_(loop, open_rate),
      client_(std::move(loop)) {}

// One for all calls until something changes: a certificate is a kilobyte, streams are thousands.
std::shared_ptr<const TlsOptions> ApiClient::tls(const Credentials::Current& credentials) {
    if (tls_ && tls_generation_ == credentials.generation) return tls_;
    auto made = std::make_shared<TlsOptions>();
    made->ca_file = access_.ca_file;
    made->ca_data = access_.ca_data;
    made->client_certificate_data = credentials.certificate;
    made->client_key_data = credentials.key;
    made->server_name = access_.tls_server_name;
    made->proxy_url = access_.proxy_url;
    made->insecure_skip_verify = access_.insecure_skip_tls_verify;
    tls_generation_ = credentials.generation;
    return tls_ = std::move(made);
}

HttpCall ApiClient::call(const std::string& path, const Credentials::Current& credentials) {
    HttpCall call;
    call.url = access_.server + path;
    call.headers.emplace_back("Accept", "application/json, */*");
    if (!credentials.token.empty())
        call.headers.emplace_back("Authorization", "Bearer " + credentials.token);
    impersonate(access_.as, call);
    call.tls = tls(credentials);
    return call;
}

asio::awaitable<Result<std::string, ApiError>> ApiClient::get(std::string path) {
    for (bool again = false;; again = true) {
        const auto credentials = co_await credentials_.get();
        if (!credentials) co_return failure(without_answer(credentials.error()));
        const std::uint64_t generation = (*credentials)->generation;
        HttpCall wanted = call(path, **credentials);
        auto reply = co_await client_.fetch(std::move(wanted));
        if (!reply)
            co_return failure(without_answer("cannot reach the API server " +
                                             url_for_people(access_.server) + ": " +
                                             reply.error().what));
        if (reply->status == 401 && !again && co_await credentials_.renew(generation)) continue;
        if (reply->status / 100 == 2 && reply->status != 204) co_return std::move(reply->body);
        co_return failure(
            refused(path, reply->status, reply->body, std::string(reply->header("retry-after"))));
    }
}

asio::awaitable<StreamEnd> ApiClient::stream(std::string path, std::function<void(int)> on_headers,
                                             std::function<void(std::string_view)> on_bytes) {
    for (bool again = false;; again = true) {
        const auto credentials = co_await credentials_.get();
        if (!credentials) {
            StreamEnd none;
            none.what = credentials.error();
            co_return none;
        }
        const std::uint64_t generation = (*credentials)->generation;
        HttpCall wanted = call(path, **credentials);
        StreamEnd end = co_await client_.stream(std::move(wanted), on_headers, on_bytes);
        if (end.status == 401 && !again && co_await credentials_.renew(generation)) continue;
        co_return end;
    }
}

asio::awaitable<Result<ApiClient::Opened, ApiError>> ApiClient::open(std::string path,
                                                                     HttpStreamTaker& taker,
                                                                     bool fresh) {
    const auto credentials = co_await credentials_.get();
    if (!credentials) co_return failure(without_answer(credentials.error()));
    HttpCall wanted = call(path, **credentials);
    wanted.fresh_connection = fresh;
    Opened opened;
    opened.credentials = (*credentials)->generation;
    opened.stream = client_.open(std::move(wanted), taker);
    co_return opened;
}

ApiError ApiClient::explain(std::string_view path, const StreamEnd& end) const {
    if (end.status != 0 && end.status / 100 != 2)
        return refused(path, end.status, end.body, end.retry_after);
    ApiError error;
    error.code = end.status;
    if (end.what.starts_with("no credentials")) {
        error.what = end.what;
        return error;
    }
    error.what = (end.status == 0 ? "cannot reach the API server " : "lost the API server ") +
                 url_for_people(access_.server) + ": " + end.what;
    return error;
}

ApiError ApiClient::refused(std::string_view path, int status, std::string_view body,
                            std::string retry_after) const {
    const ApiStatus said = parse_api_status(status, body);
    ApiError error{status, said.reason, said.kind, {}, std::move(retry_after), said.next};
    const Asked wanted = asked(path);
    const std::string server = url_for_people(access_.server);
    const std::string message = said.message.empty() ? "no reason given" : said.message;
    const auto mentions = [&](std::string_view word) { return message.find(word) != message.npos; };
    if (status == 401) {
        error.what = "the API server " + server + " does not accept the credentials of context '" +
                     access_.context + "' (401): renew the token or the client certificate";
    } else if (status == 403 && mentions("\"nodes\"") && mentions("\"proxy\"")) {
        error.what = "the API server " + server +
                     " may not read logs from its nodes (403): its own kubelet client lacks verb "
                     "get on nodes/proxy, a matter of the cluster's set-up: " +
                     message;
    } else if (status == 403) {
        error.what = "runnerwatch may not " + wanted.verb + " " + wanted.resource + " " +
                     wanted.where() + ": the credentials lack verb " + wanted.verb + " on " +
                     wanted.resource + "; " + how_to_grant(wanted, message);
    } else {
        error.what = "the API server " + server + " answered " + std::to_string(status) +
                     " when asked to " + wanted.verb + " " + wanted.resource + " " +
                     wanted.where() + ": " + message;
    }
    return error;
}

}  // namespace runnerwatch
