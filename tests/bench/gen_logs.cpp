// Deterministic generator of GitLab Runner manager pod logs, in the shape the
// Kubernetes pod-log API returns with timestamps=true:
//
//   2026-11-23T18:42:52.123456789Z <line the runner wrote>
//
// Message texts and field names follow gitlab-runner (network/gitlab.go,
// commands/multi.go, commands/health_helper.go, common/build.go,
// executors/kubernetes/*, log/runner_formatter.go).  log_format=runner (the
// default) always writes ANSI colour sequences, also when it is not a terminal:
// "<color>PREFIX: <msg padded to 50><reset>  <color>key<reset>=value ...".
//
// Build: g++ -O2 -std=c++17 -o gen_logs gen_logs.cpp
// Usage: gen_logs --bytes 1G --match 0.001 --rules 50 --pods 64 --seed 1
//                 [--format runner|text|json] [--color 0|1] [--long 0.00005] > out.log
#include "runner_record.h"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace bench {

std::string words(size_t bytes) {
    static const char* const w[] = {
        "volume",    "kube-api-access", "node",  "taint",    "annotation", "requested",
        "container", "helper",          "label", "affinity", "selector",   "toleration",
        "podCIDR",   "sha256:",         "layer", "manifest", "digest"};
    std::string r;
    while (r.size() < bytes) {
        r += pick(w);
        r += '-';
        r += hex(6);
        r += ' ';
    }
    r.resize(bytes);
    return r;
}

void background(Pod& p, double long_share) {
    std::string job = num(p.job - g->below(40));
    Kv runner{"runner", p.runner, false}, cid{"correlation_id", ulid(), false}, j{"job", job, true};
    double u = g->unit();
    if (u < long_share) {  // CRI splits at 16 KiB: a full-length partial line
        record(INFO, "Pod events " + words(16384 - 60), {});
        return;
    }
    u = g->unit();
    if (u < 0.003) {
        record(INFO,
               "Advanced Pod Spec configuration: " +
                   words(300 + static_cast<size_t>(std::exp(5.5 + 1.3 * g->unit()))),
               {runner, j});
        return;
    }
    if (u < 0.10) {
        p.job += g->below(3) + 1;
        record(INFO, "Checking for jobs... received",
               {{"job", num(p.job), true}, {"repo_url", repo(), false}, runner, cid});
    } else if (u < 0.14)
        record(INFO, "Added job to processing list",
               {{"builds", num(g->below(40)), true},
                j,
                {"max_builds", "40", true},
                {"project", num(g->below(4000)), true},
                {"repo_url", repo(), false},
                {"time_in_queue_seconds", num(g->below(90)), true}});
    else if (u < 0.27) {
        uint64_t a = g->below(4000000), b = a + g->below(32000);
        record(INFO, "Appending trace to coordinator...ok",
               {{"code", "202", true},
                j,
                {"job-log", "0-" + num(b), false},
                {"job-status", "running", false},
                runner,
                {"sent-log", num(a) + "-" + num(b - 1), false},
                {"status", "202 Accepted", false},
                {"update-interval", "3s", false},
                cid});
    } else if (u < 0.36)
        record(INFO, "Updating job...",
               {{"bytesize", num(g->below(900000)), true},
                {"checksum", "crc32:" + hex(8), false},
                j,
                runner});
    else if (u < 0.43)
        record(INFO, "Submitting job to coordinator...ok",
               {{"bytesize", num(g->below(900000)), true},
                {"checksum", "crc32:" + hex(8), false},
                {"code", "200", true},
                j,
                {"job-status", "", false},
                runner,
                {"update-interval", "0s", false}});
    else if (u < 0.50)
        record(INFO, "Job succeeded",
               {{"duration_s", num(g->below(3000)) + "." + num(g->below(1000000)), true},
                j,
                {"job-status", "success", false},
                {"name", pick(kJobs), false},
                {"project", num(g->below(4000)), true},
                runner});
    else if (u < 0.53)
        record(INFO, "Removed job from processing list",
               {{"builds", num(g->below(40)), true},
                j,
                {"max_builds", "40", true},
                {"project", num(g->below(4000)), true},
                {"repo_url", repo(), false}});
    else if (u < 0.73)
        record(INFO, "Using Kubernetes namespace: ci-" + hex(6), {j});
    else if (u < 0.77)
        record(WARN, "Job failed: command terminated with exit code " + num(1 + g->below(3)),
               {{"duration_s", num(g->below(900)) + ".5", true},
                {"exit_code", "1", true},
                {"failure_reason", "script_failure", false},
                j,
                {"job-status", "failed", false},
                runner});
    else if (u < 0.83)
        record(INFO, "Configuration loaded",
               {{"builds", num(g->below(40)), true}, {"max_builds", "40", true}});
    else if (u < 0.92)
        record(INFO, "Dialing: tcp gitlab.example.com:443 ...", {});
    else if (u < 0.94)
        record(WARN, "Retrying request after timeout budget check",
               {{"attempt", num(g->below(5)), true}, runner});
    else
        record(INFO, "Storing usage log information",
               {{"job_url", "https://gitlab.example.com/core/-/jobs/" + job, false}});
}

// One record that rule `rule` (1-based line of patterns.txt) matches.
void failure(Pod& p, int rule) {
    std::string job = num(p.job - g->below(40));
    Kv runner{"runner", p.runner, false}, cid{"correlation_id", ulid(), false}, j{"job", job, true};
    const std::string req = "POST https://gitlab.example.com/api/v4/jobs/request: ";
    const std::string upd = "PUT https://gitlab.example.com/api/v4/jobs/" + job + ": ";
    const std::string pod =
        "runner-" + hex(9) + "-project-" + num(g->below(4000)) + "-concurrent-0-" + hex(8);
    auto st = [](std::string s) { return Kv{"status", std::move(s), false}; };
    auto sys = [&](const std::string& e) {
        record(ERR, "Job failed (system failure): " + e,
               {{"duration_s", "12.5", true},
                {"error", e, false},
                {"failure_reason", "runner_system_failure", false},
                j,
                {"job-status", "failed", false},
                runner});
    };
    auto err = [&](const char* m, const std::string& e) {
        record(ERR, m, {{"error", e, false}, runner});
    };
    const std::string ip =
        "10." + num(g->below(256)) + "." + num(g->below(256)) + "." + num(g->below(256)) + ":443";
    switch (rule) {
        case 1:
            record(ERR, "Checking for jobs... forbidden", {runner, st(req + "403 Forbidden"), cid});
            break;
        case 2:
            record(WARN,
                   "Couldn't save new system ID on state file. In order to reliably identify this "
                   "runner in jobs with a known identifier,\nplease ensure there is a text file at "
                   "the location specified in `state_file` with the contents of `system_id`. "
                   "Example: echo \"" +
                       p.system_id +
                       "\" > \"/home/gitlab-runner/.gitlab-runner/.runner_system_id\"\n",
                   {{"state_file", "/home/gitlab-runner/.gitlab-runner/.runner_system_id", false},
                    {"system_id", p.system_id, false}});
            break;
        case 3:
            record(WARN,
                   "CONFIGURATION: Long polling issues detected.\nIssues found:\n  - Request "
                   "bottleneck: 4 runners have request_concurrency=1, causing job delays during "
                   "long polling\nThis can cause job delays matching your GitLab instance's long "
                   "polling timeout.\nRecommended solutions:\n  1. Increase 'request_concurrency' "
                   "to 2-4 for 4 runners currently using request_concurrency=1\nThis message will "
                   "be printed each time the configuration is reloaded if the issues persist.",
                   {{"builds", "0", true}, {"max_builds", "40", true}});
            break;
        case 4:
            record(
                WARN, "Checking for jobs... failed",
                {runner,
                 st("execute JSON request: execute request: couldn't execute POST against "
                    "https://gitlab.example.com/api/v4/jobs/request: Post "
                    "\"https://gitlab.example.com/api/v4/jobs/request\": read tcp: i/o timeout")});
            break;
        case 5:
            record(WARN, "Checking for jobs... GitLab instance currently unavailable",
                   {runner, st(req + "503 Service Unavailable")});
            break;
        case 6:
            record(ERR, "Checking for jobs... client error",
                   {runner, st("only http or https scheme supported")});
            break;
        case 7:
            record(ERR,
                   "Runner \"https://gitlab.example.com" + p.runner +
                       "\" is unhealthy and will be disabled for 1h0m0s seconds!",
                   {{"unhealthy_requests", "3", true}, {"unhealthy_requests_limit", "3", true}});
            break;
        case 8:
            record(WARN,
                   "Runner \"https://gitlab.example.com" + p.runner +
                       "\" is not healthy, but check for a new job will be forced!",
                   {});
            break;
        case 9:
            record(WARN, "Appending trace to coordinator... failed",
                   {{"code", "500", true},
                    j,
                    {"job-log", "0-0", false},
                    {"job-status", "", false},
                    runner,
                    {"sent-log", "0-1233", false},
                    st("500 Internal Server Error")});
            break;
        case 10:
            record(ERR,
                   "Appending trace to coordinator... error couldn't execute PATCH against "
                   "https://gitlab.example.com/api/v4/jobs/" +
                       job + "/trace: Patch: context deadline exceeded",
                   {runner});
            break;
        case 11:
            record(WARN, "Appending trace to coordinator... range mismatch",
                   {{"code", "416", true}, j, runner, st("416 Range Not Satisfiable")});
            break;
        case 12:
            record(ERR, "Submitting job to coordinator... forbidden",
                   {{"code", "403", true}, j, runner, st(upd + "403 Forbidden")});
            break;
        case 13:
            record(WARN, "Submitting job to coordinator... not found",
                   {{"code", "404", true}, j, runner, st(upd + "404 Not Found")});
            break;
        case 14:
            sys("prepare environment: setting up build pod: context canceled. Check "
                "https://docs.gitlab.com/runner/shells/#shell-profile-loading for more "
                "information");
            break;
        case 15:
            sys("waiting for pod running: timed out waiting for pod to start (last phase: "
                "Pending)");
            break;
        case 16:
            sys("image pull failed: Back-off pulling image \"registry.example.com/" + hex(4) +
                "/img:latest\"");
            break;
        case 17:
            sys("pods \"" + pod + "\" not found");
            break;
        case 18:
            sys("container \"build\" terminated: OOMKilled");
            break;
        case 19:
            record(WARN,
                   "setting up credentials: Post "
                   "\"https://10.96.0.1:443/api/v1/namespaces/ci/secrets\": net/http: timeout "
                   "awaiting response",
                   {j, runner});
            break;
        case 20:
            record(WARN,
                   "pod sandbox creation failed: Failed to create pod sandbox: rpc error: code = "
                   "Unknown desc = network plugin cni not ready",
                   {j, runner});
            break;
        case 21:
            record(WARN,
                   "Failed to pull image with policy \"Always\": image pull failed: rpc error: "
                   "code = NotFound desc = manifest unknown",
                   {j, runner});
            break;
        case 22:
            err("Checking for updates",
                "tls: failed to verify certificate: x509: certificate signed by unknown authority");
            break;
        case 23:
            err("Request attempt", "dial tcp " + ip + ": connect: connection refused");
            break;
        case 24:
            err("Request attempt",
                "dial tcp: lookup gitlab.example.com on 10.96.0.10:53: no such host");
            break;
        case 25:
            err("Request attempt", "net/http: TLS handshake timeout");
            break;
        case 26:
            err("Request attempt",
                "net/http: request canceled while waiting for connection (Client.Timeout exceeded "
                "while awaiting headers)");
            break;
        case 27:
            err("Request attempt", "read tcp " + ip + ": read: connection reset by peer");
            break;
        case 28:
            record(WARN, "Waiting before making the next call",
                   {{"context", "ratelimit-requester-gitlab-request", false},
                    runner,
                    st("429 Too Many Requests")});
            break;
        case 29:
            record(WARN, "Updating job state", {j, runner, st(upd + "502 Bad Gateway")});
            break;
        case 30:
            record(ERR, "Artifact request",
                   {j, runner,
                    st("GET https://gitlab.example.com/api/v4/jobs/" + job +
                       "/artifacts: 401 Unauthorized")});
            break;
        case 31:
            record(ERR, "Verifying runner... is removed",
                   {runner,
                    st("POST https://gitlab.example.com/api/v4/runners/verify: 404 Not Found")});
            break;
        case 32:
            record(ERR,
                   "Failed to load config stat /home/gitlab-runner/.gitlab-runner/config.toml: no "
                   "such file or directory",
                   {{"builds", "0", true}});
            break;
        case 33:
            err("Failed to save config", "open /etc/gitlab-runner/config.toml: permission denied");
            break;
        case 34:
            record(WARN, "Failed to process runner",
                   {{"builds", num(g->below(40)), true},
                    {"error", "failed to update executor: missing driver", false},
                    {"executor", "kubernetes", false},
                    {"max_builds", "40", true},
                    runner});
            break;
        case 35:
            record(FATAL, "Failed to create listener for metrics server",
                   {{"error", "listen tcp :9252: bind: address already in use", false}});
            break;
        case 36:
            record(PANIC, "panic: runtime error: invalid memory address or nil pointer dereference",
                   {});
            break;
        case 37:
            record(INFO, "goroutine " + num(g->below(9000)) + " [running]:", {});
            break;
        case 38:
            err("Writing build dir", "mkdir /builds: no space left on device");
            break;
        case 39:
            record(ERR, "Job trace termination \"Fail\" failed",
                   {{"error", "received invalid job update response", false}, j, runner});
            break;
        case 40:
            record(ERR, "Failed to read trace buffer bytes",
                   {{"error", "seek: file already closed", false}, j});
            break;
        case 41:
            record(
                ERR,
                "Uploading artifacts as \"archive\" to coordinator... 413 Request Entity Too Large",
                {{"id", job, true},
                 {"responseStatus", "413 Request Entity Too Large", false},
                 {"token", "glcbt-64", false}});
            break;
        case 42:
            record(
                ERR,
                "Error cleaning up pod: Delete \"https://10.96.0.1:443/api/v1/namespaces/ci/pods/" +
                    pod + "\": context deadline exceeded",
                {j, runner});
            break;
        case 43:
            record(WARN,
                   "Event retrieved from the cluster: 0/12 nodes are available: 3 node(s) had "
                   "untolerated taint {dedicated: gpu}, 9 Insufficient cpu. preemption: 0/12",
                   {j, runner});
            break;
        case 44:
            record(WARN,
                   "Event retrieved from the cluster: MountVolume.SetUp failed for volume "
                   "\"scripts\" : configmap \"" +
                       pod + "-scripts\" not found",
                   {j, runner});
            break;
        case 45:
            err("Attach attempt", "error dialing backend: remote error: tls: internal error");
            break;
        case 46:
            err("Creating job pod",
                "pods is forbidden: User \"system:serviceaccount:gitlab:runner\" cannot create "
                "resource \"pods\" in API group \"\" in the namespace \"ci\"");
            break;
        case 47:
            record(WARN, "[handleGracefulShutdown] received stop signal",
                   {{"builds", num(g->below(40)), true},
                    {"max_builds", "40", true},
                    {"stop-signal", "terminated", false}});
            break;
        case 48:
            record(WARN,
                   "Runner token is empty or whitespace; this runner will be skipped during job "
                   "polling. ",
                   {runner});
            break;
        case 49:
            record(ERR, "Executor \"docker-autoscale\" is not known; marking Runner as unhealthy",
                   {{"builds", "0", true}, runner});
            break;
        default:
            record(FATAL, "Service run failed", {{"error", "exec format error", false}});
            break;
    }
}
}  // namespace bench

int main(int argc, char** argv) {
    using namespace bench;
    double bytes = 1 << 20, match = 0, long_share = 0.00005;
    int rules = 50, pods = 64;
    uint64_t seed = 1;
    for (int i = 1; i < argc; i += 2) {
        std::string a = argv[i];
        if (i + 1 >= argc) {
            fprintf(stderr, "%s needs a value\n", argv[i]);
            return 2;
        }
        const char* v = argv[i + 1];
        if (a == "--bytes") {
            char* e;
            bytes = strtod(v, &e);
            if (*e == 'K')
                bytes *= 1024;
            else if (*e == 'M')
                bytes *= 1 << 20;
            else if (*e == 'G')
                bytes *= 1 << 30;
        } else if (a == "--match")
            match = atof(v);
        else if (a == "--rules")
            rules = atoi(v);
        else if (a == "--pods")
            pods = atoi(v);
        else if (a == "--seed")
            seed = strtoull(v, nullptr, 10);
        else if (a == "--long")
            long_share = atof(v);
        else if (a == "--color")
            g_color = atoi(v) != 0;
        else if (a == "--format" && !strcmp(v, "runner"))
            g_json = g_text = false;
        else if (a == "--format" && !strcmp(v, "text"))
            g_text = true;
        else if (a == "--format" && !strcmp(v, "json"))
            g_json = true;
        else {
            fprintf(stderr, "unknown option %s %s\n", argv[i], v);
            return 2;
        }
    }
    if (rules < 1 || rules > 50 || pods < 1) {
        fprintf(stderr, "--rules 1..50, --pods >= 1\n");
        return 2;
    }
    g_one_line = match >= 1;
    Rng rng(seed);
    g = &rng;
    std::vector<Pod> ps;
    for (int i = 0; i < pods; ++i)
        ps.push_back(
            {rnd("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", 9),
             "r_" + rnd("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 12), "ci",
             1000000 + g->below(9000000)});
    double written = 0;
    out.reserve(2 << 20);
    while (written + static_cast<double>(out.size()) < bytes) {
        Pod& p = ps[g->below(ps.size())];
        if (g->unit() < match)
            failure(p, 1 + static_cast<int>(g->below(static_cast<uint64_t>(rules))));
        else
            background(p, long_share);
        if (out.size() > (1 << 20)) {
            fwrite(out.data(), 1, out.size(), stdout);
            written += static_cast<double>(out.size());
            out.clear();
        }
    }
    fwrite(out.data(), 1, out.size(), stdout);
    return fflush(stdout) ? 1 : 0;
}
