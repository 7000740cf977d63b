// What a person gets to read, and scripts as exit code, when something they gave is no good. The
// messages stand in bad_input/NAME.expected, exit code first.
#include "daemon/net/http_server.h"
#include "storage/schema.h"
#include "tests/acceptance/program.h"
#include "tests/acceptance/world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace runnerwatch {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::string expected_folder = SOURCE_DIR "/tests/acceptance/bad_input/";

const char* const refused =
    "time=\"2026-11-24T10:00:00Z\" level=error msg=\"Checking for jobs... forbidden\" "
    "runner=glpat-FAK runner_name=k8s-runner status=\"POST "
    "https://gitlab.example.com/api/v4/jobs/request: 403 Forbidden\"\n";

std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void write(const Program& program, const std::string& name, const std::string& text) {
    std::ofstream(program.file(name), std::ios::binary) << text;
}

// A configuration that is in order but for what is put into it.
std::string configured(const std::string& sections) {
    return sections + "http: {listen: '127.0.0.1:0'}\nprobe_listen: '127.0.0.1:0'\n";
}

std::string with_database(const std::string& name = "runnerwatch.db") {
    return configured("files: [{path: runner.log}]\nstorage: {database: " + name + "}\n");
}

using Words = std::vector<std::string>;

struct Case {
    const char* name;
    Words arguments;
    std::function<void(Program&)> prepare;
};

Words run() { return {"run", "--config", "config.yaml"}; }

Case configuration(const char* name, const std::string& text) {
    return {name, run(), [text](Program& program) { write(program, "config.yaml", text); }};
}

Case kubeconfig(const char* name, const std::string& text) {
    return {name, run(), [text](Program& program) {
                write(program, "config.yaml",
                      configured("clusters: [{name: prod, kubeconfig: kubeconfig}]\n"));
                if (!text.empty()) write(program, "kubeconfig", text);
            }};
}

Case database(const char* name, std::function<void(Program&)> prepare) {
    return {name, run(), [prepare = std::move(prepare)](Program& program) {
                write(program, "config.yaml", with_database());
                prepare(program);
            }};
}

void make_database(Program& program, const char* sql) {
    ASSERT_TRUE(Store::open(program.file("runnerwatch.db")));
    Connection(program.file("runnerwatch.db"), OpenMode::read_write).execute(sql);
}

std::vector<Case> cases() {
    return {
        configuration("config-with-an-unknown-key", "clusterz: []\n"),
        configuration("config-with-an-unknown-key-within",
                      "files: [{path: a}]\nstorage: {databse: x}\n"),
        configuration("config-that-is-no-yaml", "clusters: [\n"),
        configuration("config-that-is-binary", std::string("\x7f\x45LF\x02\x01\x00\x00\xff", 9)),
        {"config-that-is-missing", run(), [](Program&) {}},
        {"config-that-is-a-folder", run(),
         [](Program& program) { ::mkdir(program.file("config.yaml").c_str(), 0755); }},
        kubeconfig("kubeconfig-that-is-missing", ""),
        kubeconfig("kubeconfig-that-is-no-yaml", "apiVersion: v1\nclusters: [\n"),
        kubeconfig("kubeconfig-without-the-context",
                   "apiVersion: v1\nkind: Config\ncurrent-context: prod\ncontexts: []\n"),
        database("database-in-a-folder-that-is-missing",
                 [](Program& program) {
                     write(program, "config.yaml", with_database("no/such/runnerwatch.db"));
                 }),
        database(
            "database-that-is-text",
            [](Program& program) { write(program, "runnerwatch.db", std::string(5'000, '#')); }),
        database("database-of-another-program",
                 [](Program& program) {
                     Connection(program.file("runnerwatch.db"), OpenMode::read_write)
                         .execute("CREATE TABLE bookmarks (url TEXT)");
                 }),
        database("database-that-is-cut-short",
                 [](Program& program) {
                     make_database(program, "PRAGMA wal_checkpoint(TRUNCATE)");
                     std::filesystem::resize_file(program.file("runnerwatch.db"), 20'000);
                 }),
        database("database-that-may-not-be-written",
                 [](Program& program) {
                     make_database(program, "PRAGMA wal_checkpoint(TRUNCATE)");
                     ::chmod(program.file("runnerwatch.db").c_str(), 0444);
                     program.without_privileges();
                 }),
        database("database-on-a-full-disk",
                 [](Program& program) { program.with_files_of_at_most(8 * 1024); }),
        {"scan-of-a-missing-file", {"scan", "runner.log"}, [](Program&) {}},
        {"scan-of-a-folder",
         {"scan", "logs"},
         [](Program& program) { ::mkdir(program.file("logs").c_str(), 0755); }},
        {"scan-of-an-unreadable-file",
         {"scan", "runner.log"},
         [](Program& program) {
             write(program, "runner.log", refused);
             ::chmod(program.file("runner.log").c_str(), 0);
             program.without_privileges();
         }},
        {"dump-of-a-missing-database",
         {"db", "dump", "--database", "runnerwatch.db"},
         [](Program&) {}},
    };
}

TEST(BadInput, IsRefusedWithWhatHappenedWhyWhereAndWhatToDo) {
    for (const auto& [name, arguments, prepare] : cases()) {
        SCOPED_TRACE(name);
        Program program;
        prepare(program);
        const Outcome outcome = program.run(arguments);
        const std::string file = expected_folder + name + ".expected";
        EXPECT_EQ("exit code " + std::to_string(outcome.exit_code) + "\n" + outcome.err,
                  content(file))
            << file;
        EXPECT_THAT(outcome.out, IsEmpty());
    }
}

TEST(BadInput, ADatabaseThatADaemonWritesIsRefusedByItsProcess) {
    Program program;
    write(program, "config.yaml", with_database());
    const auto store = Store::open(program.file("runnerwatch.db"));
    ASSERT_TRUE(store);
    const Outcome outcome = program.run(run());
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_EQ(outcome.err,
              "runnerwatch: opening the database failed: it is being written by process " +
                  std::to_string(::getpid()) +
                  ". Database: runnerwatch.db. One daemon writes one database: stop the other, or "
                  "give this one a file of its own.\n");
}

TEST(BadInput, ADatabaseOfANewerVersionIsRefusedWithTheWayBack) {
    Program program;
    write(program, "config.yaml", with_database());
    make_database(program, "PRAGMA user_version = 999");
    const Outcome outcome = program.run(run());
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_EQ(outcome.err,
              "runnerwatch: opening the database failed: it was written by a newer runnerwatch "
              "(schema 999, this program knows " +
                  std::to_string(migrations().size()) +
                  "). Database: runnerwatch.db. Start the newer program, or go back with the "
                  "backup runnerwatch.db.before-v999.backup that it made before it changed the "
                  "file.\n");
}

TEST(BadInput, ADatabaseThatAnotherProgramHoldsIsRefused) {
    Program program;
    write(program, "config.yaml", with_database());
    make_database(program, "DELETE FROM meta");  // so that something has to be written at the start
    Connection other(program.file("runnerwatch.db"), OpenMode::read_write);
    const Transaction held(other);
    const Outcome outcome = program.run(run());
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_EQ(outcome.err,
              "runnerwatch: opening the database failed: database is locked. Database: "
              "runnerwatch.db. Another program holds it (`fuser` names it): wait, or end it; then "
              "start again: the file is as it was.\n");
}

// ---- rubbish in logs -------------------------------------------------------------------------

// What a terminal would obey instead of show.
std::string obeyed_by_terminals(const std::string& text) {
    std::string found;
    for (const char c : text)
        if ((static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7f) found += c;
    for (const char* direction : {"\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066",
                                  "\u2067", "\u2068", "\u2069", "\u200e", "\u200f"})
        if (text.find(direction) != std::string::npos) found += direction;
    if (text.find("\u009b") != std::string::npos) found += "CSI";
    return found;
}

const std::string hostile =
    "time=\"2026-11-24T10:00:00Z\" level=error msg=\"Checking for jobs... forbidden\" "
    "runner=glpat-FAK runner_name=\"\u202ekcatta\u2066 \x1b[2J\x1b]0;owned\x07 \x1b[8m\r\b\u009b2K"
    "\xff\xfe\x80 end\" status=\"POST https://gitlab.example.com/api/v4/jobs/request: 403 "
    "Forbidden\"\n";

TEST(BadInput, EscapesAndDirectionsInALogAreShownAndNeverSentToTheTerminal) {
    for (const std::string output : {"table", "json"}) {
        SCOPED_TRACE(output);
        Program program;
        // In JSON a file keeps the name it was given.
        const std::string name = output == "json" ? "runner.log" : "\x1b[31mrunner\u202e.log";
        write(program, name, hostile);
        const Outcome outcome = program.run({"scan", "--output", output, name, "\x1b[2Jnone"});
        EXPECT_EQ(outcome.exit_code, 2) << "one of the files does not exist";
        EXPECT_THAT(obeyed_by_terminals(outcome.out), IsEmpty()) << outcome.out;
        EXPECT_THAT(obeyed_by_terminals(outcome.err), IsEmpty()) << outcome.err;
        EXPECT_THAT(outcome.out, HasSubstr("kcatta"));
        EXPECT_THAT(outcome.err, HasSubstr("No such file or directory"));
    }
}

TEST(BadInput, BinaryAndEndlessLinesHideNoTrouble) {
    std::string bytes;
    for (int i = 0; i < 200'000; ++i) bytes += static_cast<char>(i * 7919 % 256);
    const std::string inputs[] = {bytes + "\n" + refused, std::string(1'000, '\0') + "\n" + refused,
                                  "\xff\xfe\xfa\xc0\x80\xed\xa0\x80\n" + std::string(refused),
                                  std::string(100'000'000, 'x') + "\n" + refused,
                                  // No line end at all, and one that lacks only at the end.
                                  refused + std::string(100'000'000, '\0'),
                                  std::string(refused, std::string_view(refused).size() - 1)};
    const auto scan = [](const std::string& input) {
        Program program;
        write(program, "runner.log", input);
        return program.run({"scan", "--output", "json", "runner.log"});
    };
    const auto ordinary = scan(std::string(refused) + "\n").peak_kib;
    int number = 0;
    for (const auto& input : inputs) {
        SCOPED_TRACE(++number);
        const Outcome outcome = scan(input);
        EXPECT_EQ(outcome.exit_code, 1);
        EXPECT_THAT(outcome.out, HasSubstr("\"rule\":\"job-request-forbidden\""));
        EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 1);
        EXPECT_THAT(obeyed_by_terminals(outcome.err), IsEmpty()) << outcome.err;
        EXPECT_LT(outcome.peak_kib, ordinary + 50 * 1024) << "memory does not grow with a line";
    }
}

TEST(BadInput, TheDaemonReadsOnBehindRubbish) {
    World world;
    std::ofstream(world.file("config.yaml"))
        << configured("files: [{path: " + world.file("runner.log") +
                      "}]\nstorage: {database: " + world.database() + "}\nhistory: 876000h\n");
    std::ofstream(world.file("runner.log"), std::ios::binary)
        << std::string("\0\x01\x1b[2J\n", 7) << hostile << std::string(5'000'000, 'x') << "\n"
        << refused << "\xc3\x28\n";
    world.start_daemon();
    world.until("both are counted", [&] {
        const auto rows = world.incidents();
        return rows.size() == 1 && rows[0].count == 2;
    });
    EXPECT_EQ(world.terminate_daemon(), 0);
    EXPECT_THAT(obeyed_by_terminals(world.daemon_log()), IsEmpty());
}

// ---- clusters that refuse --------------------------------------------------------------------

// An API server that gives everybody the same answer.
class Refuser {
public:
    Refuser(int status, const std::string& body)
        : server_(io_.get_executor(),
                  [status, body](ServerRequest, Responder& responder) -> asio::awaitable<void> {
                      ServerReply reply;
                      reply.status = status;
                      reply.body = body;
                      co_await responder.send(std::move(reply));
                  }) {
        const auto listening = server_.listen("127.0.0.1:0");
        if (!listening) throw std::runtime_error(listening.error());
        port = *listening;
        thread_ = std::thread([this] { io_.run(); });
    }
    ~Refuser() {
        auto stop = [this]() -> asio::awaitable<void> { co_await server_.stop(); };
        asio::co_spawn(io_, stop, asio::use_future).get();
        busy_.reset();
        thread_.join();
    }
    Refuser(const Refuser&) = delete;
    Refuser& operator=(const Refuser&) = delete;

    std::uint16_t port = 0;

private:
    asio::io_context io_{1};
    asio::executor_work_guard<asio::io_context::executor_type> busy_{io_.get_executor()};
    HttpServer server_;
    std::thread thread_;
};

TEST(BadInput, AClusterThatRefusesIsSaidWithWhatIsMissingAndAskedAgain) {
    const struct {
        int status;
        const char* body;
        const char* said;
    } refusals[] = {
        {401, R"({"kind":"Status","status":"Failure","message":"Unauthorized","code":401})",
         "does not accept the credentials of context 'replay' (401): renew the token or the "
         "client certificate"},
        {403,
         R"({"kind":"Status","status":"Failure","reason":"Forbidden","code":403,"message":)"
         R"("pods is forbidden: User \"system:serviceaccount:watch:rw\" cannot list resource )"
         R"(\"pods\" in API group \"\" in the namespace \"gitlab-runner\""})",
         "runnerwatch may not list pods in namespace gitlab-runner: the credentials lack verb "
         "list on pods; "},
    };
    for (const auto& refusal : refusals) {
        SCOPED_TRACE(refusal.status);
        World world;
        Refuser api(refusal.status, refusal.body);
        std::ofstream(world.file("kubeconfig")) << kubeconfig_for(api.port);
        world.start_daemon();
        world.until("it says so",
                    [&] { return world.daemon_log().find(refusal.said) != std::string::npos; });
        EXPECT_EQ(world.terminate_daemon(), 0);
        EXPECT_THAT(world.daemon_log(), Not(HasSubstr("terminate called")));
    }
}

}  // namespace
}  // namespace runnerwatch
