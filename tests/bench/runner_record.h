#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

// One log record in the shape the runner writes it and the log API returns it, and the random
// words it is made of. For gen_logs alone: its state is global.
namespace bench {

struct Rng {  // xoshiro256** seeded by splitmix64
    uint64_t s[4];
    explicit Rng(uint64_t seed) {
        for (auto& x : s) {
            seed += 0x9e3779b97f4a7c15ULL;
            uint64_t z = seed;
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
            z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
            x = z ^ (z >> 31);
        }
    }
    static uint64_t rotl(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
    uint64_t next() {
        uint64_t r = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = rotl(s[3], 45);
        return r;
    }
    uint64_t below(uint64_t n) {
        return static_cast<uint64_t>((static_cast<unsigned __int128>(next()) * n) >> 64);
    }
    double unit() { return (next() >> 11) * 0x1.0p-53; }
};

struct Pod {
    std::string runner, system_id, ns;
    uint64_t job;
};
struct Kv {
    const char* k;
    std::string v;
    bool num;
};

inline Rng* g;
inline bool g_json = false, g_text = false, g_color = true, g_one_line = false;
inline std::string out;

inline std::string num(uint64_t v) {
    char b[24];
    return std::string(b, snprintf(b, sizeof b, "%llu", (unsigned long long)v));
}
inline std::string rnd(const char* set, int n) {
    std::string r;
    size_t m = strlen(set);
    while (n--) r += set[g->below(m)];
    return r;
}
inline std::string hex(int n) { return rnd("0123456789abcdef", n); }
inline std::string ulid() { return "01" + rnd("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 24); }
template <size_t N>
const char* pick(const char* const (&a)[N]) {
    return a[g->below(N)];
}

inline const char* const kGroups[] = {"platform",        "payments", "mobile",      "data-eng",
                                      "infra/terraform", "web",      "core/search", "tools"};
inline const char* const kProjects[] = {
    "api",           "frontend",        "checkout", "ingest",
    "helm-charts",   "error-tracker",   "docs",     "failed-payments-report",
    "timeout-lib",   "gateway",         "auth",     "panic-button",
    "runner-images", "forbidden-words", "etl",      "sdk-go"};
inline std::string repo() {
    return std::string("https://gitlab.example.com/") + pick(kGroups) + "/" + pick(kProjects) +
           ".git";
}
inline const char* const kJobs[] = {"build", "test:unit",         "test:e2e",
                                    "lint",  "deploy:staging",    "release",
                                    "sast",  "container_scanning"};

inline void json_str(const std::string& s) {
    out += '"';
    for (char c : s) {
        switch (c) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\t':
                out += "\\t";
                break;
            default:
                out += c;
        }
    }
    out += '"';
}

inline void civil(int64_t secs, int& y, unsigned& m, unsigned& d) {
    int64_t z = secs / 86400 + 719468;
    int64_t era = z / 146097;
    unsigned doe = static_cast<unsigned>(z - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    d = doy - (153 * mp + 2) / 5 + 1;
    m = mp < 10 ? mp + 3 : mp - 9;
    y = static_cast<int>(yoe + era * 400 + (m <= 2));
}
inline int64_t g_now = 1795459372LL * 1000000000LL;  // 2026-11-23T18:42:52Z
inline void stamp(bool advance) {
    if (advance) g_now += static_cast<int64_t>(-std::log(1.0 - g->unit()) * 4e6) + 1;
    int64_t s = g_now / 1000000000LL, n = g_now % 1000000000LL;
    static int64_t last = -1;
    static char pre[64];
    if (s != last) {
        int y;
        unsigned m, d;
        civil(s, y, m, d);
        int t = static_cast<int>(s % 86400);
        snprintf(pre, sizeof pre, "%04d-%02u-%02uT%02d:%02d:%02d.", y, m, d, t / 3600, t / 60 % 60,
                 t % 60);
        last = s;
    }
    out.append(pre, 20);
    char f[10];
    for (int i = 8; i >= 0; --i) {
        f[i] = static_cast<char>('0' + n % 10);
        n /= 10;
    }
    out.append(f, 9);
    out += 'Z';
}

enum Level { INFO, WARN, ERR, FATAL, PANIC };
// Writes one runner record. A message with '\n' (runner format) becomes several
// pod-log lines, each with its own timestamp, as the container runtime sees it.
inline void record(Level lv, std::string msg, std::vector<Kv> kv) {
    if (g_one_line) msg = msg.substr(0, msg.find('\n'));  // --match 1: every line must match
    for (size_t i = 1; i < kv.size(); ++i)                // logrus sorts keys
        for (size_t j = i; j && strcmp(kv[j - 1].k, kv[j].k) > 0; --j) std::swap(kv[j - 1], kv[j]);
    stamp(true);
    out += ' ';
    if (g_json) {
        static const char* const names[] = {"info", "warning", "error", "fatal", "panic"};
        out += '{';
        bool lv_done = false, msg_done = false;
        auto lead = [&](const char* k) {
            if (!lv_done && (!k || strcmp(k, "level") > 0)) {
                out += "\"level\":\"";
                out += names[lv];
                out += "\",";
                lv_done = true;
            }
            if (!msg_done && (!k || strcmp(k, "msg") > 0)) {
                out += "\"msg\":";
                json_str(msg);
                out += ',';
                msg_done = true;
            }
        };
        for (auto& e : kv) {
            lead(e.k);
            json_str(e.k);
            out += ':';
            if (e.num)
                out += e.v;
            else
                json_str(e.v);
            out += ',';
        }
        lead(nullptr);
        out += "\"time\":\"";
        stamp(false);
        out += "\"}\n";
        return;
    }
    if (g_text) {  // logrus quotes what holds more than letters, digits and -._/@^+
        static const char* const names[] = {"info", "warning", "error", "fatal", "panic"};
        const auto value = [](const std::string& v) {
            const bool plain = v.find_first_not_of(
                                   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTU"
                                   "VWXYZ0123456789-._/@^+") == std::string::npos;
            plain ? void(out += v) : json_str(v);
        };
        out += "time=\"";
        stamp(false);
        out += std::string("\" level=") + names[lv] + " msg=";
        value(msg);
        for (auto& e : kv) {
            out += std::string(" ") + e.k + "=";
            value(e.v);
        }
        out += '\n';
        return;
    }
    static const char* const color[] = {"", "\x1b[0;33m", "\x1b[31;1m", "\x1b[31;1m", "\x1b[31;1m"};
    static const char* const prefix[] = {"", "WARNING: ", "ERROR: ", "FATAL: ", "PANIC: "};
    const char* c = g_color ? color[lv] : "";
    const char* r = g_color ? "\x1b[0;m" : "";
    out += c;
    out += prefix[lv];
    for (char ch : msg) {
        out += ch;
        if (ch == '\n') {
            stamp(true);
            out += ' ';
        }
    }
    int pad = 50 - static_cast<int>(strlen(prefix[lv])) - static_cast<int>(msg.size());
    if (pad > 0) out.append(static_cast<size_t>(pad), ' ');
    out += r;
    out += ' ';
    for (auto& e : kv) {
        out += ' ';
        out += c;
        out += e.k;
        out += r;
        out += '=';
        out += e.v;
    }
    out += '\n';
}

}  // namespace bench
